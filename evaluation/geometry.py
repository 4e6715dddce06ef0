"""Compares crops and input sizes on photos of people.

Crops are compared by verification over all pairs of photos: the true accept rate at false accept rates of 1 % and
0.1 %.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_curve

from dataset.folders import People
from dataset.prepare import select_faces
from dataset.progress import OnProgress, OnStep
from dataset.workers import face_tools, parallel_map
from evaluation.figures import Figures
from evaluation.verification import true_accepts
from model.cohort import FloatArray
from preprocess.detect import Box
from preprocess.geometry import Geometry
from preprocess.names import shown
from preprocess.photo import Photo
from training.embedder import Embedder

PADDINGS: Final = (0.3, 0.4, 0.5, 0.65)
STRETCHES: Final = (1.0, 1.1, 1.2, 1.35)
INPUT_SIZES: Final = ((160, 0.4), (192, 0.6), (224, 0.8))
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
    """The number of photos and of faces that were compared; one row for each crop."""

    FILE: ClassVar[str] = "geometry.json"

    photos: int
    faces: int
    crops: Sequence[Mapping[str, Any]]


def crops() -> list[Crop]:
    """Return the crops to compare: all paddings and stretches with input 160, and larger inputs."""
    grid = [Crop(Geometry(padding=p, stretch=s), 160) for p, s in product(PADDINGS, STRETCHES)]
    larger = [Crop(Geometry(padding=padding), size) for size, padding in INPUT_SIZES[1:]]
    return [*grid, *larger, Crop(Geometry(padding=0.8, stretch=1), 224)]


def measure(people: People, embedder: Embedder, workers: int, on_step: OnStep) -> Result:
    """Compare crops on photos of people.

    Raises:
        PrepareError: a worker process was killed.
    """
    kept, report = select_faces(
        people, workers, embedder, lambda done, total: on_step("Finding faces in photos", done, total)
    )
    owned = (path for paths in people.photos.values() for path in paths)
    files = {shown(path.relative_to(people.root).as_posix()): path for path in owned}
    faces = [_Face(files[face.photo], face.face.box, embedder, tuple(crops())) for face in kept]
    embedded = _map(_embed, faces, workers, lambda done, total: on_step("Cropping", done, total))
    persons = np.unique([face.person for face in kept], return_inverse=True)[1]
    return Result(
        photos=len(report.outcomes),
        faces=len(kept),
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
