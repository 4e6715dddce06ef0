"""What a command looks at before it begins, in a second and without the large packages, and what it says then.

Each function raises an error with a sentence, and changes nothing.
"""

import os
import re
import shutil
from pathlib import Path
from typing import Final

from model import bundle as bundles
from scripts.console import CACHE, CommandError, console

_MB: Final = 1_000_000

WEIGHTS_MB: Final = 120
"""The file of pretrained weights in the cache. While it is downloaded and converted, twice that."""

SECONDS_A_PHOTO: Final = 0.3
MEGABYTES_A_PHOTO: Final = 0.1
"""For the faces of a photo, on one core and on the disk. Measured: `visage prepare` of 80 photos from the web takes 29
seconds of processor time, 5 of them to start, and 7 MB."""

_ZIP: Final = b"PK\x03\x04"
_PICKLE: Final = b"\x80"
"""How a file of weights begins: torch writes zip files, and its versions before 1.6 wrote pickles."""

_DEVICE: Final = re.compile(r"auto|(cpu|cuda|mps)(:[0-9]{1,3})?")


def outside(output: Path, *inputs: Path | None) -> None:
    """Check that a command does not write into the folders that it reads."""
    for path in inputs:
        if path and output.resolve().is_relative_to(path.resolve()):
            raise CommandError(f"{output} is inside {path}, which is to be read. Give another --output.")


def target(path: Path, megabytes: float = 0) -> None:
    """Check that a folder can be made or written, and that its disk has room for what comes into it."""
    existing = next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())
    if not existing.is_dir():
        raise CommandError(f"{existing} is a file. Give another folder.")
    if os.statvfs(existing).f_flag & os.ST_RDONLY:
        raise CommandError(f"{existing} cannot be written: its disk is read-only. Give another folder.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise CommandError(f"You have no permission to write to {existing}. Give another folder.")
    free, missing = shutil.disk_usage(existing).free / _MB, megabytes - megabytes_of(path)
    if free < missing:
        raise CommandError(
            f"{path} needs about {missing:.0f} MB, and its disk has {free:.0f} MB left. Free some space, or give a "
            "folder on another disk."
        )


def replacement(file: Path, megabytes: float) -> None:
    """Check that a file can be made or replaced: its new version is written beside it."""
    target(file.with_name(f"{file.name}.part"), megabytes)


def megabytes_of(path: Path) -> float:
    """Return how many megabytes the files in a folder have, 0 if there is no such folder."""
    return sum(file.lstat().st_size for file in path.rglob("*")) / _MB


def bundle(location: str | None) -> None:
    """Check that a folder holds a bundle, by its manifest alone; S3 is asked later."""
    if location and not location.startswith("s3://"):
        bundles.load(location, files=())


def weights(name: str | None) -> None:
    """Check the pretrained weights: that a file is one of weights, or that there is room to download them."""
    if name in {None, "vggface2", "casia-webface"}:
        if not any((CACHE / "pretrained").glob("*.pt")):
            target(CACHE, 2 * WEIGHTS_MB)
        return
    path = Path(str(name))
    if not path.is_file():
        raise CommandError(f"No such file of weights: {path}. Give vggface2, casia-webface or the path of a file.")
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not start.startswith((_ZIP, _PICKLE)):
        raise CommandError(f"{path} does not hold the weights of an InceptionResnetV1.")


def device(name: str) -> None:
    """Check the form of a device's name. Whether this machine has it is only known to torch."""
    if not _DEVICE.fullmatch(name):
        raise CommandError(f'There is no device "{name}". Give --device auto, cpu, cuda, mps or cuda:1.')


def announce(what: str, seconds: float = 0, *, as_json: bool) -> None:
    """Say what a command will do and about how long that takes; programs are told nothing."""
    if not as_json:
        console.print(f"{what}{f': {duration(seconds)}' if seconds else ''}.")


def duration(seconds: float) -> str:
    """Return a time in words, as exactly as an estimate is."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {round(seconds, -1):.0f} seconds"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} minutes"
    return f"about {seconds / 3600:.1f} hours"
