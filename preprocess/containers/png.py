"""Reduces a PNG file to the chunks that its pixels need (W3C, Portable Network Graphics, third edition)."""

import struct
import zlib
from typing import Final

from preprocess.containers.base import Container
from preprocess.containers.orientation import orientation

_SIGNATURE_BYTES: Final = 8
_CHUNK_BYTES: Final = 12
"""Length, kind and checksum of a chunk."""

_NEEDED: Final = frozenset({b"IHDR", b"PLTE", b"IDAT"})
_TEXTS: Final = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_TRANSPARENT_BYTES: Final = {0: 2, 2: 6, 3: 1}
"""The shortest transparency chunk of each type of colour."""

_EXIF: Final = b"eXIf"
_XMP: Final = b"XML:com.adobe.xmp"
_EXIF_IN_DIGITS: Final = (b"Raw profile type exif", b"Raw profile type APP1")
"""Texts in which ImageMagick and ExifTool store EXIF in hexadecimal digits."""

_MAX_TEXT_BYTES: Final = 1 << 20
"""No more is decompressed of a text; XMP has some kilobytes."""


def read(data: bytes) -> Container:
    """Return the first picture; the frames of an animation, texts and profiles are left out."""
    view, position = memoryview(data), _SIGNATURE_BYTES
    kept, metadata, kind = [view[:position]], dict.fromkeys((_EXIF, *_EXIF_IN_DIGITS, _XMP), b""), b""
    while kind != b"IEND" and position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        chunk = view[position : position + length + _CHUNK_BYTES]
        position += length + _CHUNK_BYTES
        if kind in _NEEDED or (kind == b"tRNS" and _is_valid_transparency(chunk, data)):
            kept.append(chunk)
        elif kind == _EXIF:
            metadata[kind] = bytes(chunk[8:-4])
        elif kind in _TEXTS:
            keyword, _, text = bytes(chunk[8:-4]).partition(b"\0")
            if keyword in metadata:
                metadata[keyword] = _decompressed(kind, text)
    complete = kind == b"IEND" and position <= len(data)
    exif = metadata[_EXIF] or next(filter(None, map(_from_digits, map(metadata.__getitem__, _EXIF_IN_DIGITS))), b"")
    return Container(b"".join(kept), orientation(exif, metadata[_XMP]), complete)


def _is_valid_transparency(chunk: memoryview, data: bytes) -> bool:
    """Return whether Pillow accepts a transparency chunk; the pixels can be decoded without it."""
    content, colour = chunk[8:-4], data[25]
    checksum = int.from_bytes(chunk[-4:], "big")
    return len(content) >= _TRANSPARENT_BYTES.get(colour, 0) and zlib.crc32(chunk[4:-4]) == checksum


def _decompressed(kind: bytes, text: bytes) -> bytes:
    """Return what follows the keyword of a text chunk, decompressed as far as it can be."""
    if kind == b"iTXt":
        compressed, text = text[:1] == b"\1", text[2:].split(b"\0", 2)[-1]
    else:
        compressed, text = kind == b"zTXt", text[kind == b"zTXt" :]
    try:
        return zlib.decompressobj().decompress(text, _MAX_TEXT_BYTES) if compressed else text
    except zlib.error:
        return b""


def _from_digits(profile: bytes) -> bytes:
    """Return the EXIF in a text of ImageMagick: a name, a length and hexadecimal digits, one a line."""
    try:
        return bytes.fromhex("".join(profile.decode("ascii").split("\n")[3:]))
    except ValueError:
        return b""
