"""Labeled Faces in the Wild: whether two photos show the same person, by the benchmark's own protocol, view 2.

G. B. Huang, M. Ramesh, T. Berg, E. Learned-Miller: "Labeled Faces in the Wild: A Database for Studying Face Recognition
in Unconstrained Environments", University of Massachusetts Amherst, report 07-49, 2007, "View 2".
"""

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Self
from zipfile import BadZipFile

import numpy as np
from sklearn.preprocessing import normalize

from dataset.parallel import spread
from evaluation.plots import plot_roc
from evaluation.verification import Face, Pair, Verification, verify
from model import bundle as bundles
from model.bundle import Bundle
from preprocess.align import Aligner, predictor_file
from preprocess.detect import Box, Detector
from preprocess.errors import PhotoError
from preprocess.photo import Photo, RGBArray
from training import calibration
from training.download import sha256_of
from training.embedder import Embedder, FloatArray
from training.errors import DatasetError
from training.network import VisageNetwork
from training.pretrained import Pretrained

PAIRS: Final = "pairs.txt"
REPORT: Final = "lfw.json"
ROC: Final = "roc.png"

_FACE_SIDE: Final = 0.444
_FACE_CENTRE: Final = 0.506, 0.548
"""Side and centre (x, y) of the detector's box in a photo of LFW, as shares of its width: medians of 912 faces."""

_CODE: Final = (Photo, Detector, Aligner, Embedder, VisageNetwork)
"""All code between a photo and its embedding: a change in a file of theirs makes worthless what was embedded before."""

_PHOTOS_A_TASK: Final = 8
_TASKS_A_SAVE: Final = 32

OnProgress = Callable[[int, int], None]
"""Photos done, photos in all."""


@dataclass(frozen=True)
class LFW:
    """The pairs of view 2, and the folder that holds their photos."""

    directory: Path
    pairs: Sequence[Pair]

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read `pairs.txt`, in `directory` or beside it, and see that every photo it names is there.

        Raises:
            DatasetError: the file is missing or malformed, or a photo is missing.
        """
        lfw = cls(directory, read_pairs(_pairs_file(directory)))
        missing = [photo for photo in lfw.photos if not (directory / photo).is_file()]
        if missing:
            raise DatasetError(
                f"{directory} lacks {len(missing)} of the {len(lfw.photos)} photos that {PAIRS} names, {missing[0]} "
                "first. Unpack the whole of LFW there."
            )
        return lfw

    @property
    def photos(self) -> list[str]:
        """Every photo of the pairs, once."""
        return sorted({photo for pair in self.pairs for photo in (pair.first, pair.second)})


def read_pairs(file: Path) -> list[Pair]:
    """Read `pairs.txt`: a line with the folds and the pairs of each kind in one, then every fold's pairs, same first.

    Raises:
        DatasetError: it is malformed.
    """
    header, *lines = file.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    match header.split():
        case [folds, kind] if folds.isdecimal() and kind.isdecimal() and int(folds) > 1 and int(kind) > 0:
            expected, block = int(folds) * int(kind) * 2, int(kind) * 2
        case _:
            raise DatasetError(f'{file} does not begin with folds and pairs, as in "10 300". Download it again.')
    filled = [(number, line) for number, line in enumerate(lines, 2) if line.strip()]
    if len(filled) != expected:
        raise DatasetError(f"{file} holds {len(filled)} pairs; its first line says {expected}. Download it again.")
    return [
        _pair(line, fold=at // block, same=at % block < block // 2, where=f"Line {number} of {file}")
        for at, (number, line) in enumerate(filled)
    ]


def _pair(line: str, *, fold: int, same: bool, where: str) -> Pair:
    match line.split():
        case [name, first, second] if same and first.isdecimal() and second.isdecimal():
            return Pair(_photo(name, first), _photo(name, second), same, fold)
        case [name, first, other, second] if not same and first.isdecimal() and second.isdecimal():
            return Pair(_photo(name, first), _photo(other, second), same, fold)
    wanted = "a name and two numbers" if same else "a name, a number, another name and its number"
    raise DatasetError(f"{where} is not {wanted}. Download it again.")


def _photo(name: str, number: str) -> str:
    return f"{name}/{name}_{int(number):04d}.jpg"


def _pairs_file(directory: Path) -> Path:
    for folder in (directory, directory.resolve().parent):
        if (folder / PAIRS).is_file():
            return folder / PAIRS
    raise DatasetError(f"No {PAIRS} in {directory} or beside it. Put the one of LFW's view 2 there.")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: a network by its name, the landmarks for its chips, and whether it also sees them mirrored."""

    name: str
    embedder: Embedder
    landmarks: Path
    flip: bool = False

    @classmethod
    def of_pretrained(cls, pretrained: Pretrained, *, flip: bool = False) -> Self:
        """Return pretrained weights with the geometry they are used with."""
        return cls(pretrained.name, Embedder.of_pretrained(pretrained), predictor_file(), flip)

    @classmethod
    def of_bundle(cls, bundle: Bundle, *, flip: bool = False) -> Self:
        """Return a verified bundle's embedding half, with the bundle's own landmarks and geometry."""
        name = f"bundle {bundle.manifest.version}"
        return cls(name, Embedder.of_bundle(bundle), bundle.path(bundles.LANDMARKS), flip)

    def identity(self) -> dict[str, Any]:
        """Return all that its embeddings depend on, in JSON's types."""
        return {
            "network": sha256_of(self.embedder.file),
            "landmarks": sha256_of(self.landmarks),
            "geometry": asdict(self.embedder.geometry),
            "flip": self.flip,
            "code": [sha256_of(Path(inspect.getfile(part))) for part in _CODE],
        }

    def see(self, photo: Path) -> tuple[RGBArray, bool]:
        """Return the (S, S, 3) chip of the face next to the photo's centre, and True.

        Where no face is found, return the chip cut where LFW's faces usually are, and False.

        Raises:
            DatasetError: the photo cannot be decoded.
        """
        detector, aligner = _tools(self.landmarks)
        try:
            opened = Photo(photo.read_bytes())
        except PhotoError as error:
            raise DatasetError(f"{photo} cannot be used: {error} Unpack LFW again.") from error
        boxes = detector.detect(opened)
        box = _central(boxes, opened) if boxes else _typical(opened)
        return aligner.align(opened, box, self.embedder.geometry), bool(boxes)

    def embed(self, chips: RGBArray) -> FloatArray:
        """Return the (N, 512) unit-length embeddings of (N, S, S, 3) chips, mirror images added in if `flip`."""
        embeddings = self.embedder(chips)
        if not self.flip:
            return embeddings
        mirrored = self.embedder(np.ascontiguousarray(chips[:, :, ::-1]))
        added: FloatArray = normalize(embeddings + mirrored)
        return added


def embed(
    lfw: LFW, subject: Subject, output: Path, workers: int, on_progress: OnProgress = lambda *_: None
) -> dict[str, Face]:
    """Return the face of every photo, by its name; what was done is kept in `output`, and a later call goes on there.

    Raises:
        DatasetError: a photo is damaged.
        WorkerKilledError: a worker process was killed.
        OSError: the disk is full, or does not let us write.
    """
    photos = lfw.photos
    store = output / f"embeddings-{_key(lfw, subject)}.npz"
    faces = _read_faces(store)
    missing = [photo for photo in photos if photo not in faces]
    on_progress(len(faces), len(photos))
    try:
        for count, batch in enumerate(spread(_faces, _tasks(lfw.directory, missing, subject), workers), 1):
            faces |= batch
            on_progress(len(faces), len(photos))
            if count % _TASKS_A_SAVE == 0:
                _write_faces(faces, store)
    finally:
        if missing and faces:
            _write_faces(faces, store)
    return faces


def _key(lfw: LFW, subject: Subject) -> str:
    """Return twelve hexadecimal digits for a subject and the photos it sees, which it tells by their sizes."""
    sizes = [(photo, (lfw.directory / photo).stat().st_size) for photo in lfw.photos]
    text = json.dumps([subject.identity(), sizes], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _read_faces(store: Path) -> dict[str, Face]:
    """Return what an earlier call kept; a file that is damaged counts for nothing."""
    if not store.exists():
        return {}
    try:
        with np.load(store) as arrays:
            columns = [arrays[name] for name in ("photos", "embeddings", "found")]
    except (ValueError, KeyError, EOFError, BadZipFile):
        return {}
    return {str(photo): Face(row, bool(found)) for photo, row, found in zip(*columns, strict=True)}


def _write_faces(faces: Mapping[str, Face], store: Path) -> None:
    """Write a file that is there whole or not at all."""
    store.parent.mkdir(parents=True, exist_ok=True)
    unfinished = store.with_name(store.name + ".part")
    with unfinished.open("wb") as file:
        np.savez(
            file,
            photos=np.array(list(faces)),
            embeddings=np.stack([face.embedding for face in faces.values()]),
            found=np.array([face.found for face in faces.values()]),
        )
    unfinished.replace(store)


@dataclass(frozen=True, slots=True)
class _Task:
    directory: Path
    photos: Sequence[str]
    subject: Subject


def _tasks(directory: Path, photos: Sequence[str], subject: Subject) -> list[_Task]:
    starts = range(0, len(photos), _PHOTOS_A_TASK)
    return [_Task(directory, photos[at : at + _PHOTOS_A_TASK], subject) for at in starts]


def _faces(task: _Task) -> dict[str, Face]:
    """Find, align and embed the faces of a few photos, in a worker."""
    chips, found = zip(*(task.subject.see(task.directory / photo) for photo in task.photos), strict=True)
    embeddings = task.subject.embed(np.stack(chips))
    return {photo: Face(*face) for photo, *face in zip(task.photos, embeddings, found, strict=True)}


@cache
def _tools(landmarks: Path) -> tuple[Detector, Aligner]:
    """Load the detector and the landmarks once a process."""
    return Detector(), Aligner(landmarks)


def _central(boxes: Sequence[Box], photo: Photo) -> Box:
    """Return the box whose centre is nearest the photo's: LFW names the person in the middle."""
    width, height = photo.width, photo.height
    return min(
        boxes,
        key=lambda box: (box.left + box.width / 2 - width / 2) ** 2 + (box.top + box.height / 2 - height / 2) ** 2,
    )


def _typical(photo: Photo) -> Box:
    """Return where the face is in most photos of LFW; each was cropped around a detected face."""
    width, height = photo.width, photo.height
    side = round(_FACE_SIDE * width)
    x, y = _FACE_CENTRE[0] * width, _FACE_CENTRE[1] * height
    return Box(round(x - side / 2), round(y - side / 2), side, side, score=0)


@dataclass(frozen=True)
class Result:
    """The figures of one subject, and what they were measured with."""

    subject: Subject
    faces: Mapping[str, Face]
    verification: Verification
    options: Mapping[str, bool]

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `lfw.json`."""
        return {
            **self.verification.to_dict(),
            "strangers": self._strangers(),
            "photos": len(self.faces),
            "photos_without_face": sum(not face.found for face in self.faces.values()),
            "options": {"flip": self.subject.flip, **self.options},
            "network": {"name": self.subject.name, "sha256": sha256_of(self.subject.embedder.file)},
            "geometry": asdict(self.subject.embedder.geometry),
        }

    def _strangers(self) -> list[tuple[float, float]]:
        """Return what similarity strangers reach, as `calibration.IMPOSTORS` holds it."""
        found = {photo: face.embedding for photo, face in self.faces.items() if face.found}
        names = np.array([photo.partition("/")[0] for photo in found])
        return calibration.measure(np.stack(list(found.values())), names)

    def write(self, folder: Path) -> None:
        """Write the figures and the ROC curve into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
        (folder / REPORT).write_text(text + "\n", encoding="utf-8")
        plot_roc(*self.verification.roc(), folder / ROC)


def measure(
    lfw: LFW,
    subject: Subject,
    output: Path,
    workers: int,
    on_progress: OnProgress,
    *,
    subtract_mean: bool = False,
    crop_center: bool = False,
) -> Result:
    """Embed every photo, going on where an earlier call was interrupted, and verify the pairs.

    Raises:
        DatasetError: the photos cannot be used.
    """
    faces = embed(lfw, subject, output, workers, on_progress)
    verification = verify(lfw.pairs, faces, subtract_mean=subtract_mean, crop_center=crop_center)
    return Result(subject, faces, verification, {"subtract_mean": subtract_mean, "crop_center": crop_center})
