"""Copies of a photo are found, whatever was done to it, and different photos of one person are not copies."""

import io
import shutil

import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from dataset.folders import walk
from dataset.prepare import group_copies
from tests.processes import without_workers

PHOTOS = ("Barack Obama/obama.jpg", "Joe Biden/biden.jpg")


def cropped(photo, left, top, right, bottom):
    width, height = photo.size
    return photo.crop((int(left * width), int(top * height), int(right * width), int(bottom * height)))


def captioned(photo):
    photo, font = photo.copy(), ImageFont.load_default(photo.height // 9)
    ImageDraw.Draw(photo).text((5, photo.height * 0.8), "One does not simply", "white", font, stroke_width=2)
    return photo


def saved_badly(photo):
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=25)
    return Image.open(file)


CHANGES = {
    "saved badly": saved_badly,
    "smaller": lambda photo: photo.reduce(2),
    "larger": lambda photo: photo.resize((photo.width * 3 // 2, photo.height * 3 // 2)),
    "mirrored": ImageOps.mirror,
    "cropped on two sides": lambda photo: cropped(photo, 0.12, 0, 1, 0.85),
    "brightened": lambda photo: ImageEnhance.Brightness(photo).enhance(1.3),
    "darkened": lambda photo: ImageEnhance.Brightness(photo).enhance(0.4),
    "without colours": lambda photo: photo.convert("L"),
    "in other colours": lambda photo: Image.merge("RGB", photo.split()[::-1]),
    "sharpened": lambda photo: photo.filter(ImageFilter.SHARPEN),
    "captioned": captioned,
    "framed": lambda photo: ImageOps.expand(photo, photo.width // 8, "white"),
    "turned a little": lambda photo: photo.rotate(3, Image.Resampling.BICUBIC, expand=True, fillcolor="white"),
    "mirrored, cropped and saved badly": lambda photo: saved_badly(cropped(ImageOps.mirror(photo), 0.05, 0.05, 1, 0.9)),
}


@pytest.fixture(scope="module")
def grouped(samples, embedder, tmp_path_factory):
    """The group of each sample photo and of copies of two of them, by the name of the photo."""
    folder = tmp_path_factory.mktemp("copies")
    photos = shutil.copytree(samples / "people", folder / "photos")
    for name in PHOTOS:
        shutil.copyfile(photos / name, photos / name.replace(".jpg", " again.jpg"))
        for change, changed in CHANGES.items():
            with Image.open(photos / name) as photo:
                changed(photo).save(photos / name.replace(".jpg", f" {change}.png"))
    with without_workers():
        groups = group_copies(walk(photos), folder / "aligned", 1, embedder, lambda *_: None)
    return {path.relative_to(photos).as_posix(): group for path, group in groups.items()}


@pytest.mark.parametrize("photo", PHOTOS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_photo_is_a_copy(grouped, photo, change):
    assert grouped[photo.replace(".jpg", f" {change}.png")] == grouped[photo]


@pytest.mark.parametrize("photo", PHOTOS)
def test_the_same_file_is_a_copy(grouped, photo):
    assert grouped[photo.replace(".jpg", " again.jpg")] == grouped[photo]


def test_different_photos_are_not_copies(grouped, samples):
    folder = samples / "people"
    originals = [grouped[path.relative_to(folder).as_posix()] for path in folder.rglob("*.jpg")]
    assert len(set(originals)) == len(originals)
