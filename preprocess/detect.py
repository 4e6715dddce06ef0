"""Finds the faces of a photo, however it lies: boxes and five landmarks, the most prominent face first."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from preprocess.centerface import CenterFace, resized, suppressed
from preprocess.photo import Photo, RGBArray

Point = tuple[float, float]
Landmarks = tuple[Point, Point, Point, Point, Point]


class Look(NamedTuple):
    """How a photo is looked at: its long side with the margin, in pixels, and the margin as a fraction of that side."""

    size: int
    padding: float

    @property
    def inner(self) -> int:
        """The long side without the margin, in pixels."""
        return round(self.size / (1 + 2 * self.padding))


FIRST: Final = Look(256, 0.1)
"""It finds a face in 410 of 410 web photos of people, in 5 ms. With 224 pixels it finds as many, but its boxes are
coarser, and the true accept rate on LFW falls from 0.973 to 0.969."""

PADDED: Final = Look(192, 0.35)
"""For a photo without a sure face: a face that fills its photo, or reaches over its edge, is found with a wide margin.
"""

LARGE: Final = Look(640, 0.05)
"""For small faces, and for a photo in which the others find nothing. It takes 30 ms; 2 of 100 web photos need it."""

LARGE_ENOUGH: Final = 24
"""Smallest height of a face, in pixels of the first look, that makes a large look unnecessary. The network finds faces
from 10 to 12 pixels on, so that the first look has then seen every face of half that size."""

SURE: Final = 0.5
"""Lowest score of a face; the value of CenterFace's authors. Of 144 pictures without people one has a higher score."""

FAINT: Final = 0.4
"""Lowest score of a face that is accepted alone, when no face is sure. In 300 photos of masked people it adds 2 % of
the faces. Three of 144 pictures without people get a face by it."""

CONVINCING: Final = 0.8
"""From this score on a face lies as its landmarks say. In 97 of 100 upright web photos a face has it; with a lower one
the photo is also looked at turned, which takes 15 ms."""

TURNED_SURE: Final = 0.6
"""Lowest score of a face in a turned photo: three turns have three times as many false faces."""

MORE_CONVINCING: Final = 0.1
"""How much higher the score of a turned face must be. With these values 99 to 100 % of 410 web photos are turned back
from each of the three directions; none of them is turned upright, nor one of 300 portraits, and 1 of 300 photos of
masked people."""

UPRIGHT_DEGREES: Final = 50
"""A face whose landmarks are tilted further lies sideways, or upside down. CenterFace finds such faces, with landmarks
that are tilted by 57 to 93 degrees where a photo lies sideways. Upright web photos have at most 30."""

LYING: Final = 0.4
"""By how much the score of a lying face counts less when the direction of a photo is decided."""

COVERED: Final = 0.7
"""Part of the smaller of two boxes inside the other one from which both show the same face."""

MAX_FACES: Final = 20
"""At most so many faces of a photo are used, the most prominent ones. More would take longer than a request may."""

TYPICAL: Final[Landmarks] = ((0.27, 0.38), (0.73, 0.38), (0.5, 0.58), (0.31, 0.74), (0.69, 0.74))
"""Landmarks as fractions of the box: medians of 3,776 faces of LFW, made symmetric."""


@dataclass(frozen=True, slots=True)
class Box:
    """A face in pixels of the photo as its viewer sees it: where it is, the detector's score, and its landmarks.

    The box reaches from the forehead to the chin and from ear to ear, and may reach over the photo's edge. The score
    goes from 0 to 1; from SURE on the detector calls it a face (`is_sure`). The landmarks are the x and y of the right
    eye, the left eye, the tip of the nose, and the right and left corner of the mouth, where right is the person's own
    right: in an upright photo the right eye is on the left. Without landmarks the usual ones of a box are taken.
    """

    left: int
    top: int
    width: int
    height: int
    score: float
    landmarks: Landmarks = field(default=((0.0, 0.0),) * 5, repr=False)

    def __post_init__(self) -> None:
        if not any(map(any, self.landmarks)):
            usual = [(self.left + x * self.width, self.top + y * self.height) for x, y in TYPICAL]
            object.__setattr__(self, "landmarks", tuple(usual))
        else:  # lists come from a file
            object.__setattr__(self, "landmarks", tuple((float(x), float(y)) for x, y in self.landmarks))

    @property
    def area(self) -> int:
        """The number of pixels inside."""
        return self.width * self.height

    @property
    def is_sure(self) -> bool:
        """Whether the detector calls it a face; otherwise it only resembles one."""
        return self.score >= SURE

    @property
    def tilt(self) -> float:
        """By how many degrees the face is tilted clockwise in the photo, -180 to 180, as its landmarks say."""
        return math.degrees(frame(self.landmarks).angle)

    @property
    def quarters(self) -> int:
        """By how many quarters, 0 to 3, the photo must be turned clockwise so that the face is upright.

        A camera that was held sideways does not always say so in EXIF.
        """
        tilt = self.tilt
        return 0 if abs(tilt) <= UPRIGHT_DEGREES else -round(tilt / 90) % 4

    def turned(self, quarters: int, width: int, height: int) -> "Box":
        """Return the box in a photo of `width` x `height` pixels after it was turned clockwise by `quarters`."""
        quarters %= 4
        if not quarters:
            return self
        first, second, third, fourth, fifth = [(height - y, x) for x, y in self.landmarks]
        landmarks = first, second, third, fourth, fifth
        left, top = height - self.top - self.height, self.left
        once = Box(left, top, self.height, self.width, self.score, landmarks)
        return once.turned(quarters - 1, height, width)

    def within(self, width: int, height: int) -> "Box":
        """Return the part of the box that is inside a photo of `width` x `height` pixels; it has a pixel at least."""
        left, top = min(max(0, self.left), width - 1), min(max(0, self.top), height - 1)
        right = max(left + 1, min(width, self.left + self.width))
        bottom = max(top + 1, min(height, self.top + self.height))
        return Box(left, top, right - left, bottom - top, self.score, self.landmarks)


class Frame(NamedTuple):
    """Where a face lies: its centre x, y, the pixels of the photo for a unit of a template, and its angle clockwise."""

    x: float
    y: float
    unit: float
    angle: float


TEMPLATE: Final = np.array([(38.29, 51.70), (73.53, 51.50), (56.03, 71.74), (41.55, 92.37), (70.73, 92.20)])
"""The landmarks of a face that looks into the camera, in a chip of 112 pixels (InsightFace, `face_align.py`)."""


def frame(landmarks: npt.ArrayLike, template: npt.NDArray[np.float64] = TEMPLATE) -> Frame:
    """Return how a template (5, 2) must be moved, scaled and turned to fit the landmarks (5, 2) best.

    Best by least squares (S. Umeyama, IEEE PAMI 13(4), 1991).
    """
    points = np.asarray(landmarks, dtype=np.float64)
    x, y = points.mean(axis=0)
    across, down = (template - template.mean(axis=0)).T
    dx, dy = (points - (x, y)).T
    along, beside = float(across @ dx + down @ dy), float(across @ dy - down @ dx)
    unit = math.hypot(along, beside) / float(across @ across + down @ down)
    return Frame(float(x), float(y), unit, math.atan2(beside, along))


class Detector:
    """CenterFace, with a few small looks at a photo before a large one. Safe to share between threads."""

    def __init__(self, network: Path | bytes, threads: int = 1) -> None:
        """Load the network, a bundle's `detector.onnx` or its content; `threads` work on one photo.

        Raises:
            One of ONNX Runtime's errors: it cannot read the network.
        """
        self._network = CenterFace(network, threads)

    def detect(self, photo: Photo) -> list[Box]:
        """Return the faces of `photo`, the most prominent first.

        A photo without a convincing face is also looked at turned, and one with small faces or without any in a large
        size. If no face is sure then, the result is the likeliest one alone, as long as its score is not below FAINT.

        Raises:
            UnreadablePhotoError: the photo is damaged.
        """
        pixels = photo.pixels(LARGE.size / max(photo.width, photo.height))
        boxes = self._search(photo, pixels)
        sure = [box for box in boxes if box.is_sure]
        likeliest = sorted(boxes, key=lambda box: box.score, reverse=True)[:1]
        return sorted(sure or likeliest, key=lambda box: prominence(box, photo.width, photo.height), reverse=True)

    def _search(self, photo: Photo, pixels: RGBArray) -> list[Box]:
        """Return the faces, sure and faint ones."""
        small = resized(pixels, FIRST.inner)
        boxes = self._look(photo, small, FIRST)
        if not _has_sure(boxes):
            boxes = _merged(boxes, self._look(photo, pixels, PADDED))
        quarters = 0
        if _conviction(boxes) < CONVINCING:
            quarters, boxes = self._turned(photo, small, boxes)
        if not _has_sure(boxes) or _smallest(boxes, photo) < LARGE_ENOUGH:
            boxes = _merged(boxes, self._look(photo, pixels, LARGE, quarters))
        return boxes

    def _turned(self, photo: Photo, small: RGBArray, boxes: list[Box]) -> tuple[int, list[Box]]:
        """Return by how many quarters the photo must be turned so that its faces convince most, and these faces.

        `boxes` are those of the photo as it is, which convince if no others do much more.
        """
        looks = {quarters: self._look(photo, small, FIRST, quarters) for quarters in (1, 3, 2)}
        best = max(looks, key=lambda quarters: _conviction(looks[quarters], quarters))
        enough = max(TURNED_SURE, _conviction(boxes) + MORE_CONVINCING)
        return (best, looks[best]) if _conviction(looks[best], best) >= enough else (0, boxes)

    def _look(self, photo: Photo, pixels: RGBArray, look: Look, quarters: int = 0) -> list[Box]:
        """Return the faces found in the photo after it is turned clockwise by `quarters`, in pixels of the photo."""
        small = turned(resized(pixels, look.inner), quarters)
        found = self._network.find(small, look.size, look.padding, FAINT)
        width, height = (photo.width, photo.height) if quarters % 2 == 0 else (photo.height, photo.width)
        scale = np.array([width / small.shape[1], height / small.shape[0]], np.float32)
        return [
            _box(corner, sides, float(score), points).turned(-quarters, width, height)
            for corner, sides, score, points in zip(
                found.boxes[:, :2] * scale,
                found.boxes[:, 2:] * scale,
                found.scores,
                found.landmarks * scale,
                strict=True,
            )
        ]


def _box(
    corner: npt.NDArray[np.float32], sides: npt.NDArray[np.float32], score: float, points: npt.NDArray[np.float32]
) -> Box:
    (left, top), (right, bottom) = corner.tolist(), (corner + sides).tolist()
    first, second, third, fourth, fifth = ((round(x, 2), round(y, 2)) for x, y in points.tolist())
    left, top = round(left), round(top)
    sides_px = max(1, round(right) - left), max(1, round(bottom) - top)
    return Box(left, top, *sides_px, score=score, landmarks=(first, second, third, fourth, fifth))


def turned(pixels: npt.NDArray[np.uint8], quarters: int) -> npt.NDArray[np.uint8]:
    """Return (H, W) or (H, W, 3) pixels, turned clockwise by `quarters` times 90 degrees."""
    return np.rot90(pixels, -quarters).copy() if quarters else pixels


def _has_sure(boxes: Sequence[Box]) -> bool:
    return any(box.is_sure for box in boxes)


def _conviction(boxes: Sequence[Box], quarters: int = 0) -> float:
    """Return how sure it is that a photo must be turned by `quarters`: the score of the best face that is upright then.

    A face that lies then counts less.
    """
    return max(
        (box.score - LYING * (abs(_angle(box.tilt + 90 * quarters)) > UPRIGHT_DEGREES) for box in boxes), default=0
    )


def _angle(degrees: float) -> float:
    """Return the same angle between -180 and 180 degrees."""
    return (degrees + 180) % 360 - 180


def _smallest(boxes: Iterable[Box], photo: Photo) -> float:
    """Return the height of the smallest sure face in pixels of the first look."""
    scale = FIRST.inner / max(photo.width, photo.height)
    return min(max(box.width, box.height) * scale for box in boxes if box.is_sure)


def _merged(earlier: Sequence[Box], later: Sequence[Box]) -> list[Box]:
    """Return the boxes of two looks, the likelier one of those that show the same face.

    A large look may see a face in part of a large face.
    """
    boxes = sorted([*earlier, *later], key=lambda box: box.score, reverse=True)
    sides = np.array([(box.left, box.top, box.width, box.height) for box in boxes], np.float32).reshape(-1, 4)
    return [boxes[index] for index in suppressed(sides, COVERED)]


def overlap(box: Box, other: Box) -> float:
    """Return the intersection of two boxes over their union, 0 to 1."""
    width = min(box.left + box.width, other.left + other.width) - max(box.left, other.left)
    height = min(box.top + box.height, other.top + other.height) - max(box.top, other.top)
    shared = max(0, width) * max(0, height)
    return shared / (box.area + other.area - shared) if shared else 0.0


def prominence(box: Box, width: int, height: int) -> float:
    """Return how prominent a face is in a photo of `width` x `height` pixels: its area, reduced by its distance.

    In the middle of the photo the area counts in full, in a corner by half. Of two faces of similar size the one nearer
    to the middle comes first; a face of more than twice the area comes first wherever it is.
    """
    x, y = box.left + box.width / 2 - width / 2, box.top + box.height / 2 - height / 2
    distance = math.hypot(x, y) / math.hypot(width / 2, height / 2)
    return box.area * (1 - distance / 2)
