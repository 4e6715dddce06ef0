"""Copies of a photo are found, whatever was done to it, and different photos of one person are not copies."""

import io
import shutil
from types import SimpleNamespace

import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from dataset.folders import walk
from dataset.prepare import group_copies, prepare
from tests.processes import without_workers
from training import faces

PHOTO = "Barack Obama/obama.jpg"


def named(change):
    return PHOTO.replace(".jpg", f" {change}.jpg")


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
def work(samples, embedder, tmp_path_factory):
    """The sample photos and copies of two of them, their aligned faces, and the group of each photo by its name."""
    folder = tmp_path_factory.mktemp("copies")
    photos, aligned = shutil.copytree(samples / "people", folder / "photos"), folder / "aligned"
    shutil.copyfile(photos / PHOTO, photos / named("again"))
    for change, changed in CHANGES.items():
        with Image.open(photos / PHOTO) as photo:
            changed(photo).save(photos / named(change), quality=92)
    with without_workers():
        groups = group_copies(walk(photos), aligned, 1, embedder, lambda *_: None)
        report = prepare(photos, aligned, 1, embedder, lambda *_: None)
    grouped = {path.relative_to(photos).as_posix(): group for path, group in groups.items()}
    return SimpleNamespace(aligned=aligned, report=report, grouped=grouped)


@pytest.fixture
def grouped(work):
    return work.grouped


@pytest.mark.parametrize("change", ["again", *CHANGES])
def test_a_changed_photo_is_a_copy(grouped, change):
    assert grouped[named(change)] == grouped[PHOTO]


def test_different_photos_are_not_copies(grouped):
    """The other sample photos are cut out of one of these, through the face."""
    originals = [grouped[name] for name in (PHOTO, "Barack Obama/obama3.jpg", "Joe Biden/biden.jpg")]
    assert len(set(originals)) == len(originals)


def test_training_knows_which_of_its_faces_are_of_one_picture(work):
    photos = {outcome.chip: outcome.photo for outcome in work.report.outcomes if outcome.chip}
    aligned = faces.read(work.aligned)
    pictures = [work.grouped[photos[name]] for name in aligned.names()]
    assert len(set(pictures)) < len(pictures)  # prepare keeps copies that differ much
    of_training = aligned.copies().tolist()
    assert len(set(zip(pictures, of_training, strict=True))) == len(set(pictures)) == len(set(of_training))


def test_copies_of_a_face_that_prepare_did_not_write_are_not_looked_for(work, tmp_path):
    aligned = shutil.copytree(work.aligned, tmp_path / "aligned")
    chip = next(aligned.glob("Joe Biden/*.jpg"))
    shutil.copyfile(chip, chip.with_name("by hand.jpg"))
    read = faces.read(aligned)
    assert dict(zip(read.names(), read.copies(), strict=True))["Joe Biden/by hand.jpg"] == -1
