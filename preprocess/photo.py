"""Decodes a photo: bytes in, upright RGB pixels out, within limits, at the scale they are asked for."""

import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps

from preprocess.errors import PhotoTooLargeError, UnreadablePhotoError, UnsupportedFormatError

RGBArray = npt.NDArray[np.uint8]
"""(H, W, 3) uint8 RGB."""

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
MAX_PIXELS: Final = 64_000_000
"""Room for a 50-megapixel phone; decoded, that is 192 MB."""

DECODED_SIZE: Final = 800
"""Long side, in pixels, that a photo is decoded to at least: enough to find its faces and for most of their chips."""

MAX_SCANS: Final = 100
"""A progressive JPEG has about ten; thousands of empty ones keep a decoder busy for minutes."""

_SCALABLE: Final = ("JPEG", "MPO")
"""Formats that Pillow decodes at a fraction of their size."""

_ON_ITS_SIDE: Final = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""

_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
"""Major brands of HEIF files (ISO/IEC 23008-12, annex B)."""

# Pillow warns about large images that it goes on to open; the limit here is ours, and it is an error.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class Photo:
    """A photo, upright: its size, and its pixels at the scale they are asked for.

    A JPEG is decoded at a half, a quarter or an eighth of its size in as much less time; other formats come in full.
    Animations give their first frame, transparency is laid on white, deeper channels become eight bits.
    """

    def __init__(self, data: bytes, *, size: int = DECODED_SIZE, max_pixels: int = MAX_PIXELS) -> None:
        """Decode the photo so that its long side has `size` pixels at least, if it has so many.

        Raises:
            UnsupportedFormatError: the bytes are no image of an accepted format.
            PhotoTooLargeError: the image has more than `max_pixels` pixels.
            UnreadablePhotoError: the image is damaged.
        """
        image = _open(data)
        if image.width * image.height > max_pixels:
            raise PhotoTooLargeError(
                f"The photo has {image.width} x {image.height} pixels; at most {max_pixels:,} are accepted."
            )
        self._data = data
        if image.format not in _SCALABLE:
            self._pixels = _upright(image)
            self.height, self.width = self._pixels.shape[:2]
            return
        if data.count(b"\xff\xda") > MAX_SCANS:
            raise UnreadablePhotoError("The photo is damaged: it has more scans than any camera writes.")
        self._turned = _is_turned(image)
        self.width, self.height = image.size[::-1] if self._turned else image.size
        self._pixels = self._decode(image, size / max(image.size))

    def pixels(self, scale: float = 1) -> RGBArray:
        """Return the photo as (h, w, 3) uint8 RGB, with at least `scale` times its own width and height.

        Raises:
            UnreadablePhotoError: the image is damaged.
        """
        if self._pixels.shape[1] < min(scale, 1) * self.width:
            self._pixels = self._decode(_open(self._data), scale)
        return self._pixels

    def _decode(self, image: Image.Image, scale: float) -> RGBArray:
        wanted = math.ceil(min(scale, 1) * self.width), math.ceil(min(scale, 1) * self.height)
        image.draft("", wanted[::-1] if self._turned else wanted)
        return _upright(image)


def _is_turned(image: Image.Image) -> bool:
    """Whether the camera was held on its side."""
    with _explained():
        return image.getexif().get(ExifTags.Base.Orientation) in _ON_ITS_SIDE


def _upright(image: Image.Image) -> RGBArray:
    """Decode the pixels, and turn them as the camera was held."""
    with _explained():
        ImageOps.exif_transpose(image, in_place=True)
        return np.asarray(_rgb(image))


@contextmanager
def _explained() -> Iterator[None]:
    """Say one thing where decoders fail in a dozen ways on hostile bytes."""
    try:
        yield
    except Exception as error:
        raise UnreadablePhotoError("The photo is damaged or incomplete and cannot be decoded.") from error


def _open(data: bytes) -> Image.Image:
    """Read the header only; no pixel is decoded yet."""
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        _register_heif()
    try:
        return Image.open(io.BytesIO(data), formats=_formats())
    except Image.DecompressionBombError as error:
        raise PhotoTooLargeError(f"The photo has too many pixels: {error}") from error
    except Exception as error:
        if _has_signature(data):
            raise UnreadablePhotoError("The photo is damaged: its header cannot be read.") from error
        raise UnsupportedFormatError(
            "This is not a photo in an accepted format: JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC."
        ) from error


def _register_heif() -> None:
    """Load the HEIF decoder at the first HEIF photo: most processes never see one, and it costs start-up time."""
    from pillow_heif import register_heif_opener  # noqa: PLC0415

    register_heif_opener()


def _formats() -> list[str]:
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _has_signature(data: bytes) -> bool:
    """Whether the first bytes are those of an accepted format."""
    accepts = (Image.OPEN[name][1] for name in _formats())
    return any(accept is not None and accept(data[:16]) for accept in accepts)


def _rgb(image: Image.Image) -> Image.Image:
    """Convert any of Pillow's modes to RGB."""
    if image.mode.startswith("I"):  # sixteen bits; convert() would clip them
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        pixels = np.nan_to_num(np.asarray(image))
        return Image.fromarray(np.uint8(255 * (pixels - pixels.min()) / (np.ptp(pixels) or 1))).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
