"""Finds faces: a photo in, boxes out, the most prominent first."""

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dlib
import numpy as np
from PIL import Image

from preprocess.photo import Photo


@dataclass(frozen=True, slots=True)
class Pass:
    """One look at a photo, `size` pixels on its long side, and the score from which its best face is convincing."""

    size: int
    convincing: float = 0


PASSES: Final = (Pass(480, 0.3), Pass(800), Pass(1280))
"""From cheap to thorough: the last takes eight times as long as the first, which is enough for seven photos of ten."""

LARGE_ENOUGH: Final = 120
"""Side, in pixels of a pass, of faces beside which none is missed that is worth a longer look: the detector's window is
80 pixels wide, so every face two thirds as large was seen."""

MAX_ENLARGEMENT: Final = 4.0
"""Small photos are enlarged at most this much; beyond it there is nothing left to see."""

FAINT: Final = -0.4
"""Score that the best face must reach where none reaches 0. Of 410 web photos it gives a face to 5 of the 8 that had
none, and of 7,701 photos of LFW to 25 of 32; farther down, gravel and rockets turn into faces."""


@dataclass(frozen=True, slots=True)
class Box:
    """A face's place in pixels of the upright photo, and the detector's score: 0 is a bare yes, 2 a sure one."""

    left: int
    top: int
    width: int
    height: int
    score: float

    @property
    def area(self) -> int:
        """Pixels covered."""
        return self.width * self.height


class Detector:
    """dlib's frontal face detector: histograms of oriented gradients under a linear classifier.

    Safe to share between threads; calls take turns, because dlib's scanner keeps state.
    """

    def __init__(self, passes: Sequence[Pass] = PASSES, file: Path | None = None) -> None:
        """Load the detector from a file that `save` wrote, in 1 ms; dlib takes 280 to unpack its own.

        dlib raises RuntimeError where the file is not one.
        """
        self._passes = passes
        self._scanner = dlib.fhog_object_detector(str(file)) if file else dlib.get_frontal_face_detector()
        self._lock = threading.Lock()

    def save(self, file: Path) -> None:
        """Write what is to be loaded sooner next time."""
        self._scanner.save(str(file))

    def detect(self, photo: Photo) -> list[Box]:
        """Return the faces of `photo`, the most prominent first.

        The photo is looked at larger and larger until its faces convince. One in which nothing is surely a face gives
        its one likeliest face, if that is likely enough.

        Raises:
            UnreadablePhotoError: the photo is damaged.
        """
        boxes: list[Box] = []
        for scale, convincing in self._looks(photo):
            boxes = self._scan(photo, scale) or boxes
            if _convince(boxes, scale, convincing):
                break
        sure = [box for box in boxes if box.score >= 0]
        likeliest = sorted(boxes, key=lambda box: box.score, reverse=True)[:1]
        return sorted(sure or likeliest, key=lambda box: prominence(box, photo.width, photo.height), reverse=True)

    def _looks(self, photo: Photo) -> Iterator[tuple[float, float]]:
        """Yield the scale of each look and its convincing score; a small photo is not looked at twice at one scale."""
        before = 0.0
        for look in self._passes:
            scale = min(look.size / max(photo.width, photo.height), MAX_ENLARGEMENT)
            if scale > before:
                yield scale, look.convincing
            before = scale

    def _scan(self, photo: Photo, scale: float) -> list[Box]:
        """Look at a photo at `scale` times its size, in grey: one channel takes less time than three."""
        size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
        grey = Image.fromarray(photo.pixels(scale)).convert("L")
        scaled = np.asarray(grey.resize(size, Image.Resampling.BILINEAR))
        with self._lock:
            rectangles, scores, _ = self._scanner.run(scaled, 0, FAINT)
        return [_box(r, s, scale, photo) for r, s in zip(rectangles, scores, strict=True)]


def _convince(boxes: list[Box], scale: float, convincing: float) -> bool:
    """Whether a larger look would hardly find more: some face is sure, none near the limit of what can be seen."""
    sure = [box for box in boxes if box.score >= 0]
    return (
        max((box.score for box in sure), default=-math.inf) >= convincing
        and min(max(box.width, box.height) for box in sure) * scale >= LARGE_ENOUGH
    )


def prominence(box: Box, width: int, height: int) -> float:
    """Return how much a face stands out in a photo of `width` x `height` pixels: its area, less for a place aside.

    In the photo's middle the area counts in full, in a corner half: of two faces alike in size, the one that the
    photographer aimed at comes first, and a face twice as large comes first wherever it is.
    """
    x, y = box.left + box.width / 2 - width / 2, box.top + box.height / 2 - height / 2
    aside = math.hypot(x, y) / math.hypot(width / 2, height / 2)
    return box.area * (1 - aside / 2)


def _box(rectangle: dlib.rectangle, score: float, scale: float, photo: Photo) -> Box:
    """Map a rectangle of the scaled photo to the photo itself, clipped to its edges."""
    left, top = (max(0, round(side / scale)) for side in (rectangle.left(), rectangle.top()))
    right = min(photo.width, round((rectangle.right() + 1) / scale))
    bottom = min(photo.height, round((rectangle.bottom() + 1) / scale))
    return Box(left, top, right - left, bottom - top, score)
