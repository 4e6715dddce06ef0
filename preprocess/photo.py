"""Decodes a photo: from bytes to upright RGB pixels, at the scale that the caller needs, and within limits."""

import io
import math
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageFile, ImageOps

from preprocess.errors import PhotoTooLargeError, UnreadablePhotoError, UnsupportedFormatError

RGBArray = npt.NDArray[np.uint8]
"""(H, W, 3) uint8 RGB."""

FORMATS: Final = {
    "JPEG": "JPEG",
    "PNG": "PNG",
    "WEBP": "WebP",
    "GIF": "GIF",
    "BMP": "BMP",
    "TIFF": "TIFF",
    "AVIF": "AVIF",
    "HEIF": "HEIC",
}
"""The accepted formats: Pillow's name of each, and the name that people know."""

FORMAT_NAMES: Final = f"{', '.join([*FORMATS.values()][:-1])} or {[*FORMATS.values()][-1]}"

MAX_PIXELS: Final = 64_000_000
"""Enough for a phone of 50 megapixels. So many pixels take 192 MB when decoded."""

DECODED_SIZE: Final = 800
"""Smallest long side, in pixels, that a photo is decoded to: enough for detection and for most chips."""

MAX_SCANS: Final = 100
"""A progressive JPEG has about ten scans. A file with thousands of empty ones keeps a decoder busy for minutes."""

_SCALABLE: Final = ("JPEG", "MPO")
"""Formats that Pillow can decode at a fraction of their size."""

_ROTATED: Final = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""

_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
"""Major brands of HEIF files (ISO/IEC 23008-12, annex B)."""

_DECODER_ERRORS: Final = (
    OSError,  # Pillow's own, and those of libjpeg, libtiff and libwebp
    SyntaxError,  # a header that its plugin does not accept
    ValueError,
    EOFError,
    LookupError,  # IndexError and KeyError: data that ends early, modes that do not exist
    TypeError,
    ArithmeticError,  # OverflowError and ZeroDivisionError: sizes and fractions in TIFF and EXIF
    struct.error,
    zlib.error,
    RuntimeError,  # libheif, libavif
    UserWarning,  # where warnings are errors: Pillow warns of damage that it can ignore
)
"""What Pillow's plugins and pillow_heif raise for damaged files. MemoryError, AttributeError and others are not here:
they do not show that the photo is damaged."""

_BOMBS: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)

_Plugin = Callable[[io.BytesIO, str], ImageFile.ImageFile]


class Photo:
    """An upright photo: its size, and its pixels at the scale that the caller needs.

    A JPEG can be decoded at a half, a quarter or an eighth of its size, which takes less time; other formats are always
    decoded in full. An animation gives its first frame, what is transparent becomes white, and every channel has eight
    bits.
    """

    def __init__(self, data: bytes, *, size: int = DECODED_SIZE, max_pixels: int = MAX_PIXELS) -> None:
        """Decode the photo with at least `size` pixels on its long side, or in full if it is smaller.

        Raises:
            UnsupportedFormatError: the bytes are not an image of an accepted format.
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
        self._rotated = _is_rotated(image)
        self.width, self.height = image.size[::-1] if self._rotated else image.size
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
        with _translate_errors():
            image.draft("", wanted[::-1] if self._rotated else wanted)
        return _upright(image)


def _is_rotated(image: Image.Image) -> bool:
    """Return whether the camera was held in portrait orientation."""
    with _translate_errors():
        return image.getexif().get(ExifTags.Base.Orientation) in _ROTATED


def _upright(image: Image.Image) -> RGBArray:
    """Decode the pixels, and rotate them as the EXIF orientation says."""
    with _translate_errors():
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
    return np.asarray(_rgb(image))


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Turn the errors of decoders into PhotoError. The block may do nothing but decode: it would hide our own bugs."""
    try:
        yield
    except _BOMBS as error:
        raise PhotoTooLargeError(f"The photo has too many pixels; at most {MAX_PIXELS:,} are accepted.") from error
    except RecursionError:  # a RuntimeError, but never about the photo
        raise
    except _DECODER_ERRORS as error:
        raise UnreadablePhotoError("The photo is damaged or incomplete and cannot be decoded.") from error


def _open(data: bytes) -> Image.Image:
    """Read the header; no pixel is decoded yet.

    The plugins are called without `Image.open`, because it warns of photos that are accepted here, and because
    pillow_heif would have to be registered in it for the whole process.
    """
    plugins = _plugins(data)
    if not plugins:
        raise UnsupportedFormatError(f"This is not a photo in an accepted format: {FORMAT_NAMES}.")
    for plugin in plugins[:-1]:  # AVIF and HEIF share some brands, so there may be two
        try:
            with _translate_errors():
                return plugin(io.BytesIO(data), "")
        except UnreadablePhotoError:
            continue
    with _translate_errors():
        return plugins[-1](io.BytesIO(data), "")


def _plugins(data: bytes) -> list[_Plugin]:
    """Return the decoders whose signature `data` starts with."""
    Image.init()
    registered = [Image.OPEN[name] for name in FORMATS if name != "HEIF" and name in Image.OPEN]
    plugins: list[_Plugin] = [plugin for plugin, accept in registered if accept and accept(data[:16]) is True]
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        # Imported for the first HEIF photo: most processes never see one, and the import delays their start.
        from pillow_heif import HeifImageFile  # noqa: PLC0415

        plugins.append(HeifImageFile)
    return plugins


def _rgb(image: Image.Image) -> Image.Image:
    """Convert a decoded image of any of Pillow's modes to RGB."""
    if image.mode.startswith("I"):  # sixteen bits; Pillow's own conversion would clip them
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        rgba = _converted(image, "RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image if image.mode == "RGB" else _converted(image, "RGB")


def _converted(image: Image.Image, mode: str) -> Image.Image:
    """Convert with the palette, profile or transparency of the file, any of which may be damaged."""
    with _translate_errors():
        return image.convert(mode)


def _eight_bits(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Scale floating-point pixels so that they span 0 to 255; NaN counts as 0."""
    halves = np.nan_to_num(values) / 2  # halved, so that the range of the largest numbers does not overflow
    levels: npt.NDArray[np.uint8] = (255 * ((halves - halves.min()) / (np.ptp(halves) or 1))).astype(np.uint8)
    return levels
