"""Hides the metadata of AVIF and HEIC files from their decoders (ISO/IEC 14496-12, 23008-12).

Positions in these files count from the start of the file, so that nothing can be left out. Instead, items of metadata
get a type that no decoder looks at.
"""

import struct
from collections.abc import Iterator
from typing import Final

from preprocess.containers.base import Container
from preprocess.errors import UnreadablePhotoError

_METADATA: Final = (b"Exif", b"mime", b"uri ")
_HIDDEN: Final = b"skip"
_BOXES: Final = frozenset({b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"wide", b"uuid", b"idat"})
"""The outermost boxes of a picture. What follows in boxes of other types, such as a video, is a trailer."""

_GRID: Final = b"grid"
"""An item that consists of pictures side by side. What is missing of these cannot be seen in the decoded pixels."""


def read(data: bytes) -> Container:
    """Return the file with the types of its items of metadata replaced.

    The orientation is a property of the picture that the decoders apply; EXIF does not count (ISO/IEC 23000-22, 7.3.9).

    Raises:
        UnreadablePhotoError: the file ends early, and half of it is missing or it has pictures side by side.
    """
    data, missing = _without_trailer(data)
    changed, types = bytearray(data), []
    for position in _item_types(data):
        types.append(data[position : position + 4])
        if types[-1] in _METADATA:
            changed[position : position + 4] = _HIDDEN
    if not missing:
        return Container(bytes(changed), orientation=None)
    if missing > len(data) or _GRID in types:
        raise UnreadablePhotoError("The photo is damaged or incomplete and cannot be decoded.")

    def completed(filling: bytes) -> bytes:
        return bytes(changed) + missing * filling

    return Container(bytes(changed), orientation=None, complete=False, completed=completed)


def _without_trailer(data: bytes) -> tuple[bytes, int]:
    """Return the file up to the end of the picture, and how many bytes are missing there."""
    stop = 0
    for kind, content, end in _boxes(data, 0, len(data)):
        if kind not in _BOXES:
            return data[: content - 8], 0
        stop = end
    return data[:stop], max(0, stop - len(data))


def _item_types(data: bytes) -> Iterator[int]:
    """Yield the position of the type of each item."""
    for start, end in _contents(data, 0, len(data), b"meta"):
        for first, last in _contents(data, start + 4, end, b"iinf"):
            count_bytes = 2 if data[first : first + 1] == b"\0" else 4
            for item, _ in _contents(data, first + 4 + count_bytes, last, b"infe"):
                number_bytes = 4 if data[item : item + 1] == b"\3" else 2
                yield item + 4 + number_bytes + 2


def _contents(data: bytes, start: int, end: int, wanted: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the content of each box of type `wanted` starts and ends, between two positions."""
    return ((content, min(stop, end)) for kind, content, stop in _boxes(data, start, end) if kind == wanted)


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each box between two positions: its type, where its content starts, and where it should end."""
    while start + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, start)
        content = start + 8
        if length == 1 and start + 16 <= end:
            (length,) = struct.unpack_from(">Q", data, content)
            content += 8
        stop = start + length if length else end
        if stop < content:
            return
        yield kind, content, stop
        start = stop
