"""Aligns a face: five landmarks in, a square, upright chip out."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import dlib

from preprocess.detect import Box
from preprocess.photo import RGBArray


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a chip is cut: its side in pixels, and the margin around the face as a fraction of the face.

    Padding is dlib's: 0.25 is its own chip, eyebrows to chin; 0.8 takes in hair and ears.
    """

    size: int = 224
    padding: float = 0.8


PHOTO_CHIP = Geometry(size=600)
"""What `visage prepare` keeps of a photo; the network's input is scaled from it."""


class Aligner:
    """dlib's five-point shape predictor and the similarity transform that puts those points in place."""

    def __init__(self, landmarks: Path) -> None:
        """Load the predictor's file; dlib raises RuntimeError where it is not one."""
        self._predictor = dlib.shape_predictor(str(landmarks))

    def align(self, pixels: RGBArray, box: Box, geometry: Geometry) -> RGBArray:
        """Return the face at `box` of `pixels`, (H, W, 3), as a (size, size, 3) uint8 RGB chip.

        The eyes are level, and every face has the same size in its chip; what lies outside the photo is black.
        """
        rectangle = dlib.rectangle(box.left, box.top, box.left + box.width - 1, box.top + box.height - 1)
        landmarks = self._predictor(pixels, rectangle)
        chip: RGBArray = dlib.get_face_chip(pixels, landmarks, geometry.size, geometry.padding)
        return chip


def predictor_file() -> Path:
    """Return the five-point predictor that `face_recognition_models` carries (public domain).

    The package is looked up and not imported: its `__init__` needs the retired pkg_resources.

    Raises:
        FileNotFoundError: the package is not installed.
    """
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("face_recognition_models is not installed; run `make setup`.")
    return Path(spec.submodule_search_locations[0]) / "models" / "shape_predictor_5_face_landmarks.dat"
