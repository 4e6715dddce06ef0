"""Takes photos apart into their pieces (segments, chunks, boxes, entries, blocks), and puts pieces together again.

`join(split(data))` is a file with the same pieces, of the right lengths and checksums; so a mutation can change one
piece and leave the file sound around it.
"""

import re
import struct
import zlib
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType


@dataclass(frozen=True)
class Piece:
    """A part of a file. Without a `kind` it has no header: bytes between other pieces.

    `claimed` is the length that its header gives, where that is not the payload's.
    """

    kind: bytes
    payload: bytes
    claimed: int | None = None

    def length(self, extra=0, limit=1 << 32):
        """Return the length to write: the payload's and `extra`, or what is claimed."""
        return (len(self.payload) + extra if self.claimed is None else self.claimed) % limit


_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
"""Restart markers and escaped bytes are part of the coded bytes."""


class JPEG:
    """Segments: a marker, a length, a payload. After a start of scan come its coded bytes, which have no length."""

    MAIN = frozenset([b"\xc0", b"\xc2", b"\xda", b"\xdd"])
    _ALONE = frozenset(bytes([marker]) for marker in (0x01, *range(0xD0, 0xDA)))

    @classmethod
    def split(cls, data):
        pieces, at = [], 0
        while at < len(data):
            kind = data[at + 1 : at + 2]
            if data[at] != 0xFF or not kind or kind in b"\x00\xff":
                end = cls._next_marker(data, at + 1)
                pieces.append(Piece(b"", data[at:end]))
                at = end
            elif kind in cls._ALONE:
                pieces.append(Piece(kind, b""))
                at += 2
            else:
                length = max(2, int.from_bytes(data[at + 2 : at + 4]))
                pieces.append(Piece(kind, data[at + 4 : at + 2 + length]))
                at += 2 + length
        return pieces

    @staticmethod
    def _next_marker(data, at):
        found = _NEXT_MARKER.search(data, at)
        return found.start() if found else len(data)

    @classmethod
    def join(cls, pieces):
        return b"".join(map(cls._segment, pieces))

    @classmethod
    def _segment(cls, piece):
        if not piece.kind:
            return piece.payload
        if piece.kind in cls._ALONE:
            return b"\xff" + piece.kind + piece.payload
        return b"\xff" + piece.kind + piece.length(2, 1 << 16).to_bytes(2) + piece.payload


class PNG:
    """Chunks: a length, a kind, a payload, a checksum."""

    MAIN = frozenset([b"IHDR", b"PLTE", b"tRNS", b"acTL", b"fcTL"])

    @staticmethod
    def split(data):
        pieces, at = [Piece(b"", data[:8])], 8
        while at + 8 <= len(data):
            length = int.from_bytes(data[at : at + 4])
            pieces.append(Piece(data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
            at += 12 + length
        return pieces

    @staticmethod
    def join(pieces):
        return b"".join(
            piece.length().to_bytes(4)
            + piece.kind
            + piece.payload
            + struct.pack(">I", zlib.crc32(piece.kind + piece.payload))
            if piece.kind
            else piece.payload
            for piece in pieces
        )


class WebP:
    """RIFF's chunks: a kind, a length, a payload, a byte where that is odd."""

    MAIN = frozenset([b"VP8X", b"VP8 ", b"VP8L", b"ANIM", b"ANMF", b"ALPH"])

    @staticmethod
    def split(data):
        pieces, at = [], 12
        while at + 8 <= len(data):
            length = int.from_bytes(data[at + 4 : at + 8], "little")
            pieces.append(Piece(data[at : at + 4], data[at + 8 : at + 8 + length]))
            at += 8 + length + length % 2
        return pieces

    @staticmethod
    def join(pieces):
        body = b"".join(
            piece.kind
            + (piece.length().to_bytes(4, "little") if piece.kind else b"")
            + piece.payload
            + bytes(len(piece.payload) % 2)
            for piece in pieces
        )
        return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body


_BOXES_OF_BOXES = (b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl")


class Boxes:
    """The boxes of AVIF and HEIC (ISO/IEC 14496-12): a length, a kind, a payload, which may be boxes again."""

    MAIN = frozenset([b"ispe", b"av1C", b"hvcC", b"iloc", b"infe", b"ipma", b"pixi", b"irot", b"clap", b"hdlr"])
    NESTED = MappingProxyType(dict.fromkeys(_BOXES_OF_BOXES, 0) | {b"meta": 4, b"iinf": 6})
    """Boxes of boxes, and how many bytes there are before the first."""

    @staticmethod
    def split(data):
        pieces, at = [], 0
        while at + 8 <= len(data):
            length = int.from_bytes(data[at : at + 4])
            if length < 8:
                break
            pieces.append(Piece(data[at + 4 : at + 8], data[at + 8 : at + length]))
            at += length
        return [*pieces, Piece(b"", data[at:])] if at < len(data) else pieces

    @staticmethod
    def join(pieces):
        return b"".join(
            piece.length(8).to_bytes(4) + piece.kind + piece.payload if piece.kind else piece.payload
            for piece in pieces
        )


class GIF:
    """Blocks: the header with its palette, extensions, images and the end."""

    MAIN = frozenset([b"head", b"imag"])

    @classmethod
    def split(cls, data):
        ends, kinds = [0, cls._after_palette(data, 10, 13)], [b"head"]
        while ends[-1] < len(data):
            at, kind = ends[-1], data[ends[-1]]
            if kind == 0x2C:
                kinds.append(b"imag")
                ends.append(cls._after_blocks(data, cls._after_palette(data, at + 9, at + 10) + 1))
            elif kind == 0x21:
                kinds.append(b"more")
                ends.append(cls._after_blocks(data, at + 2))
            else:
                kinds.append(b"rest")
                ends.append(len(data))
        return [Piece(kind, data[start:end]) for kind, (start, end) in zip(kinds, pairwise(ends), strict=True)]

    @staticmethod
    def _after_palette(data, flags, at):
        has_palette = flags < len(data) and data[flags] & 0x80
        return min(len(data), at + (3 << (data[flags] & 7) + 1 if has_palette else 0))

    @staticmethod
    def _after_blocks(data, at):
        while at < len(data) and data[at]:
            at += 1 + data[at]
        return min(len(data), at + 1)

    @staticmethod
    def join(pieces):
        return b"".join(piece.payload for piece in pieces)


class BMP:
    """The file's header, the picture's header, and the rest."""

    MAIN = frozenset([b"file", b"head"])

    @staticmethod
    def split(data):
        end = 14 + int.from_bytes(data[14:18], "little") % 256
        return [Piece(b"file", data[:14]), Piece(b"head", data[14:end]), Piece(b"rest", data[end:])]

    join = GIF.join


class TIFF:
    """The entries of the first directory. They are put at the end of the file, so that all else stays in its place."""

    MAIN = frozenset(struct.pack("<H", tag) for tag in (*range(256, 280), 317, *range(322, 326), 338, 339, 347, 530))

    @staticmethod
    def split(data):
        order, wide = ("little" if data[:2] == b"II" else "big"), data[2:4] in (b"+\0", b"\0+")
        start, counter, size = (8, 8, 20) if wide else (4, 2, 12)
        at = int.from_bytes(data[start : 2 * start], order)
        count = min(int.from_bytes(data[at : at + counter], order), 200)
        entries = (data[at + counter + n * size : at + counter + (n + 1) * size] for n in range(count))
        return [Piece(b"", data), *(Piece(entry[:2], entry[2:]) for entry in entries)]

    @staticmethod
    def join(pieces):
        data = b"".join(piece.payload for piece in pieces if not piece.kind)
        entries = [piece for piece in pieces if piece.kind]
        order, wide = ("little" if data[:2] == b"II" else "big"), data[2:4] in (b"+\0", b"\0+")
        start, counter = (8, 8) if wide else (4, 2)
        claimed = next((piece.claimed for piece in entries if piece.claimed is not None), len(entries))
        directory = (claimed % 65536).to_bytes(counter, order) + b"".join(p.kind + p.payload for p in entries)
        head = data[:start] + len(data).to_bytes(start, order) + data[2 * start :]
        return head + directory + bytes(start)


CONTAINERS = {
    "JPEG": JPEG,
    "PNG": PNG,
    "WebP": WebP,
    "GIF": GIF,
    "BMP": BMP,
    "TIFF": TIFF,
    "AVIF": Boxes,
    "HEIC": Boxes,
}
