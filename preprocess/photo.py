"""Decodes a photo: bytes in, upright RGB pixels out, within limits."""

import io
import warnings
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from preprocess.errors import PhotoTooLargeError, UnreadablePhotoError, UnsupportedFormatError

RGBArray = npt.NDArray[np.uint8]
"""(H, W, 3) uint8 RGB."""

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
MAX_PIXELS: Final = 64_000_000
"""Room for a 50-megapixel phone; decoded, that is 192 MB."""

MAX_SCANS: Final = 100
"""A progressive JPEG has about ten; thousands of empty ones keep a decoder busy for minutes."""

_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
"""Major brands of HEIF files (ISO/IEC 23008-12, annex B)."""

# Pillow warns about large images that it goes on to open; the limit here is ours, and it is an error.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS) -> RGBArray:
    """Return the photo in `data` as (H, W, 3) uint8 RGB, turned upright by its EXIF orientation.

    Animations give their first frame, transparency is laid on white, deeper channels become eight bits.

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
    if image.format in {"JPEG", "MPO"} and data.count(b"\xff\xda") > MAX_SCANS:
        raise UnreadablePhotoError("The photo is damaged: it has more scans than any camera writes.")
    try:
        return np.asarray(_rgb(ImageOps.exif_transpose(image)))
    except Exception as error:  # decoders fail in a dozen ways on hostile bytes, and all mean the same here
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
    return image.convert("RGB")
