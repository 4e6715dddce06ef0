"""Reads the orientation of a photo from its EXIF or XMP, however damaged the rest of them is.

EXIF is a TIFF directory (CIPA DC-008, 4.6.2). Only the entry of the orientation is looked at: Pillow reads all entries,
and fails for any that is odd.
"""

import re
import struct
from collections.abc import Iterator
from typing import Final

from preprocess.containers.base import UPRIGHT

ORIENTATION: Final = 0x0112

INTEGERS: Final = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q"}
"""TIFF's types of integers, and their formats in `struct`."""

_OTHER_NUMBERS: Final = {5: "II", 7: "B", 10: "ii", 11: "f", 12: "d"}
_FORMATS: Final = INTEGERS | _OTHER_NUMBERS | {2: "B"}
_ASCII, _RATIONALS = 2, (5, 10)

_EXIF_PREFIX: Final = re.compile(rb"(?:Exif\0[\0\xff])*")
_XMP: Final = re.compile(rb"""tiff:Orientation\s*(?:=\s*["']|>)\s*([0-9])""")

Entry = tuple[int, int, bytes]
"""A tag, the type of its values, and the values' bytes."""


def orientation(exif: bytes, xmp: bytes = b"") -> int:
    """Return the orientation, 1 to 8, of EXIF or else of XMP; 1 if neither has a valid one."""
    return of_exif(exif) or of_xmp(xmp) or UPRIGHT


def of_exif(exif: bytes) -> int | None:
    """Return the orientation in EXIF, with or without its prefix "Exif"; None if there is no valid one."""
    prefix = _EXIF_PREFIX.match(exif)
    return of_directory(exif[prefix.end() :]) if prefix else None


def of_xmp(xmp: bytes) -> int | None:
    """Return the orientation in XMP, None if there is no valid one."""
    found = _XMP.search(xmp)
    return _valid(int(found[1])) if found else None


def of_directory(tiff: bytes) -> int | None:
    """Return the orientation in the first directory of a TIFF file, None if there is no valid one."""
    order = byte_order(tiff)
    found = (_number(order, kind, value) for tag, kind, value in entries(tiff) if tag == ORIENTATION)
    return next(filter(None, map(_valid, found)), None)


def byte_order(tiff: bytes) -> str:
    """Return the byte order of a TIFF file, as `struct` names it."""
    return "<" if tiff.startswith(b"II") else ">"


def entries(tiff: bytes) -> Iterator[Entry]:
    """Yield the entries of the first directory of a TIFF file, as far as the file holds them and their values."""
    order = byte_order(tiff)
    big = 43 in tiff[2:4]  # BigTIFF, whose positions have 64 bits
    position_format, count_format, header, size = ("Q", "Q", 8, 20) if big else ("I", "H", 4, 12)
    inline = 8 if big else 4
    try:
        (start,) = struct.unpack_from(order + position_format, tiff, header)
        (count,) = struct.unpack_from(order + count_format, tiff, start)
        start += struct.calcsize(order + count_format)
        for entry in range(start, start + count * size, size):
            tag, kind, number = struct.unpack_from(f"{order}HH{position_format}", tiff, entry)
            length = number * struct.calcsize("=" + _FORMATS.get(kind, "B"))
            position = entry + size - inline
            if length > inline:
                (position,) = struct.unpack_from(order + position_format, tiff, position)
            if position + length <= len(tiff):
                yield tag, kind, tiff[position : position + length]
    except (struct.error, OverflowError):  # it ends here, or far beyond any file
        return


def _number(order: str, kind: int, value: bytes) -> float:
    """Return the first number of an entry, whatever its type; 0 if there is none."""
    try:
        if kind == _ASCII:
            return int(value[:1])
        numbers = struct.unpack_from(order + _FORMATS.get(kind, "B"), value)
        return float(numbers[0]) / numbers[1] if kind in _RATIONALS else float(numbers[0])
    except (struct.error, ValueError, ZeroDivisionError):
        return 0


def _valid(number: float) -> int | None:
    return int(number) if number in range(1, 9) else None
