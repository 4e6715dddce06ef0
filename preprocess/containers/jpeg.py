"""Reduces a JPEG file to the segments that its pixels need (ITU-T T.81, annex B)."""

import re
from collections.abc import Iterator
from typing import Final

from preprocess.containers.base import Container
from preprocess.containers.orientation import orientation
from preprocess.errors import UnreadablePhotoError

MAX_SCANS: Final = 100
"""A progressive JPEG has about ten scans. A file with thousands of empty ones keeps a decoder busy for minutes."""

_SOI, _EOI, _SOS, _APP0, _APP1, _APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xEE
_TEM: Final = 0x01
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL: Final = frozenset({0xC0, 0xC1, 0xC3, 0xC9, 0xCB})
_TABLES: Final = frozenset({0xC4, 0xCC, 0xDB, 0xDD})
_METADATA: Final = frozenset({0xDC, *range(0xE0, 0xF0), 0xFE})
"""Application data and comments, and the number of lines, which libjpeg does not read either."""

_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""The next marker. In the data of a scan, 0xFF stands only before 0 and before the number of a restart marker."""

_EXIF: Final = b"Exif\0"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_COLOURS: Final = {_APP0: (b"JFIF\0", 16), _APP14: (b"Adobe", 14)}
"""Segments that say which colours the components are, and from which length on libjpeg reads them."""


def read(data: bytes) -> Container:
    """Return the image up to its end; what follows the end is not looked at.

    An image that ends early gets an end, so that what there is of it can be decoded.

    Raises:
        UnreadablePhotoError: the file ends before its first scan, has more than MAX_SCANS, or is progressive and ends
            before its details.
    """
    image = _Image()
    complete = image.add_all(_segments(data))
    if not image.scans:
        raise UnreadablePhotoError("The photo is damaged: it ends before its first pixel.")
    if not complete and image.is_coarse:
        raise UnreadablePhotoError("The photo is incomplete: all details are missing.")
    kept = b"".join([b"\xff\xd8", *image.kept, b"\xff\xd9"])
    return Container(kept, orientation(image.exif, image.xmp), complete, scans=image.scans)


class _Image:
    """The segments of one image: those to keep, and its metadata."""

    def __init__(self) -> None:
        self.kept: list[memoryview] = []
        self.exif = self.xmp = b""
        self.scans = 0
        self._sequential = False
        self._components: set[int] = set()
        self._without_scan: set[int] = set()
        self._detailed_scans: list[int] = []

    @property
    def is_coarse(self) -> bool:
        """Whether a progressive image has no whole scan with details of its brightness, its first component.

        Without this check, faces of cut photos would be other people to the network: see docs/decoding.md.
        """
        return not self._sequential and not any(number < self.scans for number in self._detailed_scans)

    def add_all(self, segments: Iterator[tuple[int, memoryview]]) -> bool:
        """Add the segments up to the end of the image; return whether there is an end."""
        for marker, segment in segments:
            if marker in _METADATA:
                self._add_metadata(marker, segment)
            elif marker == _EOI or not self._add(marker, segment):
                return marker == _EOI
        return False

    def _add(self, marker: int, segment: memoryview) -> bool:
        """Add a segment that the pixels need; return whether it can belong to the image."""
        if marker == _SOS:
            return self._add_scan(segment)
        if marker in _FRAMES:
            self._sequential = marker in _SEQUENTIAL
            self._components = self._without_scan = set(segment[10::3])
        elif marker not in _TABLES:
            return False
        self.kept.append(segment)
        return True

    def _add_scan(self, segment: memoryview) -> bool:
        """Add a scan; bytes that look like one, after the image or amid damage, are told by their components."""
        count = segment[4] if len(segment) > 4 else 0
        components = set(segment[5 : 5 + 2 * count : 2])
        wanted = self._without_scan if self._sequential else self._components
        if not components or not components <= wanted or len(segment) < 8 + 2 * count:
            return False
        self._without_scan = self._without_scan - components
        self.kept.append(segment)
        self.scans += 1
        if min(self._components) in components and segment[5 + 2 * count] > 0:  # the first of its coefficients
            self._detailed_scans.append(self.scans)
        if self.scans > MAX_SCANS:
            raise UnreadablePhotoError("The photo is damaged: it has more scans than any camera writes.")
        return True

    def _add_metadata(self, marker: int, segment: memoryview) -> None:
        content = segment[4:]
        if marker == _APP1 and bytes(content[: len(_EXIF)]) == _EXIF:
            self.exif += bytes(content[6:] if self.exif else content)
        elif marker == _APP1 and bytes(content[: len(_XMP)]) == _XMP:
            self.xmp = bytes(content)
        elif marker in _COLOURS:
            name, length = _COLOURS[marker]
            if bytes(content[: len(name)]) == name and len(segment) >= length + 2:
                self.kept.append(segment)


def _segments(data: bytes) -> Iterator[tuple[int, memoryview]]:
    """Yield each segment with its marker; that of a scan includes the data of the scan.

    Junk between segments is skipped, as libjpeg does. A segment that the file does not hold in full is left out.
    """
    view, position = memoryview(data), 2
    while found := _MARKER.search(data, position):
        start, position = found.span()
        marker = data[start + 1]
        if marker in (_SOI, _TEM):
            continue
        if marker != _EOI:
            position += max(2, int.from_bytes(data[position : position + 2], "big"))
        if position > len(data):
            return
        if marker == _SOS:
            following = _MARKER.search(data, position)
            position = following.start() if following else len(data)
        yield marker, view[start:position]
