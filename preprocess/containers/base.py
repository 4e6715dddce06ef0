"""What remains of an image file."""

from collections.abc import Callable
from dataclasses import dataclass

UPRIGHT = 1
"""The EXIF orientation of pixels that are stored upright."""


@dataclass(frozen=True, slots=True)
class Container:
    """An image file without what its pixels do not need.

    orientation: that of EXIF, 1 to 8, or None if the decoder tells it.
    complete: False if the file ends early.
    completed: where the file ends early and its decoder accepts whole files only, a function that returns a whole file
        with a given byte in place of what is missing.
    size: width and height, where the decoder would reserve memory before it tells them.
    scans: the number of scans of a JPEG.
    inverted: whether 0 is white in a TIFF of more than eight bits.
    unsigned: whether the 32 bits of a TIFF have no sign.
    """

    data: bytes
    orientation: int | None = UPRIGHT
    complete: bool = True
    completed: Callable[[bytes], bytes] | None = None
    size: tuple[int, int] | None = None
    scans: int = 1
    inverted: bool = False
    unsigned: bool = False
