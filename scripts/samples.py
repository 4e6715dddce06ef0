"""`visage samples`: photos of four people and of six strangers, which packages of the registry contain."""

import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import Progress

from dataset.words import counted
from preprocess.files import replacing, sha256_of
from scripts import checks
from scripts.console import CACHE, CommandError, JSONOption, emit, out, progress
from training.download import DownloadError, download, registry_file

PEOPLE: Final = "people"
UNSEEN: Final = "unseen/Barack Obama/obama2.jpg"
STRANGERS: Final = "strangers/friends.jpg"

_MEGABYTES: Final = 3
_MEGABYTES_OF_PACKAGES: Final = 20


@dataclass(frozen=True, slots=True)
class Package:
    """A file of the package registry."""

    requirement: str
    source: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """A photo inside a package: its path in there, its path in the folder of samples, and its SHA-256."""

    package: Package
    member: str
    target: str
    sha256: str


_FACE_RECOGNITION: Final = Package("face_recognition==1.3.0", source=True)
_INSIGHTFACE: Final = Package("insightface==2.1")
SCIKIT_IMAGE: Final = Package("scikit-image==0.26.0")

SAMPLES: Final = (
    Sample(
        _FACE_RECOGNITION,
        "face_recognition-1.3.0/tests/test_images/obama.jpg",
        "people/Barack Obama/obama.jpg",
        "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
    ),
    Sample(
        _FACE_RECOGNITION,
        "face_recognition-1.3.0/tests/test_images/obama3.jpg",
        "people/Barack Obama/obama3.jpg",
        "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3",
    ),
    Sample(
        _FACE_RECOGNITION,
        "face_recognition-1.3.0/tests/test_images/obama_partial_face.jpg",
        "people/Barack Obama/obama_partial_face.jpg",
        "c2d1f09e7ef3042352b41e41286e6eb0522f64f88308be13886991b95db52117",
    ),
    Sample(
        _FACE_RECOGNITION,
        "face_recognition-1.3.0/tests/test_images/obama_partial_face2.jpg",
        "people/Barack Obama/obama_partial_face2.jpg",
        "9a812347f97633542b8cd9992de22def11b74f79d82056bc3ee830f13878e028",
    ),
    Sample(
        _FACE_RECOGNITION,
        "face_recognition-1.3.0/tests/test_images/biden.jpg",
        "people/Joe Biden/biden.jpg",
        "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
    ),
    Sample(
        _FACE_RECOGNITION,
        "face_recognition-1.3.0/tests/test_images/obama2.jpg",
        UNSEEN,
        "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
    ),
    Sample(
        _INSIGHTFACE,
        "insightface/data/images/Tom_Hanks_54745.png",
        "people/Tom Hanks/Tom_Hanks_54745.png",
        "8545da294e8c7c79911169c3915fed8528f1960cd0ed99b92453788ca4275083",
    ),
    Sample(
        _INSIGHTFACE,
        "insightface/data/images/t1.jpg",
        STRANGERS,
        "47f682e945b659f93a9e490b9c9c4a2a864abe64dace9e1a2893845ddfd69489",
    ),
    Sample(
        SCIKIT_IMAGE,
        "skimage/data/astronaut.png",
        "people/Eileen Collins/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
)


def samples(
    directory: Annotated[Path, typer.Argument(help="Folder for the photos.")], as_json: JSONOption = False
) -> None:
    """Download sample photos: people to train on, one photo kept from training, and strangers."""
    checks.target(directory, _MEGABYTES)
    checks.target(CACHE, _MEGABYTES_OF_PACKAGES)
    packages = {sample.package for sample in SAMPLES}
    checks.announce(
        f"Downloading {counted(len(SAMPLES), 'photo')} in {counted(len(packages), 'package')} of "
        f"{_MEGABYTES_OF_PACKAGES} MB, unless they are here",
        as_json=as_json,
    )
    fetch(directory)
    photos = [str(directory / sample.target) for sample in SAMPLES]
    emit(photos, as_json=as_json, show=lambda _: out.print("\n".join(photos)))


def fetch(directory: Path, wanted: Sequence[Sample] | None = None) -> None:
    """Save the `wanted` photos, else all SAMPLES, that `directory` lacks. Photos of one package stand side by side.

    Raises:
        CommandError: a package cannot be downloaded, or contains another photo.
    """
    missing = [sample for sample in wanted or SAMPLES if not _is_there(directory, sample)]
    with progress() as bar:
        for package, packed in groupby(missing, lambda sample: sample.package):
            try:
                archive = _archive(package, bar)
            except DownloadError as error:
                raise CommandError(f"The sample photos cannot be downloaded: {error}") from error
            for sample in packed:
                _extract(archive, sample, directory)


def _is_there(directory: Path, sample: Sample) -> bool:
    path = directory / sample.target
    return path.is_file() and sha256_of(path) == sample.sha256


def _archive(package: Package, bar: Progress) -> Path:
    """Return the package's file; download it if it is not in the cache."""
    name = package.requirement.replace("==", "-")
    archive = CACHE / "samples" / (f"{name}.tar.gz" if package.source else f"{name}.whl")
    if not archive.exists():
        url, checksum = registry_file(package.requirement, source=package.source)
        task = bar.add_task(f"Downloading {name}, kB")
        download(
            url,
            archive,
            checksum,
            lambda _, done, total: bar.update(task, completed=done // 1000, total=total // 1000),
        )
    return archive


def _extract(archive: Path, sample: Sample, directory: Path) -> None:
    """Copy one photo from a package, after checking that it is the expected one."""
    try:
        data = _member(archive, sample)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, KeyError, zlib.error) as error:
        raise CommandError(f"{archive} is damaged. Delete it and try again.") from error
    if sha256(data).hexdigest() != sample.sha256:
        raise CommandError(f"{sample.member} in {archive} is another photo than expected. Delete it and try again.")
    with replacing(directory / sample.target) as unfinished:
        unfinished.write_bytes(data)


def _member(archive: Path, sample: Sample) -> bytes:
    if not sample.package.source:
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(sample.member)
    with tarfile.open(archive) as source:
        member = source.extractfile(sample.member)
        return member.read() if member else b""
