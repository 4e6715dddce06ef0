"""A photo's bytes to an aligned face: the one path for pixels, shared by training and serving."""

from preprocess.align import PHOTO_CHIP, Aligner, Geometry, predictor_file
from preprocess.detect import Box, Detector
from preprocess.errors import (
    NoFaceError,
    PhotoError,
    PhotoTooLargeError,
    UnreadablePhotoError,
    UnsupportedFormatError,
)
from preprocess.photo import FORMATS, MAX_PIXELS, Photo, RGBArray

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "PHOTO_CHIP",
    "Aligner",
    "Box",
    "Detector",
    "Geometry",
    "NoFaceError",
    "Photo",
    "PhotoError",
    "PhotoTooLargeError",
    "RGBArray",
    "UnreadablePhotoError",
    "UnsupportedFormatError",
    "predictor_file",
]
