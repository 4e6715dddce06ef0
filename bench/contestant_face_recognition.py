"""face_recognition 1.3.0 as its README uses it, with all defaults: HOG upsampled once, dlib's ResNet, tolerance 0.6."""

import importlib.util
import io
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bench.contestants import NOBODY, Answer, FloatArray, Known, Setup
from model.settings import Settings


def _resource_filename(package: str, name: str) -> str:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"{package} is not installed; run `make bench`.")
    return str(Path(spec.origin).parent / name)


def _import() -> Any:
    """Import face_recognition. Its package of models needs one function of pkg_resources, which no longer exists."""
    stand_in = ModuleType("pkg_resources")
    vars(stand_in)["resource_filename"] = _resource_filename
    sys.modules["pkg_resources"] = stand_in
    return import_module("face_recognition")


class FaceRecognition:
    """Encodes every face of the photo. The largest face gets the name of the nearest encoding of a training photo."""

    def __init__(self, setup: Setup, _: Settings) -> None:
        self._file = setup.known / "face_recognition.npz"
        self._library = _import()

    def learn(self, people: Mapping[str, Sequence[Path]]) -> None:
        """Encode the largest face of every photo."""
        self._known = Known.learn(people, lambda data: next(iter(self._encodings(data)), None), self._file)

    def answer(self, data: bytes) -> Answer:
        """Return the person of the nearest encoding; known within the tolerance of the documentation."""
        encodings = self._encodings(data)
        if not encodings:
            return NOBODY
        nearest = int(np.argmin(self._library.face_distance(self._known.encodings, encodings[0])))
        known = self._library.compare_faces(self._known.encodings, encodings[0])[nearest]
        return Answer(str(self._known.names[nearest]), bool(known), len(encodings))

    def _encodings(self, data: bytes) -> list[FloatArray]:
        """Return the (128,) encodings of all faces, the largest face first."""
        image = self._library.load_image_file(io.BytesIO(data))
        locations = self._library.face_locations(image)
        encodings = self._library.face_encodings(image, sorted(locations, key=_area, reverse=True))
        return list(encodings)


def _area(location: tuple[int, int, int, int]) -> int:
    top, right, bottom, left = location
    return (bottom - top) * (right - left)
