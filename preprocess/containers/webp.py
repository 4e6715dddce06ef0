"""Reduces a WebP file to the chunks that its pixels need (RFC 9649)."""

import struct
from collections.abc import Iterator
from typing import Final

from preprocess.containers.base import Container
from preprocess.containers.orientation import orientation
from preprocess.errors import UnreadablePhotoError

_HEADER_BYTES: Final = 12
_ALPHA, _ANIMATION = 0x10, 0x02
_FEATURES: Final = b"VP8X"
_PICTURES: Final = frozenset({b"VP8 ", b"VP8L", b"ANMF"})
_NEEDED: Final = _PICTURES | {_FEATURES, b"ALPH", b"ANIM"}
_LONGEST_CODES: Final = 16_000_000
"""Bytes that are enough for a picture of as many pixels."""

_METADATA: Final = (b"EXIF", b"XMP ")


def read(data: bytes) -> Container:
    """Return the first picture; profile, metadata and the further frames of an animation are left out.

    A picture that ends early is completed with more than is missing: what completes it may mean longer codes.

    Raises:
        UnreadablePhotoError: the file has no picture, or less than half of one.
    """
    needed: dict[bytes, bytes] = {}
    metadata = dict.fromkeys(_METADATA, b"")
    missing = 0
    for kind, content, length in _chunks(data):
        if kind in metadata:
            metadata[kind] = content
        elif kind in _NEEDED and kind not in needed:
            needed[kind] = content
            missing = length - len(content)
    if missing > len(data) or not needed.keys() & _PICTURES:
        raise UnreadablePhotoError("The photo is damaged or incomplete and cannot be decoded.")
    if features := needed.get(_FEATURES):
        needed[_FEATURES] = bytes([features[0] & (_ALPHA | _ANIMATION)]) + features[1:]
    size, turned = _size(needed), orientation(*metadata.values())
    if not missing:
        return Container(_file(needed, b""), turned, size=size)

    def completed(filling: bytes) -> bytes:
        return _file(needed, (missing + min(size[0] * size[1], _LONGEST_CODES)) * filling)

    return Container(_file(needed, b""), turned, complete=False, completed=completed, size=size)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield the kind of each chunk, its content as far as it is there, and its length."""
    position = _HEADER_BYTES
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        position += 8
        yield kind, data[position : position + length], length
        position += length + length % 2


def _file(chunks: dict[bytes, bytes], filling: bytes) -> bytes:
    """Return a file of `chunks`, the last of which is followed by `filling`."""
    last = len(chunks) - 1
    body = b"WEBP"
    for number, (kind, content) in enumerate(chunks.items()):
        whole = content + filling if number == last else content
        body += struct.pack("<4sI", kind, len(whole)) + whole + b"\0" * (len(whole) % 2)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def _size(chunks: dict[bytes, bytes]) -> tuple[int, int]:
    """Return the width and the height that the first chunk gives; Pillow tells them only with memory for the pixels."""
    kind, content = next(iter(chunks.items()))
    try:
        if kind == _FEATURES:
            return 1 + int.from_bytes(content[4:7], "little"), 1 + int.from_bytes(content[7:10], "little")
        if kind == b"VP8L":
            (bits,) = struct.unpack_from("<I", content, 1)
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        width, height = struct.unpack_from("<HH", content, 6)
    except struct.error:
        return 0, 0  # the decoder will say that the file is damaged
    return width & 0x3FFF, height & 0x3FFF
