"""Reduces an image file to what its pixels need, so that nothing else in it can make decoding fail.

Metadata, thumbnails, profiles, further pictures and trailers are left out before a decoder sees the file. Of the
metadata only the orientation is read, by us: see `orientation`.
"""

from collections.abc import Callable
from typing import Final

from preprocess.containers import isobmff, jpeg, png, tiff, webp
from preprocess.containers.base import UPRIGHT, Container
from preprocess.containers.orientation import of_exif

__all__ = ["UPRIGHT", "Container", "of_exif", "reduced"]

_READERS: Final[dict[str, Callable[[bytes], Container]]] = {
    "JPEG": jpeg.read,
    "PNG": png.read,
    "WEBP": webp.read,
    "TIFF": tiff.read,
    "AVIF": isobmff.read,
    "HEIF": isobmff.read,
}


def reduced(kind: str, data: bytes) -> Container:
    """Return what the pixels of an image file need; `kind` is Pillow's name of its format.

    The other formats, GIF and BMP, hold nothing that could make their decoders fail, and stay as they are.

    Raises:
        UnreadablePhotoError: the file is damaged before its first pixel.
    """
    return _READERS.get(kind, Container)(data)
