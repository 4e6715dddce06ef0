"""CenterFace, a neural network that finds faces: one look at a photo.

Y. Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019 (arXiv 1911.03599). For each
square of 4x4 pixels the network says how likely it is that a face has its centre there, and how large such a face is,
where in the square its centre is, and where its eyes, nose and mouth are.
"""

import math
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from preprocess.photo import RGBArray
from preprocess.runtime import session

FloatArray = npt.NDArray[np.float32]

_STRIDE: Final = 4
"""Pixels of a side of the squares that the network looks at."""

_MULTIPLE: Final = 32
"""The network halves its input five times, so its sides must be multiples of this."""

_GREY: Final = 127
"""What is around the photo. It has less contrast to most photos than black, with which fewer covered faces are found:
93 of 100 instead of 90, `visage benchmark detection`."""

SAME_FACE: Final = 0.3
"""Intersection over union from which two boxes show the same face; the value of CenterFace's own code."""


class Faces(NamedTuple):
    """N faces, the likeliest first, in pixels of the photo that was looked at.

    `boxes` (N, 4) have the left and upper edge, width and height. `scores` (N,) go from 0 to 1. `landmarks` (N, 5, 2)
    are the x and y of the right eye, the left eye, the nose, and the right and left corner of the mouth: right is the
    person's own right, which is on the left of the picture. Boxes and landmarks may reach over the photo's edge.
    """

    boxes: FloatArray
    scores: FloatArray
    landmarks: FloatArray


class CenterFace:
    """The network with its session in ONNX Runtime. Safe to share between threads."""

    def __init__(self, network: Path | bytes, threads: int = 1) -> None:
        """Load the network, a file `detector.onnx` or its content; `threads` work on one photo.

        Raises:
            One of ONNX Runtime's errors: it cannot read the network.
        """
        self._session = session(network, threads)

    def find(self, pixels: RGBArray, size: int, padding: float = 0.0, least_score: float = 0.5) -> Faces:
        """Return the faces of (h, w, 3) uint8 RGB pixels that score `least_score` or more.

        The picture is scaled so that its long side is `size` pixels together with a margin on either side of `padding`
        times that long side. A face that fills the picture is found only with a margin around it.
        """
        height, width = pixels.shape[:2]
        scaled = resized(pixels, round(size / (1 + 2 * padding)))
        inner = scaled.shape[1], scaled.shape[0]
        margin = padding / (1 + 2 * padding) * size
        columns, rows = (_MULTIPLE * math.ceil(round(side + 2 * margin) / _MULTIPLE) for side in inner)
        left, top = (columns - inner[0]) // 2, (rows - inner[1]) // 2
        canvas = np.full((1, rows, columns, 3), _GREY, np.uint8)
        canvas[0, top : top + inner[1], left : left + inner[0]] = scaled
        heat, sizes, offsets, points = (output[0] for output in self._session.run(None, {"photo": canvas}))
        found = _decoded(heat, sizes, offsets, points, least_score)
        offset = np.array([left, top], np.float32)
        back = np.array([width / inner[0], height / inner[1]], np.float32)
        boxes = np.hstack([(found.boxes[:, :2] - offset) * back, found.boxes[:, 2:] * back])
        return Faces(boxes, found.scores, (found.landmarks - offset) * back)


def resized(pixels: RGBArray, longest: int) -> RGBArray:
    """Return (h, w, 3) pixels scaled so that the long side is `longest` pixels."""
    height, width = pixels.shape[:2]
    scale = longest / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (width, height):
        return pixels
    # Pillow halves a large picture quickly as often as it can before it scales it exactly.
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


def _decoded(heat: FloatArray, sizes: FloatArray, offsets: FloatArray, points: FloatArray, least_score: float) -> Faces:
    """Return the faces in pixels of the input, from the outputs of the network for the squares of h rows, w columns.

    `heat` (1, h, w) are the scores, `sizes` (2, h, w) the logarithms of height and width in squares, `offsets`
    (2, h, w) y and x of the centre, from the middle of its square, in squares, and `points` (10, h, w) the y and x of
    each landmark as fractions of the box.
    """
    rows, columns = np.nonzero(heat[0] >= least_score)
    order = np.argsort(-heat[0, rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    squares = np.stack([columns, rows], axis=1).astype(np.float32)
    sides = _STRIDE * np.exp(sizes[::-1, rows, columns].T)
    corners = _STRIDE * (squares + offsets[::-1, rows, columns].T + 0.5) - sides / 2
    boxes = np.hstack([corners, sides])
    kept = suppressed(boxes)
    fractions = points[:, rows, columns].T.reshape(-1, 5, 2)[:, :, ::-1]
    landmarks = corners[:, None] + fractions * sides[:, None]
    return Faces(boxes[kept], heat[0, rows, columns][kept], landmarks[kept])


def suppressed(boxes: FloatArray, covered: float = math.inf) -> list[int]:
    """Return the indices of (N, 4) boxes, the likeliest first, that are left when each face keeps only its first.

    Two boxes show the same face if they overlap by SAME_FACE, or if `covered` of the smaller one is in the other one.
    """
    kept, left = [], np.arange(len(boxes))
    while len(left):
        first, others = left[0], left[1:]
        kept.append(int(first))
        box, rest = boxes[first], boxes[others]
        same = overlaps(box, rest) >= SAME_FACE
        if covered <= 1:
            same |= coverage(box, rest) >= covered
        left = others[~same]
    return kept


def overlaps(box: FloatArray, others: FloatArray) -> FloatArray:
    """Return the intersection over union of a box (4,) with each of N others (N, 4), 0 to 1."""
    shared = _shared(box, others)
    overlap: FloatArray = shared / (np.prod(box[2:]) + np.prod(others[:, 2:], axis=1) - shared)
    return overlap


def coverage(box: FloatArray, others: FloatArray) -> FloatArray:
    """Return the intersection over the smaller one of a box (4,) and each of N others (N, 4), 0 to 1."""
    smaller: FloatArray = _shared(box, others) / np.minimum(np.prod(box[2:]), np.prod(others[:, 2:], axis=1))
    return smaller


def _shared(box: FloatArray, others: FloatArray) -> FloatArray:
    """Return the area of the intersection of a box (4,) with each of N others (N, 4)."""
    ends = np.minimum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    shared: FloatArray = np.prod(np.maximum(0, ends - np.maximum(box[:2], others[:, :2])), axis=1)
    return shared
