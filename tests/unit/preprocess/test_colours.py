"""Every mode of Pillow becomes eight bits of red, green and blue; deep greys and colours by the values that occur."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from preprocess.photo import Photo
from tests.odd_photos import deep, deep_png, deep_tiff, encoded

SCENE = Image.new("RGB", (64, 48), (200, 30, 30))
SCENE.paste((30, 200, 30), (32, 0, 64, 24))
SCENE.paste((30, 30, 200), (0, 24, 32, 48))
SCENE.paste((250, 250, 250), (32, 24, 64, 48))
GREY = Image.linear_gradient("L").resize((64, 48))


def decode(data):
    return Photo(data).pixels()


def assert_grey(data, atol=3):
    np.testing.assert_allclose(decode(data)[:, :, 0].astype(int), np.asarray(GREY).astype(int), atol=atol)


def assert_scene(data, atol=12):
    pixels = decode(data)
    for x, y in ((16, 12), (48, 12), (16, 36), (48, 36)):
        np.testing.assert_allclose(pixels[y, x].astype(int), SCENE.getpixel((x, y)), atol=atol)


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 15, 16])
@pytest.mark.parametrize(
    "save",
    [
        deep_png,
        lambda grey: deep_png(np.dstack([grey, np.full_like(grey, grey.max())])),
        lambda grey: deep_png(np.dstack([grey] * 3)),
        lambda grey: deep_png(np.dstack([*[grey] * 3, np.full_like(grey, grey.max())])),
        lambda grey: deep_tiff(grey.astype(np.uint16)),
        lambda grey: deep_tiff(grey.astype(np.uint16), order=">"),
        lambda grey: deep_tiff(grey.astype(np.uint16).max() - grey.astype(np.uint16), photometric=0),
        lambda grey: deep_tiff(np.dstack([grey] * 3).astype(np.uint16)),
        lambda grey: deep_tiff(np.dstack([grey] * 3).astype(np.uint16), order=">"),
        lambda grey: encoded(Image.fromarray(grey.astype(np.uint16)), "TIFF", compression="tiff_lzw"),
        lambda grey: deep_tiff((grey // 2 - (1 << 14)).astype(np.int16)),
        lambda grey: deep_tiff((grey // 2 - (1 << 14)).astype(np.int16), order=">"),
    ],
    ids=[
        *("PNG", "PNG, transparency", "PNG, colours", "PNG, colours and transparency", "TIFF", "TIFF, big endian"),
        *("TIFF, 0 is white", "TIFF, colours", "TIFF, colours, big endian", "TIFF, compressed", "signed"),
        "signed, big endian",
    ],
)
def test_sixteen_bits_are_scaled_by_the_values_that_occur(save, bits):
    assert_grey(save(deep(GREY, bits)))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [np.uint32, np.int32, np.float32])
@pytest.mark.parametrize("bits", [12, 16, 24, 31])
def test_thirty_two_bits_are_scaled_by_the_values_that_occur(kind, bits, order):
    assert_grey(deep_tiff(deep(GREY, bits).astype(kind), order=order))


@pytest.mark.parametrize("order", ["<", ">"])
def test_thirty_two_bits_without_a_sign_do_not_become_negative(order):
    assert_grey(deep_tiff(deep(GREY, 32).astype(np.uint32), order=order))


def test_dead_and_hot_pixels_do_not_darken_a_photo():
    grey = np.kron(deep(GREY, 12), np.ones((8, 8), np.int64))
    grey[0, 0], grey[1, 1] = 65_535, 0
    pixels = decode(deep_png(grey))
    np.testing.assert_allclose(pixels[4::8, 4::8, 0].astype(int), np.asarray(GREY).astype(int), atol=3)


def test_a_dark_photo_of_sixteen_bits_keeps_its_shades():
    gradient = np.tile(np.arange(256), (8, 1)) + 100
    assert len(np.unique(decode(deep_png(gradient)))) > 200
    assert len(np.unique(decode(deep_png(np.dstack([gradient] * 3))))) > 200


def test_a_bright_photo_of_sixteen_bits_loses_its_lower_eight():
    colours = np.array([[[0x40FF, 0x8000, 0xFFFF]]])
    assert decode(deep_png(colours))[0, 0].tolist() == [0x40, 0x80, 0xFF]


def test_one_plain_deep_grey_is_decoded():
    assert decode(deep_png(np.full((4, 4), 700))).shape == (4, 4, 3)


def test_a_transparent_deep_photo_is_white_there():
    grey = np.full((8, 8), 4000)
    opacity = np.tile(np.repeat([0, 4095], 4), (8, 1))
    grey[0] = 0
    pixels = decode(deep_png(np.dstack([grey, opacity])))
    assert pixels[0, 1].tolist() == [255] * 3
    assert pixels[0, 6].tolist() == [0] * 3


def test_a_deep_photo_is_turned_as_its_orientation_says():
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(deep(GREY, 12).astype(np.uint16)).transpose(Image.Transpose.ROTATE_90)
    assert_grey(encoded(stored, "PNG", exif=exif))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "PA", "RGBA", "CMYK", "YCbCr", "LAB"])
def test_a_tiff_of_any_mode_is_decoded(mode):
    image = Image.new("LAB", SCENE.size) if mode == "LAB" else SCENE.convert(mode)
    assert decode(encoded(image, "TIFF")).shape == (48, 64, 3)


def test_lab_has_the_colours_of_its_rgb():
    profiles = [ImageCms.createProfile(space) for space in ("sRGB", "LAB")]
    assert_scene(
        encoded(ImageCms.applyTransform(SCENE, ImageCms.buildTransform(*profiles, "RGB", "LAB")), "TIFF"), atol=20
    )


def test_cmyk_of_a_jpeg_with_luminance_is_not_inverted():
    """Adobe's YCCK: its transform is 2, and its values are inverted."""
    assert_scene(encoded(SCENE.convert("CMYK"), "JPEG", quality=95), atol=20)


def test_a_palette_with_transparency_is_white_there():
    image = SCENE.quantize(8)
    index = image.getpixel((48, 36))
    for transparency in (index, bytes(0 if entry == index else 255 for entry in range(8))):
        pixels = decode(encoded(image, "PNG", transparency=transparency))
        assert pixels[36, 48].tolist() == [255] * 3
        np.testing.assert_allclose(pixels[12, 16].astype(int), SCENE.getpixel((16, 12)), atol=12)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_large_photo_converted_in_bands_is_the_same(monkeypatch, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    files = [encoded(SCENE.convert(mode), "PNG", exif=exif) for mode in ("RGB", "RGBA", "P", "L", "1")]
    files.append(encoded(Image.fromarray(deep(GREY, 12).astype(np.uint16)), "PNG", exif=exif))
    whole = [decode(file) for file in files]
    monkeypatch.setattr("preprocess.colours._BAND_PIXELS", 500)
    for file, expected in zip(files, whole, strict=True):
        np.testing.assert_array_equal(decode(file), expected)
