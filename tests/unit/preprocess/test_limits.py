"""A photo is refused for what decoding it would cost, before it costs anything; the text says how large it may be."""

import math
import re
import struct
import time
import tracemalloc
import zlib

import pytest
from PIL import Image

from preprocess.errors import PhotoTooLargeError
from preprocess.limits import MAX_DECODED
from preprocess.photo import FULL_SIZE, Photo
from tests.odd_photos import directory, encoded, png_chunk


def png(width, height, depth=8, colour=2):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(bytes(1000)))


def jpeg(width, height, **options):
    """Return a JPEG with the size of another one in its header."""
    file = encoded(Image.new("RGB", (64, 64)), "JPEG", **options)
    frame = file.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0")
    return file[: frame + 5] + struct.pack(">HH", height, width) + file[frame + 9 :]


def webp(width, height):
    features = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    picture = encoded(Image.new("RGB", (16, 16)), "WEBP")[12:]
    return b"RIFF" + struct.pack("<I", 22 + len(picture)) + b"WEBPVP8X" + struct.pack("<I", 10) + features + picture


def tiff(width, height):
    tags = [(256, width), (257, height), (258, 8), (259, 8), (262, 1), (273, 8), (277, 1), (278, height), (279, 8)]
    return directory(*((tag, 4, 1, struct.pack("<I", number)) for tag, number in tags)) + bytes(100)


def gif(width, height):
    file = encoded(Image.new("L", (16, 16)), "GIF")
    return file[:6] + struct.pack("<HH", width, height) + file[10:]


def bmp(width, height):
    file = encoded(Image.new("RGB", (16, 16)), "BMP")
    return file[:18] + struct.pack("<II", width, height) + file[26:]


def heif(kind, width, height):
    file = encoded(Image.new("RGB", (64, 64)), kind)
    return file.replace(
        b"ispe" + bytes(4) + struct.pack(">II", 64, 64), b"ispe" + bytes(4) + struct.pack(">II", width, height)
    )


TOO_LARGE = {
    "a PNG": png(9000, 7000),
    "a WebP": webp(9000, 7000),
    "a WebP ": webp(16_000, 16_000)[:-10],
    "a TIFF": tiff(20_000, 10_000),
    "a GIF": gif(12_000, 10_000),
    "a BMP": bmp(10_000, 10_000),
    "an AVIF": heif("AVIF", 9000, 7000),
    "a HEIC": heif("HEIF", 9000, 7000),
    "a JPEG": jpeg(65_000, 65_000),
    "a progressive JPEG": jpeg(12_000, 12_000, progressive=True),
}


@pytest.mark.parametrize("kind", TOO_LARGE)
def test_what_is_refused_for_its_size_says_how_large_it_may_be(kind):
    with pytest.raises(
        PhotoTooLargeError, match=rf"{kind.strip()} like this one may have \d+ megapixels, and it has \d+\."
    ):
        Photo(TOO_LARGE[kind])


@pytest.mark.parametrize("kind", TOO_LARGE)
def test_a_refusal_costs_neither_time_nor_memory(kind):
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(PhotoTooLargeError):
        Photo(TOO_LARGE[kind])
    seconds, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 0.3
    assert peak < 5_000_000


def test_a_png_of_more_bytes_a_pixel_may_have_fewer_pixels():
    kinds = {"8-bit grey": (8, 0), "16-bit grey": (16, 0), "8-bit colours": (8, 2), "16-bit colours": (16, 2)}
    allowed = []
    for depth, colour in kinds.values():
        with pytest.raises(PhotoTooLargeError) as refusal:
            Photo(png(20_000, 20_000, depth, colour))
        allowed.append(int(re.findall(r"\d+", str(refusal.value))[0]))
    assert allowed == sorted(allowed, reverse=True)
    assert allowed[-1] >= 10


def test_a_cut_file_that_is_decoded_several_times_may_have_fewer_pixels():
    file = encoded(Image.effect_noise((4400, 3300), 30), "WEBP", method=0, quality=1)
    assert Photo(file).complete
    with pytest.raises(PhotoTooLargeError, match="a WebP like this one"):
        Photo(file[:-100])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_photo_of_twelve_megapixels_is_accepted_in_every_format(kind):
    """As phones take them."""
    photo = Photo(encoded(Image.new("L", (4000, 3000), 99), kind))
    assert (photo.width, photo.height) == (4000, 3000)


def test_a_jpeg_of_108_megapixels_is_accepted_and_decoded_at_an_eighth():
    photo = Photo(encoded(Image.new("L", (12_000, 9000), 99), "JPEG", quality=20))
    assert (photo.width, photo.height) == (12_000, 9000)
    assert photo.pixels(0).shape == (1125, 1500, 3)


def test_a_large_jpeg_is_never_decoded_to_more_than_the_limit():
    photo = Photo(encoded(Image.new("L", (9001, 5001), 99), "JPEG", quality=20), size=FULL_SIZE)
    assert photo.pixels().shape == (2501, 4501, 3)
    assert math.prod(photo.pixels().shape[:2]) <= MAX_DECODED


def test_a_bomb_in_a_tiff_is_refused_by_its_size():
    values = Image.new("L", (16, 16))
    file = encoded(values, "TIFF", compression="tiff_adobe_deflate")
    assert Photo(file).width == 16
    with pytest.raises(PhotoTooLargeError):
        Photo(
            file.replace(struct.pack("<HHIHH", 256, 3, 1, 16, 0), struct.pack("<HHIHH", 256, 3, 1, 60_000, 0)).replace(
                struct.pack("<HHIHH", 257, 3, 1, 16, 0), struct.pack("<HHIHH", 257, 3, 1, 60_000, 0)
            )
        )
