"""Photos of every format become upright RGB pixels, or an error that gives the reason."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from preprocess.errors import PhotoError, PhotoTooLargeError, UnreadablePhotoError, UnsupportedFormatError
from preprocess.photo import Photo
from tests.fuzz.containers import PNG
from tests.odd_photos import encoded

RED, GREEN, BLUE, GREY = (200, 30, 30), (30, 200, 30), (30, 30, 200), (128, 128, 128)
FORMATS = ["JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"]
LOSSY = 12
"""How many levels compression may change a colour in the middle of a plain area."""

DECODER_ERRORS = [
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    ZeroDivisionError,
    struct.error,
    zlib.error,
    RuntimeError,
    UserWarning,
]

STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera that writes this EXIF orientation lays an upright scene into its file."""


def scene():
    """Four plain quarters, 64 wide and 48 high: red, green over blue, grey."""
    image = Image.new("RGB", (64, 48), RED)
    image.paste(GREEN, (32, 0, 64, 24))
    image.paste(BLUE, (0, 24, 32, 48))
    image.paste(GREY, (32, 24, 64, 48))
    return image


def decode(data):
    return Photo(data).pixels()


def assert_is_the_scene(pixels):
    assert (pixels.shape, pixels.dtype) == ((48, 64, 3), np.uint8)
    corners = [pixels[12, 16], pixels[12, 48], pixels[36, 16], pixels[36, 48]]
    np.testing.assert_allclose(np.array(corners, dtype=int), [RED, GREEN, BLUE, GREY], atol=LOSSY)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_accepted_format_gives_its_pixels(kind):
    assert_is_the_scene(decode(encoded(scene(), kind)))


@pytest.mark.parametrize("orientation", STORED_AS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_exif_orientation_ends_upright(kind, orientation):
    transpose = STORED_AS[orientation]
    stored = scene() if transpose is None else scene().transpose(transpose)
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert_is_the_scene(decode(encoded(stored, kind, exif=exif)))


@pytest.mark.parametrize("orientation", STORED_AS)
@pytest.mark.parametrize("kind", ["JPEG", "MPO", "PNG"])
def test_a_photo_is_upright_at_every_scale(kind, orientation):
    transpose = STORED_AS[orientation]
    large = scene().resize((1280, 960), Image.Resampling.NEAREST)
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = Photo(encoded(large if transpose is None else large.transpose(transpose), kind, exif=exif), size=64)
    for scale in (0, 1 / 20, 1 / 8, 1 / 4, 0.3, 1):
        pixels = photo.pixels(scale)
        assert (photo.width, photo.height) == (1280, 960)
        assert pixels.shape[1] >= 1280 * scale
        assert_is_the_scene(np.asarray(Image.fromarray(pixels).resize((64, 48), Image.Resampling.BOX)))


@pytest.mark.parametrize(("size", "width"), [(1, 250), (250, 250), (251, 500), (800, 1000), (1001, 2000), (9999, 2000)])
def test_a_jpeg_is_decoded_no_larger_than_it_must_be(size, width):
    photo = Photo(encoded(Image.new("L", (2000, 1000)), "JPEG"), size=size)
    assert photo.pixels(0).shape == (width // 2, width, 3)
    assert photo.pixels().shape == (1000, 2000, 3)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_gives_its_first_frame(kind):
    more = [Image.new("RGB", (64, 48), "black")]
    assert_is_the_scene(decode(encoded(scene(), kind, save_all=True, append_images=more)))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_decoded_as_rgb(kind):
    assert_is_the_scene(decode(encoded(scene().convert("CMYK"), kind)))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_and_not_clipped(kind):
    grey = Image.fromarray(np.array([[0, 0x40FF, 0x8000, 0xFFFF]], dtype=np.uint16))
    assert decode(encoded(grey, kind))[0].tolist() == [[0] * 3, [0x40] * 3, [0x80] * 3, [255] * 3]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_areas_are_white(mode):
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (4, 0, 8, 8))
    pixels = decode(encoded(image.convert(mode), "PNG"))
    assert [pixels[4, 2].tolist(), pixels[4, 6].tolist()] == [[0] * 3, [255] * 3]


def test_a_photo_in_floating_point_spans_all_levels():
    image = Image.fromarray(np.array([[-1.5, 0, 1.5, np.nan]], dtype=np.float32))
    assert decode(encoded(image, "TIFF"))[0, :, 0].tolist() == [0, 127, 255, 127]


def test_a_photo_in_floating_point_may_hold_infinity_and_signalling_nans():
    bits = np.array([[0xFF800000, 0x7F800000, 0x7F800001, 0xFF800001]], dtype=np.uint32)
    image = Image.fromarray(np.repeat(bits.view(np.float32), 100, axis=0))
    assert decode(encoded(image, "TIFF"))[0, :2, 0].tolist() == [0, 255]


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg", "lzma", "zstd", "packbits", None])
def test_no_damage_to_a_tiff_is_told_on_standard_error(capfd, compression):
    photo = bytearray(encoded(scene(), "TIFF", compression=compression))
    for position in range(8, len(photo), 29):
        damaged = photo[:position] + bytes([photo[position] ^ 0x55]) + photo[position + 1 :]
        decodes_or_refuses(bytes(damaged))
    assert capfd.readouterr().err == ""


def test_a_plain_photo_in_floating_point_is_decoded():
    image = Image.fromarray(np.full((2, 2), 7, dtype=np.float32))
    assert decode(encoded(image, "TIFF")).shape == (2, 2, 3)


def test_a_header_that_promises_a_bomb_is_too_large():
    body = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n\0\0\0\r" + body + struct.pack(">I", zlib.crc32(body)) + b"\0\0\0\x09IDAT"
    with pytest.raises(PhotoTooLargeError):
        decode(png)


@pytest.mark.parametrize("kind", FORMATS)
def test_half_a_photo_is_unreadable(kind):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    photo = encoded(Image.fromarray(noise), kind)
    with pytest.raises(UnreadablePhotoError):
        decode(photo[: len(photo) // 2])


def test_a_photo_without_the_palette_that_its_colours_need_is_unreadable():
    photo = encoded(scene().convert("P"), "PNG")
    with pytest.raises(UnreadablePhotoError):
        decode(PNG.join([chunk for chunk in PNG.split(photo) if chunk.kind != b"PLTE"]))


def test_a_tiff_of_too_many_channels_is_refused_without_a_word(capfd):
    entry = struct.pack("<HHII", 277, 3, 1, 3)
    photo = encoded(scene(), "TIFF")
    assert entry in photo
    with pytest.raises(UnreadablePhotoError):
        decode(photo.replace(entry, struct.pack("<HHII", 277, 3, 1, 256)))
    assert capfd.readouterr().err == ""


WIDTH = {
    "JPEG": (b"\x00\x30\x00\x40\x03", b"\x00\x30\x00\x00\x03"),
    "PNG": (b"IHDR\0\0\0\x40", b"IHDR\0\0\0\0"),
    "WEBP": (b"\x9d\x01\x2a\x40", b"\x9d\x01\x2a\0"),
    "GIF": (b"\x40\0\x30\0", b"\0\0\x30\0"),
    "BMP": (b"\x28\0\0\0\x40", b"\x28\0\0\0\0"),
    "TIFF": (b"\0\1\4\0\1\0\0\0\x40", b"\0\1\4\0\1\0\0\0\0"),
    "AVIF": (b"ispe\0\0\0\0\0\0\0\x40", b"ispe\0\0\0\0\0\0\0\0"),
    "HEIF": (b"ispe\0\0\0\0\0\0\0\x40", b"ispe\0\0\0\0\0\0\0\0"),
}
"""Where the header of each format has the width, 64, and how that becomes 0."""


@pytest.mark.parametrize("kind", WIDTH)
def test_a_photo_whose_header_says_that_it_has_no_pixels_is_unreadable(kind):
    photo = encoded(scene(), kind)
    assert WIDTH[kind][0] in photo
    with pytest.raises(UnreadablePhotoError):
        decode(photo.replace(*WIDTH[kind]))


@pytest.mark.parametrize("data", [b"", b"Dear Sir or Madam", b"%PDF-1.7\n", b"GI", bytes(1000)])
def test_a_file_that_is_not_a_photo_has_an_unsupported_format(data):
    with pytest.raises(UnsupportedFormatError):
        decode(data)


@settings(deadline=None)
@given(st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0"]), st.binary())
def test_any_bytes_are_a_photo_or_a_photo_error(signature, data):
    decodes_or_refuses(signature + data)


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from([encoded(scene(), kind) for kind in FORMATS]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_any_damage_leaves_a_photo_or_a_photo_error(photo, damage):
    damaged = bytearray(photo)
    for position, value in damage:
        damaged[int(position * len(damaged))] = value
    decodes_or_refuses(bytes(damaged))


def decodes_or_refuses(data):
    try:
        pixels = decode(data)
    except PhotoError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3


def test_a_jpeg_of_a_thousand_scans_is_refused_unread():
    file = io.BytesIO()
    Image.new("L", (64, 64)).save(file, "JPEG", progressive=True)
    start_of_scan = file.getvalue().rindex(b"\xff\xda")
    scan = file.getvalue()[start_of_scan:-2]
    with pytest.raises(UnreadablePhotoError, match="scans"):
        decode(file.getvalue()[:-2] + 1000 * scan + b"\xff\xd9")


@pytest.mark.parametrize(
    "error", [MemoryError(), AttributeError("a bug"), NameError("a bug"), AssertionError(), RecursionError("a bug")]
)
@pytest.mark.parametrize("step", ["load", "_open", "draft"])
def test_an_error_not_caused_by_the_photo_is_not_a_photo_error(monkeypatch, step, error):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(f"PIL.JpegImagePlugin.JpegImageFile.{step}", fail)
    with pytest.raises(type(error)):
        decode(encoded(scene(), "JPEG"))


@pytest.mark.parametrize("error", [TypeError("a bug"), ValueError("a bug"), KeyError("a bug")])
def test_a_bug_outside_the_decoder_is_no_photo_error(monkeypatch, error):
    def fail(_image):
        raise error

    monkeypatch.setattr("preprocess.colours._bands", fail)
    with pytest.raises(type(error)):
        decode(encoded(scene(), "JPEG"))


@pytest.mark.parametrize("error", DECODER_ERRORS)
@pytest.mark.parametrize("step", ["_open", "load"])
def test_every_error_that_a_decoder_raises_for_damage_is_an_unreadable_photo(monkeypatch, step, error):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(f"PIL.PngImagePlugin.PngImageFile.{step}", fail)
    with pytest.raises(UnreadablePhotoError):
        decode(encoded(scene(), "PNG"))


def test_neither_import_nor_decoding_changes_pillow_for_the_process():
    formats, limit, filters = set(Image.OPEN), Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    assert_is_the_scene(decode(encoded(scene(), "HEIF")))
    assert (set(Image.OPEN), Image.MAX_IMAGE_PIXELS, warnings.filters) == (formats, limit, filters)


def test_the_largest_numbers_in_floating_point_do_not_overflow():
    image = Image.fromarray(np.array([[-3e38, 0, 3e38, np.inf]], dtype=np.float32))
    levels = decode(encoded(image, "TIFF"))[0, :, 0].tolist()
    assert levels == sorted(levels)
    assert (levels[0], levels[-1]) == (0, 255)
