"""The accepted formats: recognises a file's format and opens it with its decoder."""

import ctypes
import io
import logging
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

from PIL import Image, ImageFile, JpegImagePlugin, TiffImagePlugin, _imaging

from preprocess.containers import Container, reduced
from preprocess.errors import PhotoTooLargeError, UnreadablePhotoError, UnsupportedFormatError

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

START: Final = 16
"""Bytes at the start of a file by which its format is recognised."""

_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
"""Major brands of HEIF files (ISO/IEC 23008-12, annex B)."""

_DECODER_ERRORS: Final = (
    OSError,  # Pillow's own, and those of libjpeg, libtiff and libwebp
    SyntaxError,  # a header that its plugin does not accept
    ValueError,
    EOFError,
    LookupError,  # IndexError and KeyError: data that ends early, modes that do not exist
    TypeError,
    ArithmeticError,  # OverflowError and ZeroDivisionError: sizes and fractions in TIFF
    struct.error,
    zlib.error,
    RuntimeError,  # libheif, libavif
    UserWarning,  # where warnings are errors: Pillow warns of damage that it can ignore
)
"""What Pillow's plugins and pillow_heif raise for damaged files. MemoryError, AttributeError and others are not here:
they do not show that the photo is damaged."""

_BOMBS: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)

_Plugin = Callable[[io.BytesIO, str], ImageFile.ImageFile]


@dataclass(frozen=True, slots=True)
class Encoded:
    """An image file, reduced to what its pixels need; `format` is Pillow's name of its format."""

    format: str
    container: Container

    def open(self, filling: bytes = b"\0") -> ImageFile.ImageFile:
        """Read the header of the reduced file, completed with `filling` where it must be; no pixel is decoded yet.

        The plugins are called without `Image.open`, because it warns of photos that are accepted here, and because
        pillow_heif would have to be registered in it for the whole process.

        Raises:
            UnreadablePhotoError: the header is damaged.
        """
        data = self.container.completed(filling) if self.container.completed else self.container.data
        with translate_errors():
            return _plugin(self.format)(io.BytesIO(data), "")


def recognised(data: bytes) -> list[Encoded]:
    """Return the file, reduced, as each format that its first bytes fit; AVIF and HEIC share some.

    Raises:
        UnsupportedFormatError: they fit no accepted format.
        UnreadablePhotoError: the file is damaged before its first pixel.
    """
    return [Encoded(name, reduced(name, data)) for name in formats_of(data[:START])]


def formats_of(start: bytes) -> list[str]:
    """Return Pillow's names of the formats that a file may have, by its first `START` bytes.

    Raises:
        UnsupportedFormatError: it has no accepted format.
    """
    Image.init()
    registered = [(name, Image.OPEN[name][1]) for name in FORMATS if name in Image.OPEN and name != "HEIF"]
    names = [name for name, accept in registered if accept and accept(start) is True]
    if start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS:
        names.append("HEIF")
    if not names:
        raise UnsupportedFormatError(f"This is not a photo in an accepted format: {FORMAT_NAMES}.")
    return names


def _plugin(name: str) -> _Plugin:
    if name == "HEIF":
        # Imported for the first HEIF photo: most processes never see one, and the import delays their start.
        from pillow_heif import HeifImageFile  # noqa: PLC0415

        return HeifImageFile
    if name == "JPEG":
        # Pillow's factory would look for further pictures in the file.
        return JpegImagePlugin.JpegImageFile
    if name == "TIFF":
        _silence_tiff()
    return Image.OPEN[name][0]


@cache
def _silence_tiff() -> None:
    """Stop Pillow and libtiff from writing to standard error what is damaged in a TIFF. They raise errors all the same.

    That is for the whole process: neither has another place to say so. Without handlers libtiff prints nothing:
    https://libtiff.gitlab.io/libtiff/functions/TIFFError.html. Where they cannot be reached, it goes on printing.
    """
    logging.getLogger(TiffImagePlugin.__name__).setLevel(logging.CRITICAL)
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(_imaging.__file__)  # finds libtiff, whichever Pillow was built with
        for function in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
            function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_void_p
            function(None)


def rawmode(image: ImageFile.ImageFile) -> str:
    """Return Pillow's name of the layout of the pixels in the file, empty if it is unknown; before they are decoded."""
    arguments = image.tile[0].args if image.tile else None
    return arguments if isinstance(arguments, str) else str(arguments[0]) if arguments else ""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn the errors of decoders into PhotoError. The block may do nothing but decode: it would hide our own bugs."""
    try:
        yield
    except _BOMBS as error:
        raise PhotoTooLargeError("The photo has too many pixels.") from error
    except RecursionError:  # a RuntimeError, but never about the photo
        raise
    except _DECODER_ERRORS as error:
        raise UnreadablePhotoError("The photo is damaged or incomplete and cannot be decoded.") from error
