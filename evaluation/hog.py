"""dlib's frontal face detector, as Visage 0.1 used it: from fast to thorough, and turned where nothing is found.

docs/detection.md compares it with the detector of today.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import dlib
import numpy as np
import numpy.typing as npt
from PIL import Image

from evaluation.rectangles import SAME_FACE, Rectangle, overlap
from preprocess.photo import Photo

Grey = npt.NDArray[np.uint8]
"""(H, W) uint8, one channel."""


@dataclass(frozen=True, slots=True)
class Pass:
    """The photo is scaled to `size` pixels on its long side and scanned; a best score of `convincing` is enough."""

    size: int
    convincing: float = 0


PASSES: Final = (Pass(480, 0.3), Pass(800), Pass(1280))
TURNED_PASSES: Final = (Pass(480), Pass(800))

_LARGE_ENOUGH: Final = 120
"""Smallest side of a face, in pixels of the scaled photo, that makes a further pass unnecessary."""

_MAX_ENLARGEMENT: Final = 4.0

_FAINT: Final = -0.4
"""Lowest score of a face that is accepted when no face scores 0 or more."""

_TURNED_SURE: Final = 0.1
_DOUBTFUL: Final = 0.5
_MORE_CONVINCING: Final = 0.3
"""Scores: the lowest of a face in a turned photo; from which a face is not tried upside down; and how much higher a
turned face has to score. They were chosen by 410 photos from the web."""

_UPSIDE_DOWN_SIZE: Final = 110
"""Side of a doubtful face, in pixels, when it is scanned upside down."""


class Hog:
    """Histograms of oriented gradients and a linear classifier: finds frontal faces of 80 pixels or more."""

    def __init__(self, passes: Sequence[Pass] = PASSES, turned_passes: Sequence[Pass] = TURNED_PASSES) -> None:
        """Load dlib's detector."""
        self._passes, self._turned_passes = passes, turned_passes
        self._scanner = dlib.get_frontal_face_detector()

    def __call__(self, photo: Photo) -> list[Rectangle]:
        """Return the faces of a photo."""
        faces = self._search(photo)
        best = max(faces, key=lambda face: face.score, default=None)
        if quarters := self._better_turn(photo, best):
            faces = self._search(photo, quarters)
        sure = [face for face in faces if face.score >= 0]
        return sure or sorted(faces, key=lambda face: face.score, reverse=True)[:1]

    def _search(self, photo: Photo, quarters: int = 0) -> list[Rectangle]:
        faces: list[Rectangle] = []
        for scale, convincing in _scales(photo, self._passes):
            faces = _merged(faces, self._scan(photo, scale, _grey(photo, scale), quarters))
            if _is_enough(faces, scale, convincing):
                break
        return faces

    def _better_turn(self, photo: Photo, best: Rectangle | None) -> int:
        """Return by how many quarters a photo must be turned to show a face that convinces more than `best`; or 0."""
        if not self._turned_passes or (best and best.score >= _DOUBTFUL):
            return 0
        if best and best.score >= 0:
            return 2 if self._is_upside_down(photo, best) else 0
        enough = max(_TURNED_SURE, best.score + _MORE_CONVINCING) if best else _TURNED_SURE
        for scale, _ in _scales(photo, self._turned_passes):
            grey = _grey(photo, scale)
            scores = {turn: self._best_score(np.rot90(grey, -turn)) for turn in (1, 3, 2)}
            quarters = max(scores, key=lambda turn: scores[turn])
            if scores[quarters] >= enough:
                return quarters
        return 0

    def _is_upside_down(self, photo: Photo, face: Rectangle) -> bool:
        scale = min(_UPSIDE_DOWN_SIZE / max(face.width, face.height), _MAX_ENLARGEMENT)
        across, down = (
            slice(max(0, round(scale * (start - 0.75 * side))), round(scale * (start + 1.75 * side)))
            for start, side in ((face.left, face.width), (face.top, face.height))
        )
        around = np.rot90(_grey(photo, scale)[down, across], 2)
        return self._best_score(around) >= face.score + _MORE_CONVINCING

    def _best_score(self, grey: Grey) -> float:
        _, scores, _ = self._scanner.run(np.ascontiguousarray(grey), 0, _FAINT)
        return max(scores, default=_FAINT)

    def _scan(self, photo: Photo, scale: float, grey: Grey, quarters: int) -> list[Rectangle]:
        """Return the faces in `grey`, the photo at `scale` times its size, after that is turned by `quarters`."""
        found, scores, _ = self._scanner.run(np.ascontiguousarray(np.rot90(grey, -quarters)), 0, _FAINT)
        return [_rectangle(box, score, scale, photo, quarters) for box, score in zip(found, scores, strict=True)]


def _grey(photo: Photo, scale: float) -> Grey:
    """Return the photo at `scale` times its size, in grey: one channel is faster than three."""
    size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
    grey = Image.fromarray(photo.pixels(scale)).convert("L")
    return np.asarray(grey.resize(size, Image.Resampling.BILINEAR))


def _scales(photo: Photo, passes: Iterable[Pass]) -> Iterator[tuple[float, float]]:
    """Yield the scale of each pass and its convincing score, without passes that would repeat a scale."""
    previous = 0.0
    for detection_pass in passes:
        scale = min(detection_pass.size / max(photo.width, photo.height), _MAX_ENLARGEMENT)
        if scale > previous:
            yield scale, detection_pass.convincing
        previous = scale


def _merged(earlier: list[Rectangle], later: list[Rectangle]) -> list[Rectangle]:
    """Return the faces of a pass, and those of earlier passes for which it has no sure one."""
    sure = [face for face in later if face.score >= 0]
    return [*later, *(face for face in earlier if not any(overlap(face, other) >= SAME_FACE for other in sure))]


def _is_enough(faces: list[Rectangle], scale: float, convincing: float) -> bool:
    """Return whether a larger pass would hardly find more."""
    sure = [face for face in faces if face.score >= 0]
    return (
        max((face.score for face in sure), default=-math.inf) >= convincing
        and min(max(face.width, face.height) for face in sure) * scale >= _LARGE_ENOUGH
    )


def _rectangle(box: dlib.rectangle, score: float, scale: float, photo: Photo, quarters: int) -> Rectangle:
    """Convert a rectangle of the scaled and turned photo to pixels of the photo as it lies."""
    left, top, width, height = (side / scale for side in (box.left(), box.top(), box.width(), box.height()))
    match quarters:
        case 1:
            return Rectangle(top, photo.height - left - width, height, width, score)
        case 2:
            return Rectangle(photo.width - left - width, photo.height - top - height, width, height, score)
        case 3:
            return Rectangle(photo.width - top - height, left, height, width, score)
    return Rectangle(left, top, width, height, score)
