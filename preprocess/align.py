"""Aligns a face: cuts an upright, square chip out of a photo by five landmarks."""

import importlib.util
import math
from pathlib import Path
from typing import Final

import dlib

from preprocess.detect import Box, turned
from preprocess.geometry import Geometry
from preprocess.photo import Photo, RGBArray

_FACE_TO_BOX: Final = 0.76
"""Width of the face that dlib cuts without padding, as a fraction of its detector's box: median of 321 web photos."""


class Aligner:
    """dlib's five-point shape predictor, and the cut of a chip with level eyes by the five landmarks."""

    def __init__(self, landmarks: Path) -> None:
        """Load the predictor.

        Raises:
            RuntimeError: dlib cannot read the file.
        """
        self._predictor = dlib.shape_predictor(str(landmarks))

    def align(self, photo: Photo, box: Box, geometry: Geometry) -> RGBArray:
        """Return the face at `box` of `photo` as a (size, size, 3) uint8 RGB chip.

        The eyes are level, and every face has the same size in its chip, however the photo lies. Pixels outside the
        photo are black.

        Raises:
            UnreadablePhotoError: the photo is damaged.
        """
        side = _side(box, geometry) / math.sqrt(geometry.stretch)
        pixels = photo.pixels(geometry.size / side)  # decoded no smaller than the chip needs
        scale = pixels.shape[1] / photo.width
        if box.quarters:
            pixels, box = turned(pixels, box.quarters), box.turned(box.quarters, photo.width, photo.height)
        left, top, right, bottom = (
            round(edge * scale) for edge in (box.left, box.top, box.left + box.width, box.top + box.height)
        )
        landmarks = self._predictor(pixels, dlib.rectangle(left, top, right - 1, bottom - 1))
        details = dlib.get_face_chip_details(landmarks, geometry.size, geometry.padding)
        chip: RGBArray = dlib.extract_image_chip(pixels, _cut(details, _side(box, geometry) * scale, geometry))
        return chip


def _side(box: Box, geometry: Geometry) -> float:
    """Return the side of the chip in pixels of the photo, as the detector's box alone suggests."""
    return max(box.width, box.height) * _FACE_TO_BOX * (1 + 2 * geometry.padding)


def _cut(details: dlib.chip_details, by_box: float, geometry: Geometry) -> dlib.chip_details:
    """Return the chip at dlib's position. Its side is the geometric mean of what landmarks and detector suggest.

    When a head is turned, its eyes are closer together, and a chip sized by the landmarks alone would be too small.
    """
    side = math.sqrt(details.rect.width() * by_box)
    width, height = side / math.sqrt(geometry.stretch), side * math.sqrt(geometry.stretch)
    x, y = details.rect.left() + details.rect.width() / 2, details.rect.top() + details.rect.height() / 2
    rectangle = dlib.drectangle(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return dlib.chip_details(rectangle, dlib.chip_dims(geometry.size, geometry.size), details.angle)


def predictor_file() -> Path:
    """Return the five-point predictor that `face_recognition_models` carries (public domain).

    The package is located but not imported, because its `__init__` needs pkg_resources, which setuptools removed.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        name = "face_recognition_models"
        raise ModuleNotFoundError(f"{name} is not installed; run `make setup`.", name=name)
    return Path(spec.submodule_search_locations[0]) / "models" / "shape_predictor_5_face_landmarks.dat"
