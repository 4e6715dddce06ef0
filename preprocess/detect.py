"""Finds the faces of a photo: boxes, the most prominent face first."""

import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dlib
import numpy as np
import numpy.typing as npt
from PIL import Image

from preprocess.photo import Photo

Grey = npt.NDArray[np.uint8]
"""(H, W) uint8, one channel."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A detection pass: the photo is scaled to `size` pixels on its long side and scanned once.

    No further pass is needed if its best face has the score `convincing` or more; see `_is_enough`.
    """

    size: int
    convincing: float = 0


PASSES: Final = (Pass(480, 0.3), Pass(800), Pass(1280))
"""From fast to thorough. The last pass takes eight times as long as the first; seven photos of ten need only the
first."""

LARGE_ENOUGH: Final = 120
"""Smallest side of a face, in pixels of the scaled photo, that makes a further pass unnecessary. The detector's window
is 80 pixels wide, so a pass that found such a face has seen every face of two thirds of its size."""

MAX_ENLARGEMENT: Final = 4.0
"""Small photos are enlarged at most this much; more enlargement adds no detail."""

MAX_FACES: Final = 20
"""At most so many faces of a photo are used, the most prominent ones. More would take longer than a request may."""

SAME_FACE: Final = 0.3
"""Intersection over union from which boxes of two passes show the same face. In 2,470 web photos, boxes of one face had
0.55 or more, and boxes of two faces had 0."""

FAINT: Final = -0.4
"""Lowest score of a face that is accepted when no face scores 0 or more. Of 410 web photos, 8 had no face with a score
of 0; this gives one to 5 of them, and to 25 of 32 such photos among 7,701 of LFW. With lower scores, gravel and rockets
become faces."""

TURNED_PASSES: Final = (Pass(480), Pass(800))
"""The passes over a photo without a sure face that lies sideways or upside down, perhaps. They take 140 ms, as long as
PASSES. Of 410 web photos turned by a quarter, the first pass alone finds the faces of 94 %, both find those of 97 %."""

TURNED_SURE: Final = 0.1
"""Lowest score of a face in a turned photo: three turns have three times as many false faces. None was found in 31
pictures without people. Two were in 231 photos of people with covered faces, one of which has a false face upright."""

DOUBTFUL: Final = 0.5
"""A face with a lower score may be upside down, because mouth and chin resemble eyes: 62 of 410 web photos turned by
half a turn have a sure face, and 57 of these are turned back. One upright photo in ten is looked at so, in vain."""

UPSIDE_DOWN_SIZE: Final = 110
"""Side of a doubtful face, in pixels, when it is scanned upside down: only what is around it, which takes 7 ms."""

MORE_CONVINCING: Final = 0.3
"""How much higher the score of a turned face must be. In the same photos, it is higher by 0.4 to 2.8 where a face is
upside down, and lower where a doubtful face is upright."""


@dataclass(frozen=True, slots=True)
class Box:
    """A face's position in pixels of the upright photo, and the detector's score.

    From 0 on the detector calls it a face (`is_sure`), 2 is a high score. The face is upright in the photo when that is
    turned clockwise by `quarters` times 90 degrees: a camera that was held sideways does not always say so in EXIF.
    """

    left: int
    top: int
    width: int
    height: int
    score: float
    quarters: int = 0

    @property
    def area(self) -> int:
        """The number of pixels inside."""
        return self.width * self.height

    def turned(self, quarters: int, width: int, height: int) -> "Box":
        """Return the box in a photo of `width` x `height` pixels after it was turned clockwise by `quarters`."""
        quarters %= 4
        if not quarters:
            return self
        left, top = height - self.top - self.height, self.left
        once = Box(left, top, self.height, self.width, self.score, (self.quarters - 1) % 4)
        return once.turned(quarters - 1, height, width)

    @property
    def is_sure(self) -> bool:
        """Whether the detector calls it a face; otherwise it only resembles one."""
        return self.score >= 0


class Detector:
    """dlib's frontal face detector: histograms of oriented gradients and a linear classifier.

    Safe to share between threads. Only one thread scans at a time, because dlib's scanner has state.
    """

    def __init__(
        self,
        passes: Sequence[Pass] = PASSES,
        turned_passes: Sequence[Pass] = TURNED_PASSES,
        file: Path | None = None,
    ) -> None:
        """Load the detector from a file that `save` wrote. That takes 1 ms; dlib's built-in detector takes 280 ms.

        Without `turned_passes`, only upright faces are found.

        Raises:
            RuntimeError: dlib cannot read the file.
        """
        self._passes, self._turned_passes = passes, turned_passes
        self._scanner = dlib.fhog_object_detector(str(file)) if file else dlib.get_frontal_face_detector()
        self._lock = threading.Lock()

    def save(self, file: Path) -> None:
        """Write the detector to a file, which loads faster than dlib's built-in one."""
        self._scanner.save(str(file))

    def detect(self, photo: Photo) -> list[Box]:
        """Return the faces of `photo`, the most prominent first; they are all upright in the same direction.

        The photo is scanned at growing sizes until the faces found are enough. If none of them is certain, it is also
        scanned turned. If no face is sure then, the result is the likeliest one alone, as long as its score is not
        below FAINT.

        Raises:
            UnreadablePhotoError: the photo is damaged.
        """
        boxes = self._search(photo)
        if quarters := self._better_turn(photo, max(boxes, key=lambda box: box.score, default=None)):
            boxes = self._search(photo, quarters)
        sure = [box for box in boxes if box.is_sure]
        likeliest = sorted(boxes, key=lambda box: box.score, reverse=True)[:1]
        return sorted(sure or likeliest, key=lambda box: prominence(box, photo.width, photo.height), reverse=True)

    def _search(self, photo: Photo, quarters: int = 0) -> list[Box]:
        """Return the faces, sure and faint ones, that are upright when the photo is turned by `quarters`."""
        boxes: list[Box] = []
        for scale, convincing in _scales(photo, self._passes):
            boxes = _merged(boxes, self._scan(photo, scale, _grey(photo, scale), quarters))
            if _is_enough(boxes, scale, convincing):
                break
        return boxes

    def _better_turn(self, photo: Photo, best: Box | None) -> int:
        """Return by how many quarters a photo must be turned to show a face that convinces more than `best`; or 0."""
        if not self._turned_passes or (best and best.score >= DOUBTFUL):
            return 0
        if best and best.is_sure:
            return 2 if self._is_upside_down(photo, best) else 0
        enough = max(TURNED_SURE, best.score + MORE_CONVINCING) if best else TURNED_SURE
        for scale, _ in _scales(photo, self._turned_passes):
            grey = _grey(photo, scale)
            found = [box for quarters in (1, 3, 2) for box in self._scan(photo, scale, grey, quarters)]
            likeliest = max(found, key=lambda box: box.score, default=None)
            if likeliest and likeliest.score >= enough:
                return likeliest.quarters
        return 0

    def _is_upside_down(self, photo: Photo, box: Box) -> bool:
        """Return whether a face convinces more when it is upside down."""
        scale = min(UPSIDE_DOWN_SIZE / max(box.width, box.height), MAX_ENLARGEMENT)
        across, down = (
            slice(max(0, round(scale * (start - 0.75 * side))), round(scale * (start + 1.75 * side)))
            for start, side in ((box.left, box.width), (box.top, box.height))
        )
        around = turned(_grey(photo, scale)[down, across], 2)
        with self._lock:
            _, scores, _ = self._scanner.run(around, 0, FAINT)
        return max(scores, default=FAINT) >= box.score + MORE_CONVINCING

    def _scan(self, photo: Photo, scale: float, grey: Grey, quarters: int) -> list[Box]:
        """Return the faces found in `grey`, the photo at `scale` times its size, after that is turned by `quarters`."""
        with self._lock:
            rectangles, scores, _ = self._scanner.run(turned(grey, quarters), 0, FAINT)
        return [_box(r, s, scale, photo, quarters) for r, s in zip(rectangles, scores, strict=True)]


def _grey(photo: Photo, scale: float) -> Grey:
    """Return the photo at `scale` times its size, in grey: one channel is faster than three."""
    size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
    grey = Image.fromarray(photo.pixels(scale)).convert("L")
    return np.asarray(grey.resize(size, Image.Resampling.BILINEAR))


def turned(pixels: npt.NDArray[np.uint8], quarters: int) -> npt.NDArray[np.uint8]:
    """Return (H, W) or (H, W, 3) pixels, turned clockwise by `quarters` times 90 degrees."""
    return np.rot90(pixels, -quarters).copy() if quarters else pixels  # copied, because dlib needs rows without gaps


def _scales(photo: Photo, passes: Iterable[Pass]) -> Iterator[tuple[float, float]]:
    """Yield the scale of each pass and its convincing score, without passes that would repeat a scale."""
    previous = 0.0
    for detection_pass in passes:
        scale = min(detection_pass.size / max(photo.width, photo.height), MAX_ENLARGEMENT)
        if scale > previous:
            yield scale, detection_pass.convincing
        previous = scale


def _merged(earlier: list[Box], later: list[Box]) -> list[Box]:
    """Return the boxes of a pass, and those of earlier passes for which it has no sure box of the same face.

    A later pass may miss a face or give it a lower score, because it scans another size. The face is kept then.
    """
    sure = [box for box in later if box.is_sure]
    return [*later, *(box for box in earlier if not any(overlap(box, other) >= SAME_FACE for other in sure))]


def overlap(box: Box, other: Box) -> float:
    """Return the intersection of two boxes over their union, 0 to 1."""
    width = min(box.left + box.width, other.left + other.width) - max(box.left, other.left)
    height = min(box.top + box.height, other.top + other.height) - max(box.top, other.top)
    shared = max(0, width) * max(0, height)
    return shared / (box.area + other.area - shared) if shared else 0.0


def _is_enough(boxes: list[Box], scale: float, convincing: float) -> bool:
    """Return whether a larger pass would hardly find more.

    That is so if some face is convincing and the smallest sure face is well above the detector's limit.
    """
    sure = [box for box in boxes if box.is_sure]
    return (
        max((box.score for box in sure), default=-math.inf) >= convincing
        and min(max(box.width, box.height) for box in sure) * scale >= LARGE_ENOUGH
    )


def prominence(box: Box, width: int, height: int) -> float:
    """Return how prominent a face is in a photo of `width` x `height` pixels: its area, reduced by its distance.

    In the middle of the photo the area counts in full, in a corner by half. Of two faces of similar size the one nearer
    to the middle comes first; a face of more than twice the area comes first wherever it is.
    """
    x, y = box.left + box.width / 2 - width / 2, box.top + box.height / 2 - height / 2
    distance = math.hypot(x, y) / math.hypot(width / 2, height / 2)
    return box.area * (1 - distance / 2)


def _box(rectangle: dlib.rectangle, score: float, scale: float, photo: Photo, quarters: int) -> Box:
    """Convert a rectangle of the scaled and turned photo to pixels of the photo, clipped to its edges."""
    width, height = (photo.width, photo.height) if quarters % 2 == 0 else (photo.height, photo.width)
    left, top = (max(0, round(side / scale)) for side in (rectangle.left(), rectangle.top()))
    right = min(width, round((rectangle.right() + 1) / scale))
    bottom = min(height, round((rectangle.bottom() + 1) / scale))
    return Box(left, top, right - left, bottom - top, score).turned(-quarters, width, height)
