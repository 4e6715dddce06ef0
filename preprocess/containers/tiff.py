"""Reduces a TIFF file to its first picture and to the tags that its pixels need (TIFF 6.0)."""

import struct
from typing import Final

from preprocess.containers.base import UPRIGHT, Container
from preprocess.containers.orientation import INTEGERS, byte_order, entries, of_directory, of_xmp
from preprocess.errors import UnreadablePhotoError

_SHORT, _LONG = 3, 4
_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT, _XMP = 258, 262, 339, 700
_SAMPLES, _MAX_SAMPLES = 277, 6  # Pillow logs an error if there are more
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1
_UNSIGNED, _SIGNED = 1, 2

_ONE_INTEGER: Final = frozenset(
    {256, 257, 259, 262, 266, 277, 278, 284, 292, 293, 317, 322, 323, 332, 334, 512, 513, 514}
)
"""Tags of size, compression, colours and layout."""

_INTEGERS: Final = frozenset({258, 273, 279, 320, 324, 325, 338, 339, 515, 519, 520, 521, 530})
"""Tags of bits, palette, old JPEG tables, and the positions and lengths of strips and tiles."""

_OTHERS: Final = {347: (7,), 529: (5,), 532: (5,)}
"""JPEG tables and the fractions of YCbCr, with their types."""

Directory = dict[int, tuple[int, ...] | bytes]
"""Tags and their values: integers, or bytes as they stand in the file."""


def read(data: bytes) -> Container:
    """Return the file with one directory, appended to it, of the tags that the first picture needs.

    Raises:
        UnreadablePhotoError: a pixel has more channels than any photo, or the file has more than 4 GB.
    """
    order, directory = byte_order(data), _directory(data)
    xmp = next((bytes(value) for tag, _, value in entries(data) if tag == _XMP), b"")
    inverted, unsigned = _normalise(directory)
    if max(directory.get(_SAMPLES, (1,))) > _MAX_SAMPLES:
        raise UnreadablePhotoError("The photo is damaged or incomplete and cannot be decoded.")
    try:
        reduced = _file(data, order, directory)
    except struct.error as error:
        raise UnreadablePhotoError("The photo is damaged or incomplete and cannot be decoded.") from error
    turned = of_directory(data) or of_xmp(xmp) or UPRIGHT
    return Container(reduced, turned, inverted=inverted, unsigned=unsigned)


def _directory(data: bytes) -> Directory:
    """Return the first value of each tag that the pixels need, where its type is possible."""
    order = byte_order(data)
    directory: Directory = {}
    for tag, kind, value in entries(data):
        if tag in directory or not value:
            continue
        if tag in _OTHERS and kind in _OTHERS[tag]:
            directory[tag] = value
        elif tag in _ONE_INTEGER | _INTEGERS and kind in INTEGERS:
            size = struct.calcsize("=" + INTEGERS[kind])
            numbers = struct.unpack(f"{order}{len(value) // size}{INTEGERS[kind]}", value)
            directory[tag] = numbers[:1] if tag in _ONE_INTEGER else numbers
    return directory


def _normalise(directory: Directory) -> tuple[bool, bool]:
    """Change the tags of deep greys to those that Pillow knows; return whether 0 is white, and 32 bits are unsigned."""
    if max(directory.get(_BITS, (1,))) <= 8:
        return False, False
    inverted = directory.get(_PHOTOMETRIC) == (_WHITE_IS_ZERO,)
    if inverted:
        directory[_PHOTOMETRIC] = (_BLACK_IS_ZERO,)
    unsigned = directory.get(_BITS) == (32,) and directory.get(_SAMPLE_FORMAT, (_UNSIGNED,)) == (_UNSIGNED,)
    if unsigned:
        directory[_SAMPLE_FORMAT] = (_SIGNED,)
    return inverted, unsigned


def _file(data: bytes, order: str, directory: Directory) -> bytes:
    """Return `data` with `directory` as its only one."""
    start = len(data) + len(data) % 2
    values_start = start + 2 + 12 * len(directory) + 4
    listed, values = b"", b""
    for tag, content in sorted(directory.items()):
        kind, count, value = _encoded(tag, order, content)
        if len(value) > 4:
            position = struct.pack(f"{order}I", values_start + len(values))
            values += value + b"\0" * (len(value) % 2)
        else:
            position = value.ljust(4, b"\0")
        listed += struct.pack(f"{order}HHI", tag, kind, count) + position
    header = data[:2] + struct.pack(f"{order}HI", 42, start)
    body = memoryview(data)[len(header) :]
    length = struct.pack(f"{order}H", len(directory))
    return b"".join([header, body, b"\0" * (start - len(data)), length, listed, bytes(4), values])


def _encoded(tag: int, order: str, content: tuple[int, ...] | bytes) -> tuple[int, int, bytes]:
    """Return the type, the number and the bytes of the values of a tag."""
    if isinstance(content, bytes):
        (kind,) = _OTHERS[tag]
        return kind, len(content) // (8 if kind == 5 else 1), content
    kind, code = (_SHORT, "H") if max(content) < 1 << 16 else (_LONG, "I")
    return kind, len(content), struct.pack(f"{order}{len(content)}{code}", *content)
