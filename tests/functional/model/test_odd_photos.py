"""Photos as people have them get the right name, not only an answer: odd metadata, trailers, cut files, deep greys."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from model.recognizer import Recognizer
from model.settings import Settings
from preprocess.errors import UnreadablePhotoError
from tests.odd_photos import (
    ODD_EXIF,
    ODD_JPEG,
    ODD_PNG,
    TRAILERS,
    deep_png,
    deep_tiff,
    encoded,
    jpeg_segment,
    jpeg_with,
    png_with,
)


@pytest.fixture(scope="module")
def recognizer(bundle):
    return Recognizer.load(str(bundle), Settings.read())


@pytest.fixture(scope="module")
def portrait(samples):
    """A plain portrait of somebody whom the model knows, upright."""
    with Image.open(samples / "unseen" / "Barack Obama" / "obama2.jpg") as image:
        return image.convert("RGB")


@pytest.fixture(scope="module")
def named(recognizer):
    """Check that a photo gets the right name, and return the answer."""

    def named(data, *, complete=True):
        answer = recognizer.recognize(data)
        assert [(face.label, face.known) for face in answer.faces] == [("Barack Obama", True)]
        assert answer.complete == complete
        return answer

    return named


@pytest.mark.parametrize("exif", ODD_EXIF.values(), ids=ODD_EXIF)
def test_a_turned_photo_with_odd_exif_is_recognised_upright(named, portrait, exif):
    stored = encoded(portrait.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=90)
    answer = named(jpeg_with(stored, jpeg_segment(0xE1, b"Exif\0\0" + exif)))
    assert (answer.width, answer.height) == portrait.size


@pytest.mark.parametrize("trailer", TRAILERS.values(), ids=TRAILERS)
def test_a_photo_with_a_trailer_is_recognised(named, portrait, trailer):
    named(encoded(portrait, "JPEG", quality=90) + trailer)


@pytest.mark.parametrize("name", ["a profile of 10 MB", "an index of pictures that is noise", "thumbnails with scans"])
def test_a_jpeg_with_odd_segments_is_recognised(named, portrait, name):
    named(jpeg_with(encoded(portrait, "JPEG", quality=90), *ODD_JPEG[name]))


@pytest.mark.parametrize("name", ["a text with a wrong checksum", "a text that unpacks to 100 MB", "texts of 80 MB"])
def test_a_png_with_odd_chunks_is_recognised(named, portrait, name):
    named(png_with(encoded(portrait, "PNG", compress_level=1), *ODD_PNG[name]))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {"compress_level": 1}),
        ("WEBP", {}),
        ("TIFF", {}),
        ("BMP", {}),
        ("AVIF", {"speed": 10}),
        ("HEIF", {"quality": 50}),
    ],
    ids=str,
)
def test_a_photo_that_lacks_its_last_bytes_is_recognised_and_incomplete(named, portrait, kind, options):
    file = encoded(portrait, kind, **options)
    named(file[: round(0.97 * len(file))], complete=False)


def test_a_photo_without_its_half_is_refused_and_not_guessed_at(recognizer, portrait):
    file = encoded(portrait, "JPEG", quality=90)
    with pytest.raises(UnreadablePhotoError, match="incomplete"):
        recognizer.recognize(file[: len(file) // 2])


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("save", [deep_png, deep_tiff], ids=["PNG", "TIFF"])
def test_greys_and_colours_of_any_depth_are_recognised(named, portrait, save, bits):
    colours = np.asarray(portrait).astype(np.uint16) << bits - 8
    named(save(colours))
    named(save(np.asarray(portrait.convert("L")).astype(np.uint16) << bits - 8))


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.uint32, np.float32])
def test_numbers_of_any_type_are_recognised(named, portrait, kind):
    named(deep_tiff((np.asarray(portrait.convert("L")).astype(np.int64) * 16).astype(kind)))


@pytest.mark.parametrize("mode", ["CMYK", "LAB", "P"])
def test_other_colours_are_recognised(named, portrait, mode):
    if mode == "LAB":
        from PIL import ImageCms  # noqa: PLC0415

        profiles = [ImageCms.createProfile(space) for space in ("sRGB", "LAB")]
        image = ImageCms.applyTransform(portrait, ImageCms.buildTransform(*profiles, "RGB", "LAB"))
    else:
        image = portrait.convert(mode)
    named(encoded(image, "TIFF"))


def test_a_jpeg_of_108_megapixels_is_recognised(named, portrait):
    large = ImageOps.pad(portrait, (9000, 12_000), method=Image.Resampling.BILINEAR)
    file = io.BytesIO()
    large.save(file, "JPEG", quality=20)
    named(file.getvalue())
