"""A photo whose file ends early is read if little of the picture is missing, and says that it is incomplete."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from preprocess.errors import UnreadablePhotoError
from preprocess.photo import Photo
from tests.odd_photos import LONG, TRAILERS, directory, encoded, jpeg_segment, jpeg_with, tiff_with, webp_with

SIZE = (320, 480)
NOISE = Image.fromarray(np.random.default_rng(0).integers(1, 255, (480 // 4, 320 // 4, 3), dtype=np.uint8)).resize(SIZE)
"""Each part of it takes as many bytes as any other of the same size."""

FILES = {
    "JPEG": encoded(NOISE, "JPEG", quality=95),
    "grey JPEG": encoded(NOISE.convert("L"), "JPEG", quality=95),
    "CMYK JPEG": encoded(NOISE.convert("CMYK"), "JPEG", quality=95),
    "PNG": encoded(NOISE, "PNG"),
    "WebP": encoded(NOISE, "WEBP", quality=95),
    "WebP without loss": encoded(NOISE, "WEBP", lossless=True),
    "GIF": encoded(NOISE.quantize(), "GIF", interlace=0),
    "BMP": encoded(NOISE, "BMP"),
    "TIFF": encoded(NOISE, "TIFF"),
    "AVIF": encoded(NOISE, "AVIF"),
    "HEIC": encoded(NOISE, "HEIF"),
}


def first(share, file):
    return file[: round(share * len(file))]


@pytest.mark.parametrize("kind", FILES)
def test_a_photo_that_lacks_little_is_read_and_incomplete(kind):
    whole, photo = Photo(FILES[kind]), Photo(first(0.96, FILES[kind]))
    assert (whole.complete, photo.complete) == (True, False)
    assert (photo.width, photo.height) == SIZE
    upper = slice(SIZE[1] // 8, SIZE[1] // 2)
    np.testing.assert_array_equal(photo.pixels()[upper], whole.pixels()[upper])


@pytest.mark.parametrize("share", [0.8, 0.5, 0.1])
@pytest.mark.parametrize("kind", FILES)
def test_a_photo_that_lacks_much_is_unreadable(kind, share):
    with pytest.raises(UnreadablePhotoError, match="incomplete"):
        Photo(first(share, FILES[kind]))


@pytest.mark.parametrize("missing", [1, 2, 10])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 30}], ids=str)
def test_a_jpeg_without_its_end_is_read(options, missing):
    assert not Photo(encoded(NOISE, "JPEG", **options)[:-missing]).complete


@pytest.mark.parametrize("share", [0.97, 0.8, 0.6])
def test_a_progressive_jpeg_that_lacks_its_last_scans_lacks_detail_only(share):
    file = encoded(NOISE, "JPEG", progressive=True)
    photo = Photo(first(share, file))
    assert not photo.complete
    np.testing.assert_allclose(photo.pixels().mean(axis=(0, 1)), Photo(file).pixels().mean(axis=(0, 1)), atol=2)


def test_a_progressive_jpeg_that_lacks_half_of_its_first_scan_is_unreadable():
    file = encoded(NOISE, "JPEG", progressive=True)
    second_scan = file.index(b"\xff\xda", file.index(b"\xff\xda") + 2)
    with pytest.raises(UnreadablePhotoError, match="incomplete"):
        Photo(file[: second_scan // 2])


@pytest.mark.parametrize("scans", [1, 2])
def test_a_progressive_jpeg_without_details_is_unreadable(scans):
    file = encoded(NOISE, "JPEG", progressive=True)
    end = len(b"\xff\xda".join(file.split(b"\xff\xda")[: scans + 1]))
    with pytest.raises(UnreadablePhotoError, match="incomplete"):
        Photo(file[: end - 10])
    file = encoded(NOISE, "JPEG", progressive=True)
    end = len(b"\xff\xda".join(file.split(b"\xff\xda")[:4]))
    assert not Photo(file[:end]).complete


def test_a_grey_border_of_a_whole_photo_is_not_missing():
    bordered = Image.new("RGB", SIZE, (128, 128, 128))
    bordered.paste(NOISE.resize((320, 200)))
    assert Photo(encoded(bordered, "JPEG")).complete


@pytest.mark.parametrize("trailer", TRAILERS.values(), ids=TRAILERS)
def test_a_trailer_does_not_make_a_whole_photo_incomplete(trailer):
    assert Photo(FILES["JPEG"] + first(0.5, trailer)).complete


def test_a_photo_that_ends_in_its_metadata_is_readable():
    assert not Photo(encoded(NOISE, "PNG")[:-12]).complete
    cut = webp_with(encoded(NOISE, "WEBP", xmp=b"<x/>"), (b"EXIF", bytes(1000)))[:-500]
    np.testing.assert_array_equal(Photo(cut).pixels(), Photo(encoded(NOISE, "WEBP")).pixels())


def test_an_interlaced_photo_lacks_every_second_row_at_its_end():
    file = encoded(NOISE.quantize(), "GIF", interlace=1)
    assert not Photo(first(0.97, file)).complete
    with pytest.raises(UnreadablePhotoError, match="incomplete"):
        Photo(first(0.9, file))


def test_a_compressed_tiff_whose_directory_comes_first_is_read_up_to_its_end():
    file = deflated_tiff(NOISE)
    assert Photo(file).complete
    assert not Photo(first(0.96, file)).complete
    with pytest.raises(UnreadablePhotoError, match="incomplete"):
        Photo(first(0.8, file))


def deflated_tiff(image, rows=16):
    """Return a TIFF of compressed strips with its directory in front, as files for the web have it."""
    pixels = np.asarray(image)
    strips = [zlib.compress(pixels[top : top + rows].tobytes()) for top in range(0, image.height, rows)]
    lists = 8 + 2 + 12 * 10 + 4
    starts = np.cumsum([lists + 8 * len(strips), *map(len, strips)])[:-1]
    tags = [(256, image.width), (257, image.height), (258, 8), (259, 8), (262, 2), (277, 3), (278, rows), (284, 1)]
    entries = [(tag, LONG, 1, struct.pack("<I", number)) for tag, number in tags]
    entries += [(273, LONG, len(strips), struct.pack("<I", lists))]
    entries += [(279, LONG, len(strips), struct.pack("<I", lists + 4 * len(strips)))]
    numbers = struct.pack(f"<{2 * len(strips)}I", *starts, *map(len, strips))
    return directory(*sorted(entries)) + numbers + b"".join(strips)


def test_damage_in_the_data_of_a_jpeg_counts_as_its_end():
    file = bytearray(FILES["JPEG"])
    file[-500:-498] = b"\xff\x05"
    assert not Photo(bytes(file)).complete
    file[len(file) // 2 : len(file) // 2 + 2] = b"\xff\x05"
    with pytest.raises(UnreadablePhotoError, match="incomplete"):
        Photo(bytes(file))


def test_an_incomplete_photo_is_turned_and_scaled_like_any_other():
    large = NOISE.resize((1600, 2400))
    stored = large.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = Photo(first(0.95, encoded(stored, "JPEG", exif=exif, quality=90)))
    assert (photo.width, photo.height, photo.complete) == (1600, 2400, False)
    assert photo.pixels().shape == (2400, 1600, 3)


def test_a_cut_thumbnail_is_not_a_cut_photo():
    thumbnail = encoded(NOISE.resize((40, 60)), "JPEG")[:-100]
    assert Photo(jpeg_with(FILES["JPEG"], jpeg_segment(0xE1, b"Exif\0\0II*\0" + thumbnail))).complete


def test_every_page_but_the_first_of_a_tiff_may_be_missing():
    assert Photo(tiff_with(FILES["TIFF"], following=True)).complete
