"""Compares detection sizes, crops and input sizes on photos of people.

Crops are compared by verification over all pairs of photos: the true accept rate at false accept rates of 1 % and
0.1 %.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_curve

from dataset.folders import People
from dataset.labels import shown
from dataset.prepare import select_faces
from dataset.progress import OnProgress, OnStep
from dataset.workers import face_tools, parallel_map
from evaluation.figures import Figures
from evaluation.verification import true_accepts
from model.gallery import FloatArray
from preprocess.detect import Box, Detector, Pass
from preprocess.geometry import Geometry
from preprocess.photo import Photo
from training.embedder import Embedder

DETECTION_SIZES: Final = (640, 800, 1000, 1280, 1600)

PADDINGS: Final = (0.25, 0.35, 0.5, 0.65)
STRETCHES: Final = (1.0, 1.15, 1.25, 1.35)
INPUT_SIZES: Final = ((160, 0.35), (192, 0.55), (224, 0.7))
"""A larger input needs a wider crop, because the network has learned from faces of about 95 pixels."""


T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Crop:
    """The geometry of a chip, and the side in pixels to which the network scales it."""

    geometry: Geometry
    input_size: int


@dataclass(frozen=True)
class Result(Figures):
    """The number of photos and of faces that were compared; one row for each detection size and for each crop."""

    FILE: ClassVar[str] = "geometry.json"

    photos: int
    faces: int
    detection: Sequence[Mapping[str, Any]]
    crops: Sequence[Mapping[str, Any]]


def crops() -> list[Crop]:
    """Return the crops to compare: all paddings and stretches with input 160, and larger inputs."""
    grid = [Crop(Geometry(padding=p, stretch=s), 160) for p, s in product(PADDINGS, STRETCHES)]
    larger = [Crop(Geometry(padding=padding), size) for size, padding in INPUT_SIZES[1:]]
    return [*grid, *larger, Crop(Geometry(padding=0.8, stretch=1), 224)]


def measure(people: People, embedder: Embedder, workers: int, on_step: OnStep) -> Result:
    """Compare detection sizes and crops on photos of people.

    Raises:
        PrepareError: a worker process was killed.
    """
    kept, report = select_faces(
        people, workers, embedder, lambda done, total: on_step("Finding faces in photos", done, total)
    )
    owned = (path for paths in people.photos.values() for path in paths)
    files = {shown(path.relative_to(people.root).as_posix()): path for path in owned}
    paths = [files[outcome.photo] for outcome in report.outcomes]
    detected = _map(_detect, paths, workers, lambda done, total: on_step("Detecting", done, total))
    faces = [_Face(files[face.photo], face.face.box, embedder, tuple(crops())) for face in kept]
    embedded = _map(_embed, faces, workers, lambda done, total: on_step("Cropping", done, total))
    persons = np.unique([face.person for face in kept], return_inverse=True)[1]
    return Result(
        photos=len(paths),
        faces=len(kept),
        detection=[_detection_row(size, [row[size] for row in detected]) for size in DETECTION_SIZES],
        crops=[_crop_row(crop, np.stack([row[at] for row in embedded]), persons) for at, crop in enumerate(crops())],
    )


@dataclass(frozen=True, slots=True)
class _Face:
    photo: Path
    box: Box
    embedder: Embedder
    crops: tuple[Crop, ...]


def _map(function: Callable[[T], R], tasks: Sequence[T], workers: int, on_progress: OnProgress) -> list[R]:
    results = []
    with parallel_map(function, tasks, workers) as found:
        for result in found:
            results.append(result)
            on_progress(len(results), len(tasks))
    return results


def _detect(photo: Path) -> dict[int, tuple[bool, float]]:
    """Return, by detection size, whether a face was found, and the milliseconds; runs in a worker process."""
    try:
        opened = Photo(photo.read_bytes())
    except ValueError:
        return dict.fromkeys(DETECTION_SIZES, (False, 0.0))
    results = {}
    for size in DETECTION_SIZES:
        began = time.perf_counter()
        boxes = _detector(size).detect(opened)
        results[size] = bool(boxes), 1000 * (time.perf_counter() - began)
    return results


def _embed(face: _Face) -> list[FloatArray]:
    """Return the (512,) embedding of a face for every crop; runs in a worker process."""
    photo = Photo(face.photo.read_bytes())
    return [_embed_crop(photo, face, crop) for crop in face.crops]


def _embed_crop(photo: Photo, face: _Face, crop: Crop) -> FloatArray:
    chip = face_tools()[1].align(photo, face.box, crop.geometry)
    # The network depends on the input size only: with the same file and size, the worker loads it once.
    embedder = replace(face.embedder, geometry=Geometry(size=crop.geometry.size), input_size=crop.input_size)
    embedding: FloatArray = embedder(chip[None])[0]
    return embedding


@cache
def _detector(size: int) -> Detector:
    return Detector([Pass(size)], turned_passes=())


def _detection_row(size: int, results: Sequence[tuple[bool, float]]) -> dict[str, Any]:
    return {
        "size": size,
        "with_a_face": sum(found for found, _ in results),
        "median_ms": float(np.median([milliseconds for _, milliseconds in results])),
    }


def _crop_row(crop: Crop, embeddings: FloatArray, people: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Return the verification figures of N faces, from (N, 512) embeddings and (N,) numbers of people."""
    pairs = np.triu_indices(len(people), 1)
    same = (people[:, None] == people)[pairs]
    similarities = (embeddings @ embeddings.T)[pairs]
    false, true, _ = roc_curve(same, similarities, drop_intermediate=False)
    genuine, impostor = similarities[same], similarities[~same]
    return {
        "input_size": crop.input_size,
        "padding": crop.geometry.padding,
        "stretch": crop.geometry.stretch,
        "tar_at_far": true_accepts(false, true),
        # d': the distance between the means of both kinds, divided by their common standard deviation.
        "d_prime": float((genuine.mean() - impostor.mean()) / np.sqrt((genuine.var() + impostor.var()) / 2)),
    }
