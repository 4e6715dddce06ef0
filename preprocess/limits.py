"""Limits what a photo may cost: time and memory are estimated from its header, before any pixel is decoded.

The rates were measured with `python -m bench.limits`, which measures each format at its limit; docs/decoding.md has the
figures.
"""

import math
from dataclasses import dataclass
from typing import Final

from PIL import ImageFile, JpegImagePlugin

from preprocess.errors import PhotoTooLargeError
from preprocess.formats import FORMATS, Encoded, rawmode

MAX_SECONDS: Final = 1.4
"""The most that recognising a photo may take on one core of the machine of docs/performance.md, as estimated."""

MAX_BYTES: Final = 400_000_000
"""The most memory that decoding a photo may take, as estimated."""

MAX_DECODED: Final = 30_000_000
"""Pixels. A JPEG with more is decoded at a half of its size at most, or less."""

_OTHER_SECONDS: Final = 0.1
"""What detection, alignment and recognition take in a small photo."""

_TYPICAL_SCANS: Final = 10
"""A progressive JPEG has about so many scans. Each goes through all coefficients."""

_SCALES: Final = (1, 0.49, 0.24, 0)
"""A bit less than the fractions of its size at which a JPEG can be decoded, because sizes are rounded."""

_DECODINGS: Final = 2
"""A JPEG is decoded again, in a larger size, if its faces are small."""


_COMPLETED: Final = 3
"""A WebP, AVIF or HEIC that ends early takes so many times as long, because it is completed and decoded twice or more:
8 megapixels of noise took 1.0 seconds in a WebP."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Estimates for one photo: its pixels, seconds of one core for decoding and detection, bytes held by decoding."""

    pixels: int
    seconds: float
    bytes: int


@dataclass(frozen=True, slots=True)
class _Rate:
    """Nanoseconds for a pixel, for a byte that is decoded for a pixel, and for a byte of the file.

    Bytes of memory for a pixel, and how many copies of the file there are.
    """

    pixel_ns: float
    raw_ns: float
    file_ns: float
    pixel_bytes: int
    copies: int


_RATES: Final = {
    "PNG": _Rate(9, 13, 0, 8, 2),
    "WEBP": _Rate(45, 0, 0, 17, 3),
    "GIF": _Rate(17, 0, 0, 8, 1),
    "BMP": _Rate(15, 0, 0, 8, 1),
    "TIFF": _Rate(8, 10, 0, 8, 3),
    "AVIF": _Rate(28, 0, 60, 9, 3),
    "HEIF": _Rate(34, 0, 95, 9, 3),
}


def check(encoded: Encoded, size: tuple[int, int], image: ImageFile.ImageFile | None = None) -> None:
    """Refuse a photo of `size` that costs too much; `image` is the open file, where its header tells more.

    Raises:
        PhotoTooLargeError: it does. The text says how many megapixels such a photo may have.
    """
    estimate = cost(encoded, size, image)
    share = min((MAX_SECONDS - _OTHER_SECONDS) / estimate.seconds, MAX_BYTES / estimate.bytes)
    if share >= 1:
        return
    name, megapixels = FORMATS[encoded.format], estimate.pixels / 1e6
    if encoded.format == "JPEG" and _has_coefficients(encoded, image):
        name = f"progressive {name}"
    raise PhotoTooLargeError(
        f"The photo is too large: {'an' if name == 'AVIF' else 'a'} {name} like this one may have "
        f"{math.floor(share * megapixels)} megapixels, and it has {math.ceil(megapixels)}."
    )


def cost(encoded: Encoded, size: tuple[int, int], image: ImageFile.ImageFile | None = None) -> Cost:
    """Estimate what it costs to decode a photo of `size`, see `check`."""
    pixels, file_bytes = max(1, math.prod(size)), len(encoded.container.data)  # a damaged header may give none
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        return _cost_of_jpeg(encoded, image)
    rate = _RATES[encoded.format]
    seconds = (pixels * (rate.pixel_ns + rate.raw_ns * _raw_bytes(image)) + file_bytes * rate.file_ns) / 1e9
    held = pixels * rate.pixel_bytes + file_bytes * rate.copies
    if encoded.container.completed:  # two pictures are compared
        return Cost(pixels, _COMPLETED * seconds, 2 * held)
    return Cost(pixels, seconds, held)


def _cost_of_jpeg(encoded: Encoded, image: JpegImagePlugin.JpegImageFile) -> Cost:
    """Estimate the cost of a JPEG.

    One whose components or coefficients come in several scans keeps all coefficients, of two bytes each, in memory,
    whatever the size that it is decoded to.
    """
    pixels, file_bytes = image.width * image.height, len(encoded.container.data)
    decoded = min(pixels, MAX_DECODED)
    if not _has_coefficients(encoded, image):
        decoding = 0.5 * pixels + 8 * file_bytes
        return Cost(pixels, (_DECODINGS * decoding + 10 * decoded) / 1e9, 7 * decoded + 2 * file_bytes)
    areas = [horizontal * vertical for _, horizontal, vertical, _ in image.layer]
    coefficients = pixels * sum(areas) // max(areas)
    decoding = 5.5 * coefficients * max(1, encoded.container.scans / _TYPICAL_SCANS) + 20 * file_bytes
    held = 2 * coefficients + 7 * decoded + 2 * file_bytes
    return Cost(pixels, (_DECODINGS * decoding + 10 * decoded) / 1e9, held)


def largest_scale(pixels: int) -> float:
    """Return the largest scale at which a JPEG of so many pixels is decoded."""
    return next((scale for scale in _SCALES if pixels * scale**2 <= MAX_DECODED), _SCALES[-1])


def _has_coefficients(encoded: Encoded, image: ImageFile.ImageFile | None) -> bool:
    """Return whether a JPEG comes in several scans."""
    return encoded.container.scans > 1 or (image is not None and "progressive" in image.info)


def _raw_bytes(image: ImageFile.ImageFile | None) -> int:
    """Return how many bytes have to be decoded for a pixel of a PNG or TIFF."""
    if image is None:
        return 0
    bands = len(image.getbands())
    if ";16" in rawmode(image):
        return 2 if bands == 1 else 3 * bands  # colours may have to be decoded twice, see preprocess.colours
    return 4 * bands if image.mode in ("I", "F") else bands
