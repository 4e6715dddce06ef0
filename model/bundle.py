"""The bundle: every file that serving needs, in a folder or under an S3 prefix, verified before it is used.

| file | content |
| --- | --- |
| `manifest.json` | describes the bundle; holds the size and SHA-256 of every other file |
| `model.pt` | TorchScript: (N, S, S, 3) uint8 RGB chips to (N, 512) unit-length embeddings and (N, C) logits; the
               weights of its convolutions are stored as float16, and it computes in float32 |
| `model.onnx`, `model.onnx.data` | the same as ONNX, and its weights, which are mapped into memory rather than parsed |
| `gallery.npz` | prototypes: `embeddings` (P, 512) float32 of unit length, and `people` (P,): the person of each, as an
                  index into the labels followed by the enrolled |
| `detector.svm`, `landmarks.dat` | dlib's frontal face detector and five-point shape predictor |
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from model.cache import version_folder
from model.errors import BundleError
from model.storage import Bucket, Connect, FileEntry, OnProgress, entry_of
from preprocess.files import write_text
from preprocess.geometry import Geometry

FORMAT: Final = 3
MANIFEST: Final = "manifest.json"
MODEL: Final = "model.pt"
ONNX: Final = "model.onnx"
ONNX_WEIGHTS: Final = "model.onnx.data"
GALLERY: Final = "gallery.npz"
DETECTOR: Final = "detector.svm"
LANDMARKS: Final = "landmarks.dat"

FILES: Final = frozenset({MODEL, ONNX, ONNX_WEIGHTS, GALLERY, DETECTOR, LANDMARKS})
"""Every file that a manifest may name."""

_REPLACED: Final = "replaced"
"""The folder, beside the one that a bundle is made in, for the bundle that it replaces."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description of a bundle.

    `labels` are the people whom the network was trained to name, in the order of its logits. `enrolled` are the people
    who are known by their prototypes alone. A face counts as known from similarity `threshold` and probability
    `certainty` on. Logits are divided by `temperature`. `calibration` says how these three were found. `version` is a
    digest of everything else, so that two different bundles never share one.
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
        """All people, in the order of the gallery: the labels, then the enrolled."""
        return self.labels + self.enrolled

    def entries(self, names: Collection[str] | None = None) -> Mapping[str, FileEntry]:
        """Return the entries of the files called `names`, by default of all files.

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
            files = {_known_name(name): _entry(entry) for name, entry in fields["files"].items()}
            fields |= {name: tuple(fields[name]) for name in ("labels", "enrolled")}
            manifest = cls(**fields | {"geometry": Geometry(**fields["geometry"]), "files": files})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BundleError("The bundle's manifest is damaged. Export or publish it again.") from error
        if manifest.version != manifest.sealed().version:
            raise BundleError("The bundle's manifest was altered: its version does not fit its content.")
        return manifest


def _known_name(name: str) -> str:
    """Return `name`, one of the format's; any other could lead out of the folder of the bundle.

    Raises:
        BundleError: the format has no such file.
    """
    if name not in FILES:
        raise BundleError(f"The bundle's manifest names a file that bundles do not have: {name!r}.")
    return name


def _entry(fields: Mapping[str, Any]) -> FileEntry:
    """Return the entry of a file.

    Raises:
        ValueError: the size or the checksum cannot be that of a file.
    """
    entry = FileEntry(**fields)
    if type(entry.size) is not int or entry.size < 0:
        raise ValueError("size")
    if not isinstance(entry.sha256, str) or not re.fullmatch("[0-9a-f]{64}", entry.sha256):
        raise ValueError("sha256")
    return entry


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle in a local folder, or those of its files that were asked for."""

    manifest: Manifest
    directory: Path

    def path(self, name: str) -> Path:
        """Return where one of its files lies."""
        return self.directory / name


def write(source: Path, manifest: Manifest, target: Path, *, replace_existing: bool = False) -> Bundle:
    """Make the bundle `target` out of the folder `source`, which holds every file but the manifest.

    The bundle appears whole or not at all. A bundle that it replaces is moved beside `source`.

    Raises:
        BundleError: `target` exists and may not be replaced, or the folder cannot be renamed.
    """
    check_target(target, replace_existing=replace_existing)
    replaced = source.with_name(_REPLACED)
    try:
        entries = {_known_name(path.name): entry_of(path) for path in sorted(source.iterdir())}
        sealed = replace(manifest, files=entries).sealed()
        write_text(source / MANIFEST, sealed.to_json())
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target.rename(replaced)
        source.rename(target)
    except OSError as error:
        reason = f"The bundle cannot be written to {target}: {error.strerror or error}."
        raise BundleError(reason + _restore(replaced, target)) from error
    except BaseException:
        _restore(replaced, target)
        raise
    return Bundle(sealed, target)


def _restore(replaced: Path, target: Path) -> str:
    """Move a bundle back to `target` if it was moved away; where that fails, return a sentence for the user."""
    if replaced.exists() and not target.exists():
        try:
            replaced.rename(target)
        except OSError:
            return f" The bundle that was there is now in {replaced}; move it back."
    return ""


@contextmanager
def temporary_bundle(target: Path) -> Iterator[Path]:
    """Yield an empty folder on the disk of `target`, in which to make a bundle. It is removed afterwards.

    Raises:
        BundleError: there can be no folder.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".visage-", dir=target.parent))
        source = folder / "bundle"
        source.mkdir()
    except OSError as error:
        raise BundleError(f"The bundle cannot be written to {target}: {error.strerror or error}.") from error
    try:
        yield source
    finally:
        if target.exists() or not (folder / _REPLACED).exists():  # else it holds the only copy of a bundle
            shutil.rmtree(folder, ignore_errors=True)


def check_target(target: Path, *, replace_existing: bool = False) -> None:
    """Check that a bundle may be written to `target`.

    Raises:
        BundleError: something is there that may not be replaced.
    """
    if target.exists() and not target.is_dir():
        raise BundleError(f"{target} is a file. Give another folder.")
    if target.exists() and any(target.iterdir()):
        if not (target / MANIFEST).exists():
            raise BundleError(f"{target} holds something that is not a bundle. Give another folder.")
        if not replace_existing:
            raise BundleError(f"{target} already holds a bundle. Give another folder, or --replace it.")


def load(location: str, cache: Path | None = None, files: Collection[str] | None = None) -> Bundle:
    """Return the bundle at `location`, a folder or "s3://bucket/prefix", after verifying every checksum.

    With `files`, only those are downloaded and verified. From S3 they are downloaded into the folder `cache`, under the
    bundle's version; by default it is a private folder of the system's temporary directory, see `model.cache`.

    Raises:
        BundleError: it is missing, incomplete, altered or of another format.
        BundleUnavailableError: S3 cannot be reached just now.
    """
    (bundle,) = load_parts(location, [files], cache)
    return bundle


def load_parts(
    location: str, parts: Sequence[Collection[str] | None], cache: Path | None = None, user: int | None = None
) -> Generator[Bundle, None, None]:
    """Yield the bundle at `location` once for each of `parts`, names of files, when those are there and verified.

    The first part need not wait for the last. `user` is the process that will use the files, by default this one; they
    stay in the cache as long as it lives. See `load` for the rest.
    """
    if location.startswith("s3://"):
        yield from _download(location, parts, cache, user or os.getpid())
    else:
        for files in parts:
            yield _open(Path(location), files)


def publish(directory: Path, location: str, on_progress: OnProgress, connect: Connect | None = None) -> Manifest:
    """Upload the bundle in `directory` to "s3://bucket/prefix", the manifest last, and return its manifest.

    The bundle is verified before it is sent. boto3 sends a checksum with every part, which S3 verifies; the sizes are
    compared at the end. An upload that was interrupted is begun again. Of a bundle that is
    there already, only files that are missing or of a wrong size are uploaded.

    Raises:
        BundleError: the bundle is not whole, the prefix holds something else, or the bucket does not take it.
        BundleUnavailableError: S3 cannot be reached.
    """
    bundle = _open(directory)
    sizes = {name: bundle.path(name).stat().st_size for name in (*bundle.manifest.files, MANIFEST)}
    with closing(Bucket(location, connect)) as bucket:
        found = bucket.sizes()
        if MANIFEST in found:
            _require_same(bundle.manifest, bucket.read(MANIFEST), location)
        else:
            found = {}  # an upload was interrupted: a file of the right size may be of another bundle
        for name, size in sizes.items():
            if found.get(name) != size:
                bucket.upload(bundle.path(name), on_progress)
        found = bucket.sizes()
        wrong = [name for name, size in sizes.items() if found.get(name) != size]
        if wrong:
            raise BundleError(f"Uploaded, but {', '.join(wrong)} arrived with another size. Publish again.")
    return bundle.manifest


def _require_same(manifest: Manifest, published: bytes, location: str) -> None:
    """Check that the manifest at `location` is that of the bundle: running functions may read the files there.

    Raises:
        BundleError: it is another.
    """
    try:
        if Manifest.from_json(published).version == manifest.version:
            return
        found = "another bundle"
    except BundleError:
        found = "a bundle of another format, or a damaged one"
    raise BundleError(
        f"{location} holds {found}, which running functions may be using. Publish to another prefix, for instance one "
        f"that ends in {manifest.version}; or, if nothing uses it, remove it first: `aws s3 rm --recursive {location}`."
    )


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


def _download(
    location: str, parts: Sequence[Collection[str] | None], cache: Path | None, user: int
) -> Iterator[Bundle]:
    with closing(Bucket(location)) as bucket:
        manifest = Manifest.from_json(bucket.read(MANIFEST))
        bundle = Bundle(manifest, version_folder(cache, manifest.version, user))
        wanted = [manifest.entries(files) for files in parts]
        missing = {
            name: entry for part in wanted for name, entry in part.items() if not _is_there(bundle.path(name), entry)
        }
        with closing(bucket.download(missing, bundle.directory)) as downloaded:
            for part in wanted:
                while any(name in missing for name in part):
                    del missing[next(downloaded)]
                yield bundle
            next(downloaded, None)  # all files are there; this ends the transfers
        write_text(bundle.path(MANIFEST), manifest.to_json())


def _is_there(path: Path, entry: FileEntry) -> bool:
    return path.is_file() and path.stat().st_size == entry.size and entry_of(path) == entry
