"""Finds the photos that show one picture, whatever was done to it: mirrored, cropped, edited, framed, saved again.

The embeddings of two faces say whether their photos may be copies, and small pictures of the faces decide. The chips of
two copies are cut a little differently. So one picture is first moved, turned and stretched until it fits the other.
"""

import base64
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, map_coordinates  # type: ignore[import-untyped]

from dataset.candidates import PICTURE_SIDE, Candidate, Candidates

IntArray = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.float64]
"""(PICTURE_SIDE, PICTURE_SIDE) brightness, or (N,) values of some of its pixels."""

MIN_COSINE: Final = 0.8
MIN_FIT: Final = 0.992
"""Copies have embeddings with this cosine and pictures with this fit, or more.

Measured on 410 web photos of ten people, and fourteen kinds of copies of 40 of them: 99 % of the copies reach both, but
70 % of those that are mirrored, cropped, brightened and saved at a low quality at once. Of all different photos, two
pairs do, of one person with the same expression in the same light. They come to the same side, which does no harm.
"""

_UNMOVED_FIT: Final = 0.85
_STEPS: Final = 4
"""Of the same copies, none fits less than this before it is moved, and none fits better after more steps."""

_BLUR: Final = 1.0
_COVERED: Final = 0.1
"""The share of pixels that fit worst and do not count, because captions and reflections cover some of a face."""

_LEAST_OVERLAP: Final = 0.5
_BLOCK: Final = 1024


def groups(photos: Sequence[Candidates]) -> IntArray:
    """Return the number of each photo's group, (N,), from 0: the photos of a group are copies of one picture.

    Photos with the same file are copies, and photos of which any face is the same picture: a photo of two people, and
    what was cut out of it around one of them.
    """
    numbers = np.arange(len(photos))
    for one, other in _same_photos(photos):
        numbers[numbers == numbers[other]] = numbers[one]
    return np.unique(numbers, return_inverse=True)[1]


def _same_photos(photos: Sequence[Candidates]) -> Iterator[tuple[int, int]]:
    """Yield the indices of photos that are copies of each other, enough of them to connect all copies of a picture."""
    first_of_file: dict[str, int] = {}
    for number, photo in enumerate(photos):
        if photo.sha256:
            yield first_of_file.setdefault(photo.sha256, number), number
    owners = [number for number, photo in enumerate(photos) for _ in photo.faces]
    for one, other in same_pictures([face for photo in photos for face in photo.faces]):
        yield owners[one], owners[other]


def same_pictures(faces: Sequence[Candidate], cosine: float = MIN_COSINE) -> Iterator[tuple[int, int]]:
    """Yield the indices of every two faces that are the same picture, the smaller index first.

    Their embeddings have this cosine or more. With a larger one, only the copies are found that differ little.
    """
    vectors = np.stack([face.vector() for face in faces]) if faces else np.empty((0, 1))
    for start in range(0, len(faces), _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ vectors[start:].T
        for row, column in np.argwhere(np.triu(cosines >= cosine, 1)).tolist():
            one, other = start + row, start + column
            if fit(faces[one].picture, faces[other].picture) >= MIN_FIT:
                yield one, other


def fit(one: str, other: str) -> float:
    """Return how well two pictures of faces fit, -1 to 1, as they are or one of them mirrored."""
    return _fit(*sorted((one, other)))


@lru_cache(maxsize=1 << 16)
def _fit(one: str, other: str) -> float:
    still, moved = _pixels(one), _pixels(other)
    return max(_best_fit(still, moved), _best_fit(still, np.ascontiguousarray(moved[:, ::-1])))


@lru_cache(maxsize=1 << 12)
def _pixels(picture: str) -> Pixels:
    """Return a picture as the rank of each pixel, which does not change with brightness, contrast and gamma."""
    grey = np.frombuffer(base64.b64decode(picture), np.uint8)
    ordered = np.sort(grey)
    ranks = np.searchsorted(ordered, grey, "left") + np.searchsorted(ordered, grey, "right")
    blurred: Pixels = gaussian_filter(ranks.reshape(PICTURE_SIDE, PICTURE_SIDE).astype(np.float64), _BLUR)
    return blurred


def _best_fit(still: Pixels, moved: Pixels) -> float:
    """Return the correlation of two pictures after one is moved by the affine map that makes it largest.

    The map is found in steps from the one that moves nothing, by G. D. Evangelidis and E. Z. Psarakis, "Parametric
    Image Alignment Using Enhanced Correlation Coefficient Maximization", IEEE PAMI 30, 2008.
    """
    y, x = (axis.ravel() for axis in np.meshgrid(*[np.linspace(-1, 1, PICTURE_SIDE)] * 2, indexing="ij"))
    places = np.stack([x, y, np.ones_like(x)])
    layers = [moved, *np.gradient(moved, 2 / (PICTURE_SIDE - 1))]
    affine, best = np.eye(2, 3), -1.0
    for _ in range(_STEPS):
        columns, rows = affine @ places
        inside = (abs(columns) <= 1) & (abs(rows) <= 1)
        if inside.mean() < _LEAST_OVERLAP:
            break
        at = (np.stack([rows, columns])[:, inside] + 1) / 2 * (PICTURE_SIDE - 1)
        seen, down, right = (map_coordinates(layer, at, order=1) for layer in layers)
        wanted = still.ravel()[inside]
        misfit = abs(_standard(wanted) - _standard(seen))
        clear = misfit <= np.quantile(misfit, 1 - _COVERED)
        best = max(best, float(_standard(wanted[clear]) @ _standard(seen[clear])))
        if best < _UNMOVED_FIT:
            break
        slopes = np.concatenate([right * places[:, inside], down * places[:, inside]])[:, clear]
        affine = affine + _step(wanted[clear], seen[clear], slopes).reshape(2, 3)
    return best


def _standard(values: Pixels) -> Pixels:
    """Return values with mean 0 and length 1, so that the product of two is their correlation."""
    centred = values - values.mean()
    standard: Pixels = centred / max(float(np.linalg.norm(centred)), 1e-9)
    return standard


def _step(wanted: Pixels, seen: Pixels, slopes: Pixels) -> Pixels:
    """Return the change of the map's six numbers that makes `seen` fit best, from its (6, N) slopes by them."""
    unit = _standard(seen)
    centred = (slopes - slopes.mean(axis=1, keepdims=True)) / max(float(np.linalg.norm(seen - seen.mean())), 1e-9)
    free = centred - np.outer(centred @ unit, unit)
    curvature = free @ free.T
    damped = curvature + np.eye(6) * (1e-4 * np.trace(curvature) / 6 + 1e-12)
    change: Pixels = np.linalg.solve(damped, free @ (_standard(wanted) - unit))
    return change
