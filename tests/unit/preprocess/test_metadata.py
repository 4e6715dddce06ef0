"""What is not pixels never makes a photo unreadable, and never writes to the terminal, in any format."""

import contextlib
import io
import random
import struct

import numpy as np
import pytest
from PIL import Image

from preprocess.errors import UnreadablePhotoError
from preprocess.photo import Photo
from tests.odd_photos import (
    NO_ORIENTATION,
    ODD_EXIF,
    ODD_JPEG,
    ODD_PNG,
    ODD_TIFF,
    ODD_WEBP,
    ORIENTATION,
    SHORT,
    TRAILERS,
    TURNED,
    XMP,
    directory,
    encoded,
    jpeg_segment,
    jpeg_with,
    png_chunk,
    png_with,
    tiff_with,
    webp_with,
)

LOSSY = 12
"""How many levels compression may change a colour in the middle of a plain area."""

IMAGE = Image.new("RGB", (96, 64), (200, 30, 30))
IMAGE.paste((30, 30, 200), (0, 32, 48, 64))
IMAGE.paste((30, 200, 30), (48, 32, 96, 64))
IMAGE.paste((128, 128, 128), (48, 0, 96, 32))
STORED = IMAGE.transpose(Image.Transpose.ROTATE_90)
"""As a camera stores it that was turned, with the orientation 6."""

EXTENDED_WEBP = encoded(IMAGE, "WEBP", xmp=b"<x/>")


@pytest.fixture(autouse=True)
def silence(capfd):
    """Fail a test in which a library writes to the terminal."""
    yield
    assert capfd.readouterr() == ("", "")


def assert_upright(data, image=IMAGE):
    photo = Photo(data)
    pixels = photo.pixels()
    assert (photo.complete, pixels.shape) == (True, (image.height, image.width, 3))
    box = (image.width // 4, image.height // 4)
    for x in (box[0], 3 * box[0]):
        for y in (box[1], 3 * box[1]):
            np.testing.assert_allclose(pixels[y, x].astype(int), image.getpixel((x, y)), atol=LOSSY)


WITH_EXIF = {
    "JPEG": lambda image, exif: jpeg_with(encoded(image, "JPEG"), jpeg_segment(0xE1, b"Exif\0\0" + exif)),
    "PNG": lambda image, exif: png_with(encoded(image, "PNG"), png_chunk(b"eXIf", exif)),
    "PNG text": lambda image, exif: png_with(
        encoded(image, "PNG"), png_chunk(b"tEXt", b"Raw profile type exif\0\nexif\n1\n" + exif.hex().encode())
    ),
    "WEBP": lambda image, exif: webp_with(
        encoded(image, "WEBP", exif=b"Exif\0\0II").split(b"EXIF")[0], (b"EXIF", exif)
    ),
}


@pytest.mark.parametrize("kind", WITH_EXIF)
@pytest.mark.parametrize("exif", ODD_EXIF.values(), ids=ODD_EXIF)
def test_odd_exif_still_tells_the_orientation(kind, exif):
    assert_upright(WITH_EXIF[kind](STORED, exif))


@pytest.mark.parametrize("kind", WITH_EXIF)
@pytest.mark.parametrize("exif", NO_ORIENTATION.values(), ids=NO_ORIENTATION)
def test_exif_without_a_valid_orientation_leaves_a_photo_as_it_is(kind, exif):
    assert_upright(WITH_EXIF[kind](IMAGE, exif))


@pytest.mark.parametrize(
    "xmp", [XMP, XMP.replace(b'tiff:Orientation="6"/>', b"><tiff:Orientation>6</tiff:Orientation>")]
)
@pytest.mark.parametrize(
    "with_xmp",
    [
        lambda xmp: jpeg_with(encoded(STORED, "JPEG"), jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp)),
        lambda xmp: png_with(encoded(STORED, "PNG"), png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)),
        lambda xmp: encoded(STORED, "WEBP", xmp=xmp),
        lambda xmp: encoded(STORED, "TIFF", tiffinfo={700: xmp}),
    ],
    ids=["JPEG", "PNG", "WEBP", "TIFF"],
)
def test_an_orientation_in_xmp_counts_where_exif_has_none(with_xmp, xmp):
    assert_upright(with_xmp(xmp))


def test_exif_counts_before_xmp():
    xmp = jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)
    exif = jpeg_segment(0xE1, b"Exif\0\0" + directory((ORIENTATION, SHORT, 1, b"\x01\0")))
    assert_upright(jpeg_with(encoded(IMAGE, "JPEG"), xmp, exif))


@pytest.mark.parametrize("segments", ODD_JPEG.values(), ids=ODD_JPEG)
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_is_decoded_whatever_its_other_segments_are(segments, progressive):
    assert_upright(jpeg_with(encoded(IMAGE, "JPEG", progressive=progressive), *segments))


@pytest.mark.parametrize("chunks", ODD_PNG.values(), ids=ODD_PNG)
def test_a_png_is_decoded_whatever_its_other_chunks_are(chunks):
    assert_upright(png_with(encoded(IMAGE, "PNG"), *chunks))


@pytest.mark.parametrize("chunks", ODD_WEBP.values(), ids=ODD_WEBP)
@pytest.mark.parametrize("options", [{}, {"lossless": True}])
def test_a_webp_is_decoded_whatever_its_other_chunks_are(chunks, options):
    assert_upright(webp_with(encoded(IMAGE, "WEBP", xmp=b"<x/>", **options), *chunks))


@pytest.mark.parametrize("entries", ODD_TIFF.values(), ids=ODD_TIFF)
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg"])
def test_a_tiff_is_decoded_whatever_its_other_entries_are(entries, compression):
    assert_upright(tiff_with(encoded(IMAGE, "TIFF", compression=compression), *entries))


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("following", [False, True], ids=["one page", "a page that follows itself"])
def test_a_tiff_is_upright(compression, following):
    assert_upright(tiff_with(encoded(STORED, "TIFF", compression=compression), TURNED, following=following))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("trailer", TRAILERS.values(), ids=TRAILERS)
def test_what_follows_the_picture_is_not_looked_at(kind, trailer):
    image = IMAGE.quantize() if kind == "GIF" else IMAGE
    assert_upright(encoded(image, kind) + trailer)


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
@pytest.mark.parametrize("noise", [b"", b"Exif", random.Random(7).randbytes(200), b"\xff" * 200], ids=len)
def test_broken_exif_in_a_box_is_not_looked_at(kind, noise):
    exif = b"Exif\0\0" + directory().ljust(200, b"\0")
    file = encoded(IMAGE, kind, exif=exif, **({"xmp": XMP} if kind == "AVIF" else {}))
    place = file.rindex(exif[6:])
    assert_upright(file[:place] + noise.ljust(200, b"\0") + file[place + 200 :])


def test_comments_of_a_gif_are_skipped():
    image = IMAGE.quantize()
    image.info["comment"] = 500_000 * b"x"
    assert_upright(encoded(image, "GIF"))


def test_a_bitmap_with_a_lying_file_size_is_decoded():
    bitmap = encoded(IMAGE, "BMP")
    assert_upright(bitmap[:2] + struct.pack("<I", 7) + bitmap[6:])


def test_a_thumbnail_is_not_taken_for_the_photo():
    thumbnail = encoded(Image.new("RGB", (16, 16)), "JPEG")
    entries = [(0x0201, 4, 1, struct.pack("<I", 100)), (0x0202, 4, 1, struct.pack("<I", len(thumbnail)))]
    exif = directory(following=14) + directory(*entries)[8:]
    segment = jpeg_segment(0xE1, b"Exif\0\0" + exif.ljust(100, b"\0") + thumbnail)
    assert_upright(jpeg_with(encoded(IMAGE, "JPEG"), segment))


def test_only_the_first_frame_of_an_animation_is_read():
    file = io.BytesIO()
    IMAGE.save(file, "WEBP", save_all=True, append_images=[Image.new("RGB", IMAGE.size)] * 3, quality=95)
    assert_upright(file.getvalue()[:-20])


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"])
def test_a_damaged_tiff_is_refused_in_silence(compression):
    """Libtiff would write to the terminal itself."""
    file = bytearray(encoded(Image.effect_noise((96, 64), 60), "TIFF", compression=compression))
    file[8:200] = random.Random(8).randbytes(192)
    with contextlib.suppress(UnreadablePhotoError):
        Photo(bytes(file))


def test_a_tiff_with_more_channels_than_any_photo_is_refused_in_silence():
    file = encoded(IMAGE, "TIFF").replace(
        struct.pack("<HHIH", 277, SHORT, 1, 3), struct.pack("<HHIH", 277, SHORT, 1, 300)
    )
    with pytest.raises(UnreadablePhotoError):
        Photo(file)


@pytest.mark.parametrize("start", [2**62, 2**64 - 1])
def test_a_big_tiff_whose_directory_is_beyond_any_file_is_refused(start):
    file = encoded(IMAGE, "TIFF", big_tiff=True)
    with pytest.raises(UnreadablePhotoError):
        Photo(file[:8] + struct.pack("<Q", start) + file[16:])


def test_a_big_tiff_is_decoded():
    assert_upright(encoded(IMAGE, "TIFF", big_tiff=True))
