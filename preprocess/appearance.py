"""What can be said of a face without knowing whose it is: how the head is turned, and how good its picture is."""

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from preprocess.detect import frame
from preprocess.photo import Photo, RGBArray

Points = npt.NDArray[np.float64] | Sequence[tuple[float, float]]
"""(5, 2) x and y in pixels: the eye, the other eye, the nose's tip, and the corners of the mouth, from the left."""

_HEAD: Final = np.array(
    [
        [-3.151, -2.625, -3.466],
        [3.151, -2.625, -3.466],
        [0.0, 1.127, -7.476],
        [-2.456, 4.343, -4.284],
        [2.456, 4.343, -4.284],
    ]
)
"""The five points of an average head in centimetres: x to the right, y down, z away from the camera. They are vertices
33, 133, 362, 263 (whose means are the eyes' middles), 1, 61 and 291 of MediaPipe's canonical face model
(face_geometry/data/canonical_face_model.obj)."""

_FIT: Final = np.linalg.pinv(_HEAD - _HEAD.mean(axis=0))
"""(3, 5): what least squares make of the points of a picture."""

_SIDE: Final = 112
"""Side in pixels of the crop on which sharpness, brightness and covering are measured."""

_PLACES: Final = _SIDE * np.array([[0.36, 0.4], [0.64, 0.4], [0.5, 0.56], [0.38, 0.7], [0.62, 0.7]])
"""Where the five points lie in that crop; the eyes are as far apart as in a chip of the default geometry."""

_SMALLEST: Final = 0.01
"""Points that lie closer together than in a face of one pixel are no face."""

SMALL: Final = 28
"""A face with shorter sides, in pixels, is too small."""

BLURRED: Final = 10.0
"""A face of less sharpness is blurred."""

DARK: Final = 20.0
"""A face of less brightness is too dark."""

TURNED: Final = 40.0
"""A head that is turned by more degrees, to the side or up or down, is turned away."""

COVERED: Final = 30.0
"""From this difference of colours on, part of a face is covered."""

Advice = Literal["too_small", "blurred", "turned_away", "covered", "too_dark"]
"""Why a name may be wrong. docs/detection.md has the measurements behind the limits."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How a head is turned, in degrees, as the photo's viewer sees it; 0 is a face that looks straight at the camera.

    `yaw` is above 0 if the face looks to the right side of the photo, `pitch` if it looks up, and `roll` if the head is
    tilted clockwise.
    """

    yaw: float
    pitch: float
    roll: float

    @property
    def away(self) -> float:
        """By how many degrees it is turned to the side, or up or down."""
        return max(abs(self.yaw), abs(self.pitch))


def pose(landmarks: Points) -> Pose:
    """Estimate the pose of a head from its five points.

    The points are taken for a picture of an average head by scaled orthographic projection, fitted by least squares,
    and the nearest rotation is found by singular values (D. DeMenthon and L. Davis, "Model-Based Object Pose in 25
    Lines of Code", IJCV 1995; P. Schönemann, Psychometrika 1966). Heads differ, and a nose's length looks like a pitch:
    docs/detection.md has what can be expected.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    projection = (_FIT @ (points - points.mean(axis=0))).T
    left, _, right = np.linalg.svd(projection, full_matrices=False)
    across, down = left @ right
    ahead = np.cross(across, down)
    yaw = math.degrees(math.asin(np.clip(ahead[0], -1, 1)))
    pitch = math.degrees(math.atan2(-ahead[1], ahead[2]))
    roll = math.degrees(math.atan2(down[0], across[0]))
    return Pose(yaw, pitch, roll)


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the picture of a face is.

    `size` is the side of a square as large as the face's box, in pixels. `sharpness` is `sharpness()` of the upright
    face and `brightness` the mean of its grey, 0 to 255. `share` is the part of the photo that the face fills, 0 to 1.
    `score`, 0 to 1, sums all up: it is near the similarity with the same person's good photos, compared with what a
    good picture of the face has.
    """

    size: int
    sharpness: float
    brightness: float
    share: float
    score: float


@dataclass(frozen=True, slots=True)
class Appearance:
    """A head's pose, the quality of its picture, and why a name may be wrong; () where it can be trusted."""

    pose: Pose
    quality: Quality
    advice: tuple[Advice, ...]


def appearance(photo: Photo, width: float, height: float, landmarks: Points) -> Appearance:
    """Return what can be said of a face of `photo`, whose box is `width` x `height` pixels, by its five points.

    Raises:
        UnreadablePhotoError: the photo is damaged.
    """
    face, turned = upright(photo, landmarks), pose(landmarks)
    size, sharp = math.sqrt(width * height), sharpness(face)
    brightness, cover = float(np.asarray(Image.fromarray(face).convert("L")).mean()), _cover(face)
    share = min(1.0, size**2 / (photo.width * photo.height))
    away = turned.away
    limits: dict[Advice, bool] = {
        "too_small": size < SMALL,
        "blurred": sharp < BLURRED and size >= SMALL and brightness >= DARK,
        "turned_away": away > TURNED,
        "covered": cover > COVERED,
        "too_dark": brightness < DARK,
    }
    score = _score(size, sharp, brightness, away, cover)
    advice = tuple(kind for kind, holds in limits.items() if holds)
    return Appearance(turned, Quality(round(size), sharp, brightness, share, score), advice)


def upright(photo: Photo, landmarks: Points) -> RGBArray:
    """Return the face as (112, 112, 3) uint8 RGB, turned, scaled and moved so that its points are at their places.

    They fit best by least squares, see `preprocess.detect.frame`. What is outside the photo is black.

    Raises:
        UnreadablePhotoError: the photo is damaged.
    """
    found = frame(landmarks, _PLACES)
    if found.unit < _SMALLEST:
        return np.zeros((_SIDE, _SIDE, 3), np.uint8)
    pixels = photo.pixels(min(1.0, 1 / found.unit))
    scale = pixels.shape[1] / photo.width
    turn, centre = scale * cmath.rect(found.unit, found.angle), scale * complex(found.x, found.y)
    around, corner = _around(pixels, centre, abs(turn) * _SIDE)
    centre -= corner
    if abs(turn) > 1:  # fewer pixels first, because the transform looks at four of them only
        smaller = max(1, round(around.width / abs(turn))), max(1, round(around.height / abs(turn)))
        turn, centre = turn * smaller[0] / around.width, centre * smaller[0] / around.width
        around = around.resize(smaller, Image.Resampling.BOX)
    start = centre - turn * complex(*_PLACES.mean(axis=0))
    matrix = (turn.real, -turn.imag, start.real, turn.imag, turn.real, start.imag)
    face: RGBArray = np.asarray(
        around.transform((_SIDE, _SIDE), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    )
    return face


def _around(pixels: RGBArray, centre: complex, radius: float) -> tuple[Image.Image, complex]:
    """Return the square around a place, as far as the photo goes, at least one pixel of it, and where it begins."""
    height, width = pixels.shape[:2]
    left = min(max(0, math.floor(centre.real - radius)), width - 1)
    top = min(max(0, math.floor(centre.imag - radius)), height - 1)
    right, bottom = math.ceil(centre.real + radius), math.ceil(centre.imag + radius)
    square = pixels[top : max(top + 1, bottom), left : max(left + 1, right)]
    return Image.fromarray(np.ascontiguousarray(square)), complex(left, top)


def sharpness(face: RGBArray) -> float:
    """Return the variance of the Laplacian of a face in grey, 112 pixels a side; it is small in a blurred picture.

    J. L. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
    """
    size = (_SIDE, _SIDE)
    grey = np.asarray(Image.fromarray(face).convert("L").resize(size, Image.Resampling.BOX), dtype=np.float32)
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian[16:-16, 16:-16].var())


def _cover(face: RGBArray) -> float:
    """Return by how much nose and lower face differ in colour from the skin between the eyes, of an upright face.

    It is the distance of the means of Cb and Cr (ITU-R BT.601), once for the nose and once for mouth and chin. Light
    and skin colour change both places alike; a mask, a hand or a scarf does not. A grey photo has no colours.
    """
    colours = np.asarray(Image.fromarray(face).convert("YCbCr"), dtype=np.float64)[:, :, 1:]
    between, nose, below = (
        colours[round(y0 * _SIDE) : round(y1 * _SIDE), round(x0 * _SIDE) : round(x1 * _SIDE)].mean(axis=(0, 1))
        for x0, x1, y0, y1 in ((0.44, 0.56, 0.36, 0.46), (0.44, 0.56, 0.5, 0.58), (0.3, 0.7, 0.62, 0.85))
    )
    return float(np.linalg.norm(nose - between) + np.linalg.norm(below - between))


def _score(size: float, sharp: float, brightness: float, away: float, cover: float) -> float:
    """Return the quality, 0 to 1: that of the weakest part.

    The similarity with the person's other photos falls with the logarithm of sharpness, size and brightness. It is a
    fourth lower where half of the face is covered. Between the limits here it does so from 0 to 1.
    """
    return min(
        _between(math.log(max(sharp, 1)), math.log(2), math.log(100)),
        _between(math.log(size), math.log(8), math.log(48)),
        _between(math.log(max(brightness, 1)), math.log(4), math.log(50)),
        _between(away, 90, 30),
        max(0.5, _between(cover, 2 * COVERED, COVERED / 2)),
    )


def _between(value: float, worst: float, best: float) -> float:
    """Return how far a value is on the way from 0 at the worst to 1 at the best."""
    return min(1.0, max(0.0, (value - worst) / (best - worst)))
