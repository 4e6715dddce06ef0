"""Damages photos and uploads: blindly, and piece by piece as their formats are made.

Every function takes a `random.Random`. Hypothesis gives one of its own, so that it can replay and shrink what was done.
"""

import random
import struct
import zlib
from dataclasses import dataclass, replace

from hypothesis import strategies as st
from urllib3.filepost import encode_multipart_formdata

from tests.fuzz.containers import CONTAINERS, TIFF, Boxes, Piece
from tests.gateway import SENDERS

MAX_BYTES = 2_000_000
"""Mutations that repeat or append stop here. More would only be refused for its size."""

NUMBERS = (0, 1, 2, 7, 8, 16, 127, 128, 255, 256, 4096, 32767, 32768, 65535, 10**6, 2**31 - 1, 2**31, 2**32 - 1)
"""Values at which counters, sizes and offsets go wrong."""

EXIF = b"Exif\0\0"


@dataclass(frozen=True, repr=False)
class Upload:
    """A request: its path, body and content type, and which of the SENDERS sends it."""

    body: bytes
    path: str = "/recognize"
    content_type: str = "application/octet-stream"
    sender: str = "2.0"
    encoded: bool = True

    def __repr__(self):
        """Hypothesis writes this for every input; the whole body would take too long."""
        return f"Upload({self.body[:20]!r}… {len(self.body)} bytes, {self.path}, {self.content_type!r}, {self.sender})"

    def _repr_pretty_(self, printer, _cycle):
        printer.text(repr(self))


def damaged_photos(seeds, container):
    """A strategy for uploads of damaged photos of one container; `seeds` are the sound photos of all."""
    own = [seed for seed in seeds.values() if seed.container == container]
    others = list(seeds.values())

    def damage(rnd):
        data = rnd.choice(own).data
        for _ in range(rnd.choice((1, 1, 1, 2, 3, 6))):
            way = rnd.choice((_piecewise, _piecewise, _blind, _foreign))
            data = way(data, container, rnd, others)[:MAX_BYTES]
        return Upload(data)

    return _random().map(damage)


def damaged_uploads(photo):
    """A strategy for requests whose framing is damaged around a sound photo."""
    return _random().map(lambda rnd: _reframed(photo, rnd))


def _random():
    return st.randoms(use_true_random=False, note_method_calls=False)


def garbage(rnd, size):
    """Return `size` bytes: noise, one value, or text. Noise is not drawn byte by byte, which would take long."""
    match rnd.randrange(4):
        case 0:
            return bytes([rnd.choice((0, 255, 65))]) * size
        case 1:
            return (b"lorem ipsum dolor sit amet \xff\xd8\xff\xda " * (size // 32 + 1))[:size]
        case _:
            return random.Random(rnd.getrandbits(32)).randbytes(size)


# Blindly, whatever the format


def _blind(data, _container, rnd, _others):
    start, end = sorted(rnd.randrange(len(data) + 1) for _ in "ab")
    end = min(end, start + rnd.choice((1, 4, 64, 1024, MAX_BYTES)))
    return rnd.choice(_BLIND)(data, start, end, rnd)


_BLIND = (
    lambda data, _start, _end, rnd: _flipped(data, rnd),
    lambda data, _start, _end, rnd: _with_number(data, rnd),
    lambda data, start, end, _: data[:start] + data[end:],
    lambda data, start, _end, _: data[:start],
    lambda data, start, end, rnd: data[:end] + data[start:end] * rnd.choice((1, 2, 50)) + data[end:],
    lambda data, start, end, rnd: data[:start] + garbage(rnd, end - start) + data[end:],
    lambda data, start, _end, rnd: data[:start] + garbage(rnd, rnd.choice((1, 3, 500, 70_000))) + data[start:],
)
"""Each changes the bytes from `start` to `end`, or somewhere."""


def _flipped(data, rnd):
    changed = bytearray(data)
    for _ in range(rnd.choice((1, 1, 3, 20))):
        if changed:
            changed[_position(changed, rnd)] ^= rnd.choice((1, 2, 16, 128, 255))
    return bytes(changed)


def _with_number(data, rnd):
    """Overwrite a field that may be a counter, a size or an offset."""
    number, width = rnd.choice(NUMBERS), rnd.choice((1, 2, 4, 8))
    field = (number % 256**width).to_bytes(width, rnd.choice(("big", "little")))
    at = _position(data, rnd)
    return data[:at] + field + data[at + width :]


def _position(data, rnd):
    """Return a position. Half of them are in the first bytes, where formats have their sizes."""
    return rnd.randrange(max(1, min(len(data), 64) if rnd.random() < 0.5 else len(data)))


# Two files


def _foreign(data, _container, rnd, others):
    other = rnd.choice(others).data
    start = rnd.randrange(min(len(data), 200) + 1)
    match rnd.randrange(6):
        case 0:
            return data[:start] + other[start:]
        case 1:
            return other[:start] + data[start:]
        case 2:
            return data + other
        case 3:
            return other + data
        case 4:
            return data + b"PK\x03\x04" + garbage(rnd, rnd.choice((10, 100_000)))
        case _:
            at = rnd.randrange(len(data) + 1)
            return data[:at] + other[:start] + data[at:]


# Piece by piece


def _piecewise(data, container, rnd, others):
    kind = CONTAINERS[container]
    pieces = kind.split(data) or [Piece(b"", data)]
    at = _chosen(pieces, kind.MAIN, rnd)
    nested = _nested(pieces[at], container, rnd, others)
    if nested is not None and rnd.random() < 0.7:
        return kind.join([*pieces[:at], nested, *pieces[at + 1 :]])
    return kind.join(_changed(pieces, at, rnd, [seed for seed in others if seed.container == container]))


def _chosen(pieces, main, rnd):
    """Return the index of a piece; half of the time, of one that decides how the picture is decoded."""
    important = [at for at, piece in enumerate(pieces) if piece.kind in main]
    return rnd.choice(important) if important and rnd.random() < 0.5 else rnd.randrange(len(pieces))


def _changed(pieces, at, rnd, relatives):
    """Return the pieces with one of them gone, repeated, moved, changed, or with another beside it."""
    before, piece, after = pieces[:at], pieces[at], pieces[at + 1 :]
    way = rnd.randrange(5)
    if way == 0:
        return before + after
    if way == 1:
        return _moved(before + after, piece, rnd)
    if way == 2:
        most = max(1, MAX_BYTES // (len(piece.payload) + 12))
        return [*before, *[piece] * min(most, rnd.choice((2, 3, 100, 3000))), *after]
    if way == 3:
        other = rnd.choice(relatives)
        return [*before, rnd.choice(CONTAINERS[other.container].split(other.data)), piece, *after]
    return [*before, _damaged_piece(piece, rnd), *after]


def _damaged_piece(piece, rnd):
    """Return a piece with a wrong length, another kind or, most often, another payload."""
    way = rnd.randrange(6)
    if way == 0:
        return replace(piece, claimed=rnd.choice((*NUMBERS, len(piece.payload) + 1)))
    if way == 1:
        return replace(piece, kind=garbage(rnd, len(piece.kind)))
    return replace(piece, payload=_damaged_payload(piece.payload, rnd))


def _moved(others, piece, rnd):
    at = rnd.randrange(len(others) + 1)
    return [*others[:at], piece, *others[at:]]


def _damaged_payload(payload, rnd):
    match rnd.randrange(6):
        case 0:
            return payload[: rnd.randrange(len(payload) + 1)]
        case 1:
            return payload + garbage(rnd, rnd.choice((1, 100, 60_000)))
        case 2:
            return garbage(rnd, len(payload))
        case 3:
            return _flipped(payload, rnd)
        case _:
            return _with_number(payload, rnd)


def _nested(piece, container, rnd, others):
    """Return a piece that contains pieces itself, with one of those changed; None where it does not."""
    if container in {"AVIF", "HEIC"} and piece.kind in Boxes.NESTED:
        head = Boxes.NESTED[piece.kind]
        return replace(piece, payload=piece.payload[:head] + _piecewise(piece.payload[head:], container, rnd, others))
    if piece.kind in {b"IDAT", b"iCCP", b"fdAT"}:
        return replace(piece, payload=_recompressed(piece.payload, rnd))
    if piece.kind == b"\xe1" and piece.payload.startswith(EXIF):
        return replace(piece, payload=EXIF + _damaged_exif(piece.payload[len(EXIF) :], rnd))
    if piece.kind in {b"eXIf", b"EXIF"}:
        return replace(piece, payload=_damaged_exif(piece.payload, rnd))
    return None


def _recompressed(payload, rnd):
    """Return a compressed payload whose content is damaged, and which is sound otherwise; or that of a bomb."""
    start = payload.find(b"\0\0") + 2 if b"\0\0" in payload[:90] else 0
    try:
        content = zlib.decompress(payload[start:])
    except zlib.error:
        return _damaged_payload(payload, rnd)
    bomb = bytes(20_000_000) if rnd.random() < 0.02 else b""
    return payload[:start] + zlib.compress(_damaged_payload(content, rnd) + bomb, 1)


def _damaged_exif(exif, rnd):
    """Return metadata with damaged entries: wrong types and counts, loops, offsets to nowhere."""
    exif = exif.removeprefix(EXIF)
    pieces = TIFF.split(exif)
    at = rnd.randrange(len(pieces))
    if rnd.random() < 0.3 or not pieces[at].kind:
        return _damaged_payload(exif, rnd)
    tag, kind = rnd.choice((0x0112, 0x010F, 0x011A, 0x8769, 0x8825, 0x0111, 0x0201, 0x927C)), rnd.randrange(14)
    entry = struct.pack("<HII", kind, rnd.choice(NUMBERS), rnd.choice((*NUMBERS, len(exif))))
    added = Piece(struct.pack("<H", tag), entry)
    return TIFF.join(rnd.choice(([*pieces, added], [*pieces[:at], added, *pieces[at + 1 :]], [pieces[0], added])))


# Uploads


def _reframed(photo, rnd):
    parts = [(rnd.choice(("image", "image", "photo", "", "i\nmage")), (_file_name(rnd), photo, "image/jpeg"))]
    parts += [("more", garbage(rnd, 20)) for _ in range(rnd.choice((0, 0, 1, 20)))]
    body, content_type = encode_multipart_formdata(rnd.choice((parts, parts, [*parts, parts[0]])))
    head, sent, tail = body.partition(photo)
    for _ in range(rnd.choice((0, 1, 1, 2))):
        head = _blind(head, None, rnd, []) if head else head
        tail = _blind(tail, None, rnd, []) if tail else tail
    if rnd.random() < 0.3:
        kept = content_type.encode()
        content_type = _blind(kept, None, rnd, [])[:2000].decode("latin-1")
    path = rnd.choice(("/recognize", "/detect", "/align", f"/align?face={rnd.choice(NUMBERS)}", "/align?face=%ff"))
    return Upload(
        head + sent + tail,
        path,
        rnd.choice((content_type, content_type, content_type, "image/jpeg", "text/plain", "")),
        rnd.choice(list(SENDERS)),
        encoded=rnd.random() < 0.9,
    )


def _file_name(rnd):
    return rnd.choice(("photo.jpg", "", "a" * 3000, 'q"uo\\te.jpg', "Zoë\u2028.jpg", "../../etc/passwd", "x\0y.jpg"))


def all_damaged(seeds, portrait):
    """A strategy for everything at once: photos of every container, and uploads."""
    return st.one_of(*(damaged_photos(seeds, container) for container in CONTAINERS), damaged_uploads(portrait))
