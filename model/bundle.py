"""The bundle: every file that serving needs, in a folder or under an S3 prefix, verified before it is used.

`model.manifest` documents its files. This module writes, loads and publishes them.
"""

import os
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from model.cache import version_folder
from model.errors import BundleError, BundleUnavailableError
from model.manifest import (
    COHORT,
    DETECTOR,
    FILES,
    FORMAT,
    GALLERY,
    LANDMARKS,
    MANIFEST,
    MODEL,
    ONNX,
    ONNX_GALLERY,
    ONNX_WEIGHTS,
    Manifest,
    Numbers,
    known_name,
)
from model.storage import Bucket, Connect, FileEntry, OnProgress, entry_of
from preprocess.files import full_disk_as_oserror, write_text
from preprocess.temporary import temporary_folder

__all__ = [
    "COHORT",
    "DETECTOR",
    "FILES",
    "FORMAT",
    "GALLERY",
    "LANDMARKS",
    "MANIFEST",
    "MODEL",
    "ONNX",
    "ONNX_GALLERY",
    "ONNX_WEIGHTS",
    "Bundle",
    "Manifest",
    "Numbers",
    "check_target",
    "load",
    "load_parts",
    "publish",
    "temporary_bundle",
    "write",
]

_REPLACED: Final = "replaced"
"""The folder, beside the one that a bundle is made in, for the bundle that it replaces, under its own name."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle in a local folder. The files that the caller asked for are verified."""

    manifest: Manifest
    directory: Path

    def path(self, name: str) -> Path:
        """Return the path of one of its files."""
        return self.directory / name


def write(source: Path, manifest: Manifest, target: Path, *, replace_existing: bool = False) -> Bundle:
    """Make the bundle `target` out of the folder `source`, which holds every file but the manifest.

    The target never holds half a bundle. A bundle that it replaces is moved beside `source`, and back if something
    fails.

    Raises:
        BundleError: `target` exists and may not be replaced, or the folder cannot be renamed.
    """
    check_target(target, replace_existing=replace_existing)
    replaced = source.with_name(_REPLACED) / target.name
    try:
        entries = {known_name(path.name): entry_of(path) for path in sorted(source.iterdir())}
        sealed = replace(manifest, files=entries).sealed()
        write_text(source / MANIFEST, sealed.to_json())
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            replaced.parent.mkdir(exist_ok=True)
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
        BundleError: the folder cannot be made.
    """
    with ExitStack() as stack:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            folder = stack.enter_context(temporary_folder(target.parent, _holds_the_only_copy))
            source = folder / "bundle"
            source.mkdir()
        except OSError as error:
            raise BundleError(f"The bundle cannot be written to {target}: {error.strerror or error}.") from error
        with full_disk_as_oserror(target):
            yield source


def _holds_the_only_copy(folder: Path) -> bool:
    """Whether a temporary folder holds a bundle that was moved there, and its own place is empty."""
    return any(not (folder.parent / replaced.name).exists() for replaced in (folder / _REPLACED).glob("*"))


def check_target(target: Path, *, replace_existing: bool = False) -> None:
    """Check that a bundle may be written to `target`.

    Raises:
        BundleError: something is there that may not be replaced, or the folder cannot be read.
    """
    try:
        if target.exists() and not target.is_dir():
            raise BundleError(f"{target} is a file. Give another folder.")
        if target.exists() and any(target.iterdir()):
            if not (target / MANIFEST).exists():
                raise BundleError(f"{target} holds something that is not a bundle. Give another folder.")
            if not replace_existing:
                raise BundleError(f"{target} already holds a bundle. Give another folder, or --replace it.")
    except OSError as error:
        raise BundleError(f"The bundle cannot be written to {target}: {error.strerror or error}.") from error


def load(location: str, cache: Path | None = None, files: Collection[str] | None = None) -> Bundle:
    """Return the bundle at `location`, a folder or "s3://bucket/prefix", after verifying every checksum.

    With `files`, only those are downloaded and verified. From S3 they are downloaded into the folder `cache`, under the
    bundle's version; by default it is a private folder of the system's temporary directory, see `model.cache`.

    Raises:
        BundleError: it is missing, incomplete, altered or of another format.
        BundleUnavailableError: S3 cannot be reached now.
    """
    (bundle,) = load_parts(location, [files], cache)
    return bundle


def load_parts(
    location: str, parts: Sequence[Collection[str] | None], cache: Path | None = None, user: int | None = None
) -> Generator[Bundle, None, None]:
    """Yield the bundle at `location` once for each of `parts`, names of files, when those are there and verified.

    The caller can use the first part while the others are still downloaded. `user` is the number of the process that
    will use the files, by default this one; they stay in the cache as long as it lives. See `load` for the rest.
    """
    if location.startswith("s3://"):
        yield from _download(location, parts, cache, user or os.getpid())
    else:
        for files in parts:
            yield _open(Path(location), files)


def publish(directory: Path, location: str, on_progress: OnProgress, connect: Connect | None = None) -> Manifest:
    """Upload the bundle in `directory` to "s3://bucket/prefix", the manifest last, and return its manifest.

    The bundle is verified before it is sent. boto3 sends a checksum with every part, which S3 verifies; the sizes are
    compared at the end. An upload that was interrupted starts again from the first file. If the prefix holds this
    bundle already, only files that are missing or of a wrong size are uploaded.

    Raises:
        BundleError: the bundle is incomplete or damaged, the prefix holds another bundle, or S3 refuses the upload.
        BundleUnavailableError: S3 cannot be reached.
    """
    bundle = _open(directory)
    sizes = {name: bundle.path(name).stat().st_size for name in (*bundle.manifest.files, MANIFEST)}
    with closing(Bucket(location, connect)) as bucket:
        found = bucket.sizes()
        if MANIFEST in found:
            _require_same(bundle.manifest, bucket.read(MANIFEST), location)
        else:
            found = {}  # after an interrupted upload, a file of the right size may belong to another bundle
        for name, size in sizes.items():
            if found.get(name) != size:
                bucket.upload(bundle.path(name), on_progress)
        found = bucket.sizes()
        wrong = [name for name, size in sizes.items() if found.get(name) != size]
        if wrong:
            raise BundleError(f"Uploaded, but {', '.join(wrong)} has another size in S3. Publish again.")
    return bundle.manifest


def _require_same(manifest: Manifest, published: bytes, location: str) -> None:
    """Check that the manifest `published` at `location` is the same, because running functions may read the files.

    Raises:
        BundleError: it is another one.
    """
    try:
        if Manifest.from_json(published).version == manifest.version:
            return
        found = "another bundle"
    except BundleError:
        found = "a bundle of another format, or a damaged one"
    raise BundleError(
        f"{location} holds {found}, which running functions may be using. Publish to another prefix, for instance one "
        f"that ends in {manifest.version}; or, if nothing uses it, remove it first: "
        f"`aws s3 rm --recursive {location} --exclude '*/*'`."
    )


def _open(directory: Path, files: Collection[str] | None = None) -> Bundle:
    """Return the bundle in a local folder after verifying `files`, by default all."""
    manifest_file = directory / MANIFEST
    try:
        if not manifest_file.is_file():
            raise BundleError(f"No bundle at {directory}: it has no {MANIFEST}.")
        bundle = Bundle(Manifest.from_json(manifest_file.read_bytes()), directory)
        for name, entry in bundle.manifest.entries(files).items():
            path = bundle.path(name)
            if not path.is_file():
                raise BundleError(f"The bundle at {directory} is incomplete: {name} is missing.")
            if entry_of(path) != entry:
                raise BundleError(f"The bundle at {directory} is damaged: {name} is not the file in its manifest.")
    except OSError as error:
        raise BundleError(f"The bundle at {directory} cannot be read: {error.strerror or error}.") from error
    return bundle


def _download(
    location: str, parts: Sequence[Collection[str] | None], cache: Path | None, user: int
) -> Iterator[Bundle]:
    """Yield the bundle in S3 once for each of `parts`, when its files are in the cache and verified."""
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
        try:
            write_text(bundle.path(MANIFEST), manifest.to_json())
        except OSError as error:
            raise BundleUnavailableError(f"The bundle cannot be written to {bundle.directory}: {error}") from error


def _is_there(path: Path, entry: FileEntry) -> bool:
    return path.is_file() and path.stat().st_size == entry.size and entry_of(path) == entry
