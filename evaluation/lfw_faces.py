"""Embeds the photos of Labeled Faces in the Wild in parallel, and keeps the embeddings in a file.

Embedding all 7,701 photos takes many minutes, so that an interrupted run continues. The name of the file has a digest
of all that the embeddings depend on: another subject, photo, library or change of the code gives another file.
"""

import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Self

import dlib
import numpy as np
from sklearn.preprocessing import normalize

import preprocess
from dataset.centerface import network as network_of_detector
from dataset.progress import OnProgress
from dataset.workers import face_tools, parallel_map
from evaluation.code import digest_of_code
from evaluation.lfw_pairs import LFW
from evaluation.verification import Face
from model import bundle as bundles
from model.bundle import Bundle
from model.cohort import FloatArray
from model.engines import fusion
from preprocess.align import predictor_file
from preprocess.detect import Box
from preprocess.errors import PhotoError
from preprocess.files import DAMAGED_ARRAYS, replacing, sha256_of
from preprocess.photo import Photo, RGBArray
from training import embedder, embedding_network, inception, network
from training.embedder import Embedder
from training.errors import DatasetError
from training.pretrained import Pretrained

_FACE_SIDES: Final = 0.378, 0.492
_FACE_CENTRE: Final = 0.510, 0.512
"""Width and height, and centre (x, y), of the detector's box in a photo of LFW, as fractions of its width: medians of
386 faces."""

_LIBRARIES: Final = ("numpy", "Pillow", "torch", "onnxruntime", "facenet-pytorch")
_MODULES: Final = (embedder, embedding_network, inception, network, fusion)
"""Our code between a chip and its embedding. The code between a photo and its chip is all of `preprocess`."""

_PHOTOS_PER_TASK: Final = 8
_TASKS_PER_SAVE: Final = 32


@dataclass(frozen=True, slots=True)
class Subject:
    """The network to measure and its name, the file of its landmark predictor, and whether chips are mirrored too.

    `detector` is the file of its detector, None for the one that `visage export` writes.
    """

    name: str
    embedder: Embedder
    landmarks: Path
    flip: bool = False
    detector: Path | None = None

    @classmethod
    def of_pretrained(cls, pretrained: Pretrained, *, flip: bool = False) -> Self:
        """Return pretrained weights with the default geometry."""
        return cls(pretrained.name, Embedder.of_pretrained(pretrained), predictor_file(), flip)

    @classmethod
    def of_bundle(cls, bundle: Bundle, *, flip: bool = False) -> Self:
        """Return the embedding half of a verified bundle, with the bundle's landmarks and geometry."""
        name = f"bundle {bundle.manifest.version}"
        return cls(
            name, Embedder.of_bundle(bundle), bundle.path(bundles.LANDMARKS), flip, bundle.path(bundles.DETECTOR)
        )

    def identity(self) -> dict[str, Any]:
        """Return everything that the embedding of a photo depends on, in JSON's types.

        Files and code count by content and not by path or version number: a path can hold other content, and a number
        that somebody has to raise would be forgotten, which would give wrong figures without an error.
        """
        return {
            "network": sha256_of(self.embedder.file),
            "landmarks": sha256_of(self.landmarks),
            "detector": hashlib.sha256(
                self.detector.read_bytes() if self.detector else network_of_detector()
            ).hexdigest(),
            "geometry": asdict(self.embedder.geometry),
            "input_size": self.embedder.input_size,
            "traced": self.embedder.traced,
            "flip": self.flip,
            "code": digest_of_code(_code_files()),
            "libraries": {"dlib": dlib.__version__} | {name: _version(name) for name in _LIBRARIES},
        }

    def chip(self, photo: Path) -> tuple[RGBArray, bool]:
        """Return the (S, S, 3) chip of the face nearest to the photo's centre, and True.

        Where no face is found, return a chip from the place where LFW's faces usually are, and False.

        Raises:
            DatasetError: the photo cannot be decoded.
        """
        detector, aligner = face_tools(self.detector, self.landmarks)
        try:
            opened = Photo(photo.read_bytes())
        except PhotoError as error:
            raise DatasetError(f"{photo} cannot be used: {error} Unpack LFW again.") from error
        boxes = detector.detect(opened)
        box = _central(boxes, opened) if boxes else _typical(opened)
        return aligner.align(opened, box, self.embedder.geometry), bool(boxes)

    def embed(self, chips: RGBArray) -> FloatArray:
        """Return the (N, 512) unit-length embeddings of (N, S, S, 3) chips, of their mirror images too if `flip`."""
        embeddings = self.embedder(chips)
        if not self.flip:
            return embeddings
        mirrored = self.embedder(np.ascontiguousarray(chips[:, :, ::-1]))
        added: FloatArray = normalize(embeddings + mirrored)
        return added


def embed(
    lfw: LFW, subject: Subject, output: Path, workers: int, on_progress: OnProgress = lambda *_: None
) -> dict[str, Face]:
    """Return the face of every photo, by the photo's name. A later call with the same `output` continues.

    Raises:
        DatasetError: a photo is damaged.
        WorkerKilledError: a worker process was killed.
        OSError: the disk is full or read-only.
    """
    photos = lfw.photos
    store = output / f"embeddings-{_key(lfw, subject)}.npz"
    faces = _read_faces(store)
    missing = [photo for photo in photos if photo not in faces]
    on_progress(len(faces), len(photos))
    try:
        with parallel_map(_faces, _tasks(lfw.directory, missing, subject), workers) as batches:
            for count, batch in enumerate(batches, 1):
                faces |= batch
                on_progress(len(faces), len(photos))
                if count % _TASKS_PER_SAVE == 0:
                    _write_faces(faces, store)
    finally:
        if missing and faces:
            _write_faces(faces, store)
    return faces


def _key(lfw: LFW, subject: Subject) -> str:
    """Return twelve hexadecimal digits for a subject and the content of the photos."""
    photos = [(photo, sha256_of(lfw.directory / photo)) for photo in lfw.photos]
    text = json.dumps([subject.identity(), photos], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _code_files() -> list[Path]:
    folders = [Path(folder) for folder in preprocess.__path__]
    return [file for folder in folders for file in folder.glob("*.py")] + [Path(inspect.getfile(m)) for m in _MODULES]


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _read_faces(store: Path) -> dict[str, Face]:
    """Return what an earlier call stored; nothing if the file is damaged."""
    if not store.exists():
        return {}
    try:
        with store.open("rb") as file, np.load(file) as arrays:  # given a path, numpy leaves a torn file open
            columns = [arrays[name] for name in ("photos", "embeddings", "found")]
    except DAMAGED_ARRAYS:
        return {}
    return {str(photo): Face(row, bool(found)) for photo, row, found in zip(*columns, strict=True)}


def _write_faces(faces: Mapping[str, Face], store: Path) -> None:
    with replacing(store) as unfinished, unfinished.open("wb") as file:
        np.savez(
            file,
            photos=np.array(list(faces)),
            embeddings=np.stack([face.embedding for face in faces.values()]),
            found=np.array([face.found for face in faces.values()]),
        )


@dataclass(frozen=True, slots=True)
class _Task:
    directory: Path
    photos: Sequence[str]
    subject: Subject


def _tasks(directory: Path, photos: Sequence[str], subject: Subject) -> list[_Task]:
    starts = range(0, len(photos), _PHOTOS_PER_TASK)
    return [_Task(directory, photos[at : at + _PHOTOS_PER_TASK], subject) for at in starts]


def _faces(task: _Task) -> dict[str, Face]:
    """Find, align and embed the faces of a few photos; runs in a worker process."""
    chips, found = zip(*(task.subject.chip(task.directory / photo) for photo in task.photos), strict=True)
    embeddings = task.subject.embed(np.stack(chips))
    return {photo: Face(*face) for photo, *face in zip(task.photos, embeddings, found, strict=True)}


def _central(boxes: Sequence[Box], photo: Photo) -> Box:
    """Return the box whose centre is nearest to the photo's: a photo of LFW is named after the person in the middle."""
    x, y = photo.width / 2, photo.height / 2
    return min(boxes, key=lambda box: (box.left + box.width / 2 - x) ** 2 + (box.top + box.height / 2 - y) ** 2)


def _typical(photo: Photo) -> Box:
    """Return the place where the face is in most photos of LFW, which were cropped around a detected face."""
    width, height = photo.width, photo.height
    across, down = (round(side * width) for side in _FACE_SIDES)
    x, y = _FACE_CENTRE[0] * width, _FACE_CENTRE[1] * height
    return Box(round(x - across / 2), round(y - down / 2), across, down, score=0)
