"""A photo: upright RGB pixels at the scale that the caller needs, decoded within limits."""

import math
import sys
from typing import Final

from PIL import Image, ImageFile

from preprocess import colours, limits
from preprocess.colours import RGBArray
from preprocess.containers import UPRIGHT, of_exif
from preprocess.decoding import load
from preprocess.errors import UnreadablePhotoError
from preprocess.formats import Encoded, recognised, translate_errors

__all__ = ["DECODED_SIZE", "FULL_SIZE", "Photo", "RGBArray"]

DECODED_SIZE: Final = 800
"""Smallest long side, in pixels, that a photo is decoded to: enough for detection and for most chips."""

FULL_SIZE: Final = sys.maxsize
"""As `size`, it has a photo decoded in full."""

_SCALABLE: Final = "JPEG"
"""The format that Pillow can decode at a fraction of its size."""

_ROTATED: Final = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How an image of each EXIF orientation becomes upright (CIPA DC-008, 4.6.5)."""


class Photo:
    """An upright photo: its size, its pixels at the scale that the caller needs, and whether all of it is there.

    A JPEG can be decoded at a half, a quarter or an eighth of its size, which takes less time; other formats are always
    decoded in full. An animation gives its first frame, what is transparent becomes white, and every channel has eight
    bits. Only what the pixels need is read: metadata, profiles, thumbnails and trailers cannot make a photo unreadable.

    `complete` is False if the file ends early. Then a small part of the picture may be missing.
    """

    def __init__(self, data: bytes, *, size: int = DECODED_SIZE) -> None:
        """Decode the photo with at least `size` pixels on its long side, or in full if it is smaller.

        Raises:
            UnsupportedFormatError: the bytes are not an image of an accepted format.
            PhotoTooLargeError: decoding would take too much time or memory.
            UnreadablePhotoError: the image is damaged, or too much of it is missing.
        """
        self._encoded, image = _opened(data)
        limits.check(self._encoded, image.size, image)
        self._orientation = _orientation(self._encoded, image)
        self.width, self.height = image.size[::-1] if self._orientation in _ROTATED else image.size
        self._pixels, self.complete = self._decode(
            image, min(size / max(image.size), limits.largest_scale(math.prod(image.size)))
        )
        if self._encoded.format != _SCALABLE:  # decoded in full; HEIC may only now tell its size
            self.height, self.width = self._pixels.shape[:2]

    def pixels(self, scale: float = 1) -> RGBArray:
        """Return the photo as (h, w, 3) uint8 RGB, with at least `scale` times its own width and height.

        If that is more than limits.MAX_DECODED pixels, a JPEG is decoded at the next smaller size.

        Raises:
            UnreadablePhotoError: the image is damaged.
        """
        scale = min(scale, limits.largest_scale(self.width * self.height))
        if self._pixels.shape[1] < scale * self.width:
            self._pixels, _ = self._decode(self._encoded.open(), scale)
        return self._pixels

    def _decode(self, image: ImageFile.ImageFile, scale: float) -> tuple[RGBArray, bool]:
        """Return the pixels, and whether all of them are there."""
        if self._encoded.format == _SCALABLE:
            with translate_errors():
                image.draft("", (math.ceil(scale * image.width), math.ceil(scale * image.height)))
        image, complete = load(image, self._encoded)
        return colours.rgb(image, self._encoded, _TURNS.get(self._orientation)), complete


def _opened(data: bytes) -> tuple[Encoded, ImageFile.ImageFile]:
    """Return the file, and the image in it with no pixel decoded, as the first format that its header is valid for."""
    *others, last = recognised(data)
    for encoded in others:
        try:
            return encoded, _open(encoded)
        except UnreadablePhotoError:
            continue
    return last, _open(last)


def _open(encoded: Encoded) -> ImageFile.ImageFile:
    """Open a file, after a look at its size where opening takes memory for the pixels."""
    if encoded.container.size:
        limits.check(encoded, encoded.container.size)
    return encoded.open()


def _orientation(encoded: Encoded, image: ImageFile.ImageFile) -> int:
    """Return the EXIF orientation of an image."""
    told = encoded.container.orientation
    return (of_exif(image.info.get("exif") or b"") or UPRIGHT) if told is None else told
