"""The bundle: everything that serving needs, in a folder or under an S3 prefix, verified before it is used.

| file | content |
| --- | --- |
| `manifest.json` | what the bundle is; for every other file its size and SHA-256 |
| `model.pt` | TorchScript: (N, S, S, 3) uint8 RGB chips to (N, 512) unit-length embeddings and (N, C) logits; the
               weights of its convolutions are kept in float16, and computed with in float32 |
| `model.onnx`, `model.onnx.data` | the same as ONNX, and its weights, which are mapped into memory rather than parsed |
| `gallery.npz` | prototypes: `embeddings` (P, 512) float32, unit length, and `people` (P,): whose each is, an index of
                  the labels and, after them, the enrolled |
| `detector.svm`, `landmarks.dat` | dlib's frontal face detector and five-point shape predictor |
"""

import hashlib
import json
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from model.errors import BundleError
from model.storage import Bucket, Connect, FileEntry, OnProgress, entry_of
from preprocess.geometry import Geometry

FORMAT: Final = 3
MANIFEST: Final = "manifest.json"
MODEL: Final = "model.pt"
ONNX: Final = "model.onnx"
ONNX_WEIGHTS: Final = "model.onnx.data"
GALLERY: Final = "gallery.npz"
DETECTOR: Final = "detector.svm"
LANDMARKS: Final = "landmarks.dat"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself.

    `labels` are the people whom the network was trained to name, in the order of its logits; `enrolled` are known by
    their prototypes alone. A face counts as the person it is named from the similarity `threshold` on, if the network's
    name has the probability `certainty` at least; `temperature` is what logits are divided by. `calibration` says how
    these came about. `version` is derived from all the
    rest, so that two different bundles never share one.
    """

    labels: tuple[str, ...]
    enrolled: tuple[str, ...]
    geometry: Geometry
    threshold: float
    certainty: float
    temperature: float
    calibration: Mapping[str, Any]
    metrics: Mapping[str, Any]
    training: Mapping[str, Any]
    libraries: Mapping[str, str]
    files: Mapping[str, FileEntry]
    format: int = FORMAT
    version: str = ""

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody the bundle knows, in the gallery's order."""
        return self.labels + self.enrolled

    def entries(self, names: Collection[str] | None = None) -> Mapping[str, FileEntry]:
        """Return the entries of the files called `names`, by default of all.

        Raises:
            BundleError: the bundle has no such file.
        """
        missing = set(names or ()) - set(self.files)
        if missing:
            raise BundleError(f"The bundle has no {min(missing)}: it is older than this version. Export its run again.")
        return self.files if names is None else {name: self.files[name] for name in names}

    def sealed(self) -> Self:
        """Return the manifest with the version that its content gives it: twelve hexadecimal digits."""
        content = json.dumps(asdict(replace(self, version="")), sort_keys=True, ensure_ascii=False)
        return replace(self, version=hashlib.sha256(content.encode()).hexdigest()[:12])

    def to_json(self) -> str:
        """Return the text of `manifest.json`."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read `manifest.json`.

        Raises:
            BundleError: it is damaged, altered or of another format.
        """
        try:
            fields = json.loads(text)
            if fields["format"] != FORMAT:
                raise BundleError(
                    f"The bundle has format {fields['format']}; this version reads {FORMAT}. Export its run again."
                )
            files = {name: FileEntry(**entry) for name, entry in fields["files"].items()}
            fields |= {name: tuple(fields[name]) for name in ("labels", "enrolled")}
            manifest = cls(**fields | {"geometry": Geometry(**fields["geometry"]), "files": files})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleError("The bundle's manifest is damaged. Export or publish it again.") from error
        if manifest.version != manifest.sealed().version:
            raise BundleError("The bundle's manifest was altered: its version is not that of its content.")
        return manifest


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle in a local folder, or those of its files that were asked for."""

    manifest: Manifest
    directory: Path

    def path(self, name: str) -> Path:
        """Return where one of its files lies."""
        return self.directory / name


def write(source: Path, manifest: Manifest, target: Path, *, replace_existing: bool = False) -> Bundle:
    """Turn the folder `source`, holding every file but the manifest, into the bundle `target`.

    The bundle appears whole or not at all; one that it replaces is put beside `source`.

    Raises:
        BundleError: `target` exists, and is not a bundle that may be replaced.
    """
    check_target(target, replace_existing=replace_existing)
    entries = {path.name: entry_of(path) for path in sorted(source.iterdir())}
    sealed = replace(manifest, files=entries).sealed()
    (source / MANIFEST).write_text(sealed.to_json(), encoding="utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    replaced = source.with_name("replaced")
    if target.exists():
        target.rename(replaced)
    try:
        source.rename(target)
    except BaseException:
        replaced.rename(target)
        raise
    return Bundle(sealed, target)


@contextmanager
def temporary_bundle(target: Path) -> Iterator[Path]:
    """Yield an empty folder on the disk of `target` to make a bundle in; what is left of it is removed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".visage-", dir=target.parent) as folder:
        source = Path(folder) / "bundle"
        source.mkdir()
        yield source


def check_target(target: Path, *, replace_existing: bool = False) -> None:
    """See that a bundle may be written to `target`.

    Raises:
        BundleError: something is there that may not be replaced.
    """
    if target.exists() and not target.is_dir():
        raise BundleError(f"{target} is a file. Give another folder.")
    if target.exists() and any(target.iterdir()):
        if not (target / MANIFEST).exists():
            raise BundleError(f"{target} holds something that is no bundle. Give another folder.")
        if not replace_existing:
            raise BundleError(f"{target} already holds a bundle. Give another folder, or --replace it.")


def load(location: str, cache: Path | None = None, files: Collection[str] | None = None) -> Bundle:
    """Return the bundle at `location`, a folder or "s3://bucket/prefix", after verifying every checksum.

    Who needs only some `files` of it gets those, and no other is downloaded, looked at or verified. From S3 they are
    downloaded into `cache` (default: a folder of the system's temporary directory), under the bundle's version.

    Raises:
        BundleError: it is missing, incomplete, altered or of another format.
        BundleUnavailableError: S3 cannot be reached just now.
    """
    (bundle,) = load_parts(location, [files], cache)
    return bundle


def load_parts(location: str, parts: Sequence[Collection[str] | None], cache: Path | None = None) -> Iterator[Bundle]:
    """Yield the bundle at `location` as often as there are `parts`: files, which are there and verified by then.

    The first need not wait for the last. See `load` for the rest.
    """
    if location.startswith("s3://"):
        return _download(location, parts, cache or Path(tempfile.gettempdir()) / "visage")
    return (_open(Path(location), files) for files in parts)


def publish(directory: Path, location: str, on_progress: OnProgress, connect: Connect | None = None) -> Manifest:
    """Upload the bundle in `directory` to "s3://bucket/prefix", the manifest last, and return its manifest.

    The bundle is verified before it is sent; boto3 sends a checksum with every part, which S3 verifies; the sizes are
    compared at the end. A bundle that is there already is left as it is. `connect` makes the client, as
    boto3.client does, which it is by default.

    Raises:
        BundleError: the bundle is not whole, or the bucket does not take it.
        BundleUnavailableError: S3 cannot be reached.
    """
    bundle = _open(directory)
    with closing(Bucket(location, connect)) as bucket:
        names = [*bundle.manifest.files, MANIFEST]
        if bucket.has(MANIFEST) and Manifest.from_json(bucket.read(MANIFEST)).version == bundle.manifest.version:
            return bundle.manifest
        for name in names:
            bucket.upload(bundle.path(name), on_progress)
        wrong = [name for name in names if bucket.size(name) != bundle.path(name).stat().st_size]
        if wrong:
            raise BundleError(f"Uploaded, but {', '.join(wrong)} arrived with another size. Publish again.")
    return bundle.manifest


def _open(directory: Path, files: Collection[str] | None = None) -> Bundle:
    manifest_file = directory / MANIFEST
    if not manifest_file.is_file():
        raise BundleError(f"No bundle at {directory}: it has no {MANIFEST}.")
    bundle = Bundle(Manifest.from_json(manifest_file.read_bytes()), directory)
    for name, entry in bundle.manifest.entries(files).items():
        path = bundle.path(name)
        if not path.is_file():
            raise BundleError(f"The bundle at {directory} is incomplete: {name} is missing.")
        if entry_of(path) != entry:
            raise BundleError(f"The bundle at {directory} is damaged: {name} is not the file in its manifest.")
    return bundle


def _download(location: str, parts: Sequence[Collection[str] | None], cache: Path) -> Iterator[Bundle]:
    with closing(Bucket(location)) as bucket:
        manifest = Manifest.from_json(bucket.read(MANIFEST))
        bundle = Bundle(manifest, cache / manifest.version)
        bundle.directory.mkdir(parents=True, exist_ok=True)
        wanted = [manifest.entries(files) for files in parts]
        missing = {
            name: entry for part in wanted for name, entry in part.items() if not _is_there(bundle.path(name), entry)
        }
        arriving = bucket.download(missing, bundle.directory)
        for part in wanted:
            while any(name in missing for name in part):
                del missing[next(arriving)]
            yield bundle
        next(arriving, None)  # all are there; it only ends
        bundle.path(MANIFEST).write_text(manifest.to_json(), encoding="utf-8")


def _is_there(path: Path, entry: FileEntry) -> bool:
    return path.exists() and entry_of(path) == entry
