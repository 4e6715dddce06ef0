"""What can be said of a face without knowing whose it is: how the head is turned, and how good its picture is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

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


@dataclass(frozen=True, slots=True)
class Pose:
    """How a head is turned, in degrees, as the photo's viewer sees it; 0 is a face that looks straight at the camera.

    `yaw` is above 0 if the face looks to the right side of the photo, `pitch` if it looks up, and `roll` if the head is
    tilted clockwise.
    """

    yaw: float
    pitch: float
    roll: float


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
