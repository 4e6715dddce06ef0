"""Photos as people have them: with odd metadata, with trailers, with deep greys. All are made from a plain image."""

import io
import random
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image

from bench.limits import encoded

ORIENTATION, MAKER_NOTE, EXIF_DIRECTORY, X_RESOLUTION, THUMBNAIL = 0x0112, 0x927C, 0x8769, 0x011A, 0x0201
SHORT, LONG, RATIONAL = 3, 4, 5
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def directory(*entries: tuple[int, int, int, bytes], order: str = "<", following: int = 0, count: int = 0) -> bytes:
    """Return EXIF of entries: tag, type, number of values, and four bytes."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    listed = [struct.pack(f"{order}HHI", *entry[:3]) + entry[3].ljust(4, b"\0") for entry in entries]
    return (
        head + struct.pack(f"{order}H", count or len(entries)) + b"".join(listed) + struct.pack(f"{order}I", following)
    )


TURNED = (ORIENTATION, SHORT, 1, struct.pack("<H", 6))

ODD_EXIF = {
    "a fraction that is nowhere": directory(TURNED, (X_RESOLUTION, 10, 1, struct.pack("<I", 50))),
    "a fraction with zero below": directory(TURNED, (X_RESOLUTION, RATIONAL, 1, struct.pack("<I", 26))) + bytes(8),
    "values of the wrong type": directory(TURNED, (X_RESOLUTION, SHORT, 1, b"\x48"), (0x010F, SHORT, 1, b"\x05")),
    "values of an unknown type": directory(TURNED, (X_RESOLUTION, 99, 1, b"\x48")),
    "values beyond the end": directory(TURNED, (0x010E, 2, 1 << 31, b"\xff\xff\xff\x7f")),
    "more entries announced than there are": directory(TURNED, count=500)[:-4],
    "a directory that follows itself": directory(TURNED, following=8),
    "a directory inside itself": directory(TURNED, (EXIF_DIRECTORY, LONG, 1, struct.pack("<I", 8))),
    "a maker note of 60 kB": directory(TURNED, (MAKER_NOTE, 7, 60_000, struct.pack("<I", 40))) + bytes(60_000),
    "a thumbnail that is not there": directory(TURNED, (THUMBNAIL, LONG, 1, b"\xff\xff\xff\x7f")),
    "big endian": directory((ORIENTATION, SHORT, 1, struct.pack(">H", 6)), order=">"),
    "the orientation in 32 bits": directory((ORIENTATION, LONG, 1, struct.pack("<I", 6))),
    "the orientation in 8 bits": directory((ORIENTATION, 1, 1, b"\x06")),
    "the orientation as a digit": directory((ORIENTATION, 2, 2, b"6\0")),
    "the orientation in a list": directory((ORIENTATION, SHORT, 2, struct.pack("<HH", 6, 6))),
    "the orientation in a long list": directory((ORIENTATION, SHORT, 3, struct.pack("<I", 26))) + bytes([6, 0] * 3),
    "the orientation as a fraction": directory((ORIENTATION, RATIONAL, 1, struct.pack("<I", 26)))
    + struct.pack("<II", 6, 1),
    "the orientation of an unknown type": directory((ORIENTATION, 99, 1, struct.pack("<H", 6))),
}
"""EXIF that other software trips over, of photos taken with the camera turned."""

NO_ORIENTATION = {
    "orientation 0": directory((ORIENTATION, SHORT, 1, b"\0\0")),
    "orientation 9": directory((ORIENTATION, SHORT, 1, b"\x09\0")),
    "orientation 65535": directory((ORIENTATION, SHORT, 1, b"\xff\xff")),
    "orientation one zeroth": directory((ORIENTATION, RATIONAL, 1, struct.pack("<I", 26))) + bytes(8),
    "orientation nowhere": directory((ORIENTATION, RATIONAL, 1, b"\xff\xff\xff\x7f")),
    "orientation x": directory((ORIENTATION, 2, 2, b"x\0")),
    "nothing": b"",
    "half a header": b"II*",
    "a directory beyond the end": b"II*\0\xff\xff\xff\x7f",
    "noise": random.Random(0).randbytes(500),
}
"""EXIF that tells no orientation."""


def jpeg_segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def jpeg_with(jpeg: bytes, *segments: bytes) -> bytes:
    """Return a JPEG with more segments after its start."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def png_chunk(kind: bytes, content: bytes, *, valid: bool = True) -> bytes:
    checksum = zlib.crc32(kind + content) ^ (not valid)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png_with(png: bytes, *chunks: bytes) -> bytes:
    """Return a PNG with more chunks after its header and before its end."""
    header, end = 33, len(png) - 12
    return png[:header] + b"".join(chunks) + png[header:end] + b"".join(chunks[::-1]) + png[end:]


def webp_with(webp: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a WebP file with more chunks at its end; it must have the header of the extended format."""
    added = b"".join(struct.pack("<4sI", kind, len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return webp[:4] + struct.pack("<I", len(webp) - 8 + len(added)) + webp[8:] + added


def tiff_with(tiff: bytes, *entries: tuple[int, int, int, bytes], following: int = 0) -> bytes:
    """Return a little-endian TIFF with more entries in its first directory."""
    (start,) = struct.unpack_from("<I", tiff, 4)
    (count,) = struct.unpack_from("<H", tiff, start)
    listed = [tiff[place : place + 12] for place in range(start + 2, start + 2 + 12 * count, 12)]
    listed += [struct.pack("<HHI", *entry[:3]) + entry[3].ljust(4, b"\0") for entry in entries]
    listed.sort(key=lambda entry: struct.unpack_from("<H", entry))
    place = len(tiff) + len(tiff) % 2
    body = struct.pack("<H", len(listed)) + b"".join(listed) + struct.pack("<I", place if following else 0)
    return tiff[:4] + struct.pack("<I", place) + tiff[8:].ljust(place - 8, b"\0") + body


def _archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "Hidden in a photo.")
    return file.getvalue()


def _video() -> bytes:
    return b"\0\0\0\x18ftypmp42" + random.Random(0).randbytes(500_000) + 200 * b"\xff\xda\0\x0c\x03"


TRAILERS = {
    "a motion photo's video": _video(),
    "Samsung's trailer": b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + _video() + b"SEFH" + bytes(40) + b"SEFT",
    "a gain map": encoded(Image.effect_noise((64, 64), 64), "JPEG"),
    "an archive": _archive(),
    "text": b"\n-- \nSent from my phone",
    "zeros": bytes(100_000),
    "a thousand scans": 1000 * jpeg_segment(0xDA, b"\x01\x01\0\0\x3f\0"),
    "a second picture that is cut": encoded(Image.effect_noise((64, 64), 64), "JPEG")[:-500],
}
"""What follows the end of a picture in its file."""

_ICC = b"ICC_PROFILE\0"
_BOMB = zlib.compress(bytes(100_000_000))

ODD_JPEG = {
    "a profile of noise": [jpeg_segment(0xE2, _ICC + b"\x01\x01" + random.Random(1).randbytes(3000))],
    "a profile that lacks parts": [jpeg_segment(0xE2, _ICC + b"\x07\x09"), jpeg_segment(0xE2, _ICC)],
    "a profile of 10 MB": [jpeg_segment(0xE2, _ICC + bytes([part, 160]) + bytes(65_000)) for part in range(1, 161)],
    "an index of pictures that is noise": [jpeg_segment(0xE2, b"MPF\0" + random.Random(2).randbytes(100))],
    "an index of pictures that is empty": [jpeg_segment(0xE2, b"MPF\0")],
    "an index of a million pictures": [
        jpeg_segment(0xE2, b"MPF\0" + directory((0xB001, LONG, 1, struct.pack("<I", 10**6)), (0xB002, 7, 0, b"")))
    ],
    "thumbnails with scans": 3 * [jpeg_segment(0xE1, b"thumb" + 500 * b"\xff\xda\0\x0c\xff\xd9")],
    "two kinds of EXIF": [jpeg_segment(0xE1, b"Exif\0\0" + directory()), jpeg_segment(0xE1, b"Exif\0\0broken")],
    "XMP that is cut": [jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP[:60])],
    "XMP of 64 kB": [jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + 65_000 * b" ")],
    "a short JFIF header": [jpeg_segment(0xE0, b"JFIF\0"), jpeg_segment(0xE0, b"JFIF")],
    "a short Adobe header": [jpeg_segment(0xEE, b"Adobe"), jpeg_segment(0xEE, b"")],
    "Photoshop's resources of noise": [jpeg_segment(0xED, b"Photoshop 3.0\0008BIM" + random.Random(3).randbytes(99))],
    "empty segments": [jpeg_segment(marker, b"") for marker in range(0xE0, 0xF0)],
    "comments of 6 MB": 100 * [jpeg_segment(0xFE, 60_000 * b"x")],
    "junk between segments": [jpeg_segment(0xFE, b"x"), b"\0\x01\x02", jpeg_segment(0xFE, b"x"), b"\xff\xff\xff"],
}
"""Segments that a picture does not need, and that a decoder of metadata would trip over."""

ODD_PNG = {
    "a text with a wrong checksum": [png_chunk(b"tEXt", b"Comment\0hello", valid=False)],
    "a text that unpacks to 100 MB": [png_chunk(b"zTXt", b"Comment\0\0" + _BOMB)],
    "international text that unpacks to 100 MB": [png_chunk(b"iTXt", b"Comment\0\x01\0\0\0" + _BOMB)],
    "XMP that unpacks to 100 MB": [png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0" + _BOMB)],
    "texts of 80 MB": 40 * [png_chunk(b"tEXt", b"Comment\0" + bytes(1_000_000))],
    "ten thousand texts": 5000 * [png_chunk(b"tEXt", b"Comment\0x")],
    "texts of a wrong form": [
        png_chunk(kind, text) for kind in (b"tEXt", b"zTXt", b"iTXt") for text in (b"", b"\0", b"a\0")
    ],
    "a text packed in an unknown way": [png_chunk(b"zTXt", b"Comment\0\x07abc")],
    "EXIF as text of a wrong form": [png_chunk(b"tEXt", b"Raw profile type exif\0\nexif\n  99\nnot digits")],
    "a profile of noise": [png_chunk(b"iCCP", b"name\0\0" + random.Random(4).randbytes(300))],
    "a profile that unpacks to 100 MB": [png_chunk(b"iCCP", b"name\0\0" + _BOMB)],
    "a profile packed in an unknown way": [png_chunk(b"iCCP", b"name\0\x07abc")],
    "short headers": [
        png_chunk(kind, b"\0") for kind in (b"gAMA", b"cHRM", b"pHYs", b"sRGB", b"tIME", b"acTL", b"fcTL")
    ],
    "an animation of no frames": [png_chunk(b"acTL", bytes(8))],
    "an animation that lies": [png_chunk(b"acTL", b"\0\0\0\x09" + bytes(4)), png_chunk(b"fcTL", b"\xff" * 26)],
    "transparency that is too short": [png_chunk(b"tRNS", b"\0")],
    "transparency with a wrong checksum": [png_chunk(b"tRNS", bytes(6), valid=False)],
    "private chunks with wrong checksums": [png_chunk(b"prVt", b"hello", valid=False)],
}
"""Chunks that a picture does not need, and that Pillow or libpng would refuse."""

ODD_WEBP = {
    "a profile of noise": [(b"ICCP", random.Random(5).randbytes(301))],
    "EXIF of noise": [(b"EXIF", random.Random(6).randbytes(301))],
    "XMP that is cut": [(b"XMP ", XMP[:60])],
    "unknown chunks": [(b"ABCD", bytes(100_001))],
    "metadata of 10 MB": [(b"XMP ", bytes(10_000_000))],
}
"""Chunks that a picture does not need."""

ODD_TIFF = {
    "resolutions of a wrong type": [(X_RESOLUTION, 2, 4, b"abc\0"), (0x011B, 7, 4, b"abcd")],
    "values beyond the end": [(0x010E, 2, 1 << 30, b"\xff\xff\xff\x7f")],
    "a profile beyond the end": [(0x8773, 7, 5000, b"\xff\xff\xff\x7f")],
    "XMP of a wrong type": [(700, 12, 1, struct.pack("<I", 8))],
    "directories inside themselves": [(tag, LONG, 1, struct.pack("<I", 8)) for tag in (0x014A, 0x8769, 0x8825, 0xA005)],
    "values of unknown types": [(0x9000 + kind, kind, 1, b"") for kind in range(14, 40)],
}
"""Entries that a picture does not need."""


def deep(image: Image.Image, bits: int) -> np.ndarray:
    """Return the grey of an image as numbers of `bits` bits."""
    return np.asarray(image.convert("L")).astype(np.int64) << bits - 8


def deep_png(values: np.ndarray) -> bytes:
    """Return (H, W) or (H, W, C) numbers as a PNG of 16 bits; Pillow writes only greys."""
    channels = 1 if values.ndim == 2 else values.shape[2]
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def deep_tiff(values: np.ndarray, *, order: str = "<", photometric: int = 1) -> bytes:
    """Return (H, W) or (H, W, C) numbers as a TIFF without compression, of the bits and the sign of their type."""
    values = values.astype(values.dtype.newbyteorder(order))
    channels = 1 if values.ndim == 2 else values.shape[2]
    bits, sample = 8 * values.dtype.itemsize, {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    if channels > 1:
        photometric = 2
    start = 8 + 12 * 10 + 6
    tags = [(256, values.shape[1]), (257, values.shape[0]), (258, bits), (259, 1), (262, photometric), (273, start)]
    tags += [(277, channels), (278, values.shape[0]), (279, values.nbytes), (339, sample)]
    listed = []
    for tag, number in tags:
        kind, code = (LONG, "I") if number > 65_535 or tag in (273, 279) else (SHORT, "H")
        listed.append((tag, kind, 1, struct.pack(f"{order}{code}", number)))
    return directory(*listed, order=order).ljust(start, b"\0") + values.tobytes()
