"""Photos are copies of one picture by their files and by the small pictures of their faces."""

import base64

import numpy as np
import pytest
from PIL import Image, ImageOps

from dataset.candidates import Candidate, Candidates, small_picture
from dataset.copies import MIN_FIT, fit, groups
from preprocess.detect import Box


@pytest.fixture
def chip():
    """Return a picture with a number: large and small spots of light and shadow, 200x200 pixels."""

    def chip(number):
        random = np.random.default_rng(number)
        coarse, fine = (
            np.asarray(Image.fromarray(random.uniform(0, 255, (side, side)).astype(np.uint8)).resize((200, 200)))
            for side in (5, 14)
        )
        return Image.fromarray((0.6 * coarse + 0.4 * fine).astype(np.uint8)).convert("RGB")

    return chip


def picture(image):
    return small_picture(np.asarray(image))


def face(image, person=0):
    vector = np.eye(512)[person].astype(np.float16)
    return Candidate(
        Box(0, 0, 9, 9, 1.0), "chip.jpg", 100.0, picture(image), base64.b64encode(vector.tobytes()).decode()
    )


def photo(name, *faces, sha256=None):
    return Candidates(name, name.partition("/")[0], "", sha256, faces)


def covered(image):
    image = image.copy()
    image.paste("white", (60, 122, 140, 130))
    return image


COPIES = {
    "the same": lambda image: image,
    "mirrored": ImageOps.mirror,
    "cut a little higher and to the left": lambda image: image.crop((0, 0, 188, 188)).resize((200, 200)),
    "cut a little wider": lambda image: ImageOps.expand(image, 12).resize((200, 200)),
    "turned a little": lambda image: image.rotate(4, Image.Resampling.BICUBIC),
    "stretched": lambda image: image.resize((224, 200)).crop((12, 0, 212, 200)),
    "brightened": lambda image: image.point(lambda value: min(255, int(value * 1.3))),
    "darkened": lambda image: image.point(lambda value: value // 3),
    "with a stripe of text": covered,
    "mirrored, cropped and darkened": lambda image: (
        ImageOps.mirror(image).crop((6, 10, 196, 200)).resize((200, 200)).point(lambda value: value // 2)
    ),
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
def test_a_picture_fits_its_copy(chip, change):
    for number in range(3):
        assert fit(picture(chip(number)), picture(change(chip(number)))) >= MIN_FIT


def test_different_pictures_do_not_fit(chip):
    pictures = [picture(chip(number)) for number in range(8)]
    fits = [fit(one, other) for n, one in enumerate(pictures) for other in pictures[:n]]
    assert max(fits) < 0.9


@pytest.mark.parametrize("colour", ["black", "white"])
def test_a_picture_of_one_colour_fits_nothing(chip, colour):
    plain = Image.new("RGB", (200, 200), colour)
    assert fit(picture(plain), picture(chip(0))) < MIN_FIT
    assert fit(picture(plain), picture(plain)) < MIN_FIT


def test_photos_are_grouped_by_file_and_by_face(chip):
    found = [
        photo("Ann/1", face(chip(1)), sha256="a"),
        photo("Ann/2", face(chip(2)), sha256="b"),
        photo("Ann/mirrored", face(ImageOps.mirror(chip(1))), sha256="c"),
        photo("Ann/copy", face(chip(2)), sha256="b"),
        photo("Ann/without a face", sha256="d"),
        photo("Bob/the same without a face", sha256="d"),
        photo("Bob/not readable"),
        photo("Bob/not readable either"),
    ]
    assert groups(found).tolist() == [0, 1, 0, 1, 2, 2, 3, 4]


def test_a_photo_of_two_people_is_a_copy_of_what_was_cut_out_of_it(chip):
    both = photo("Ann/both", face(chip(1), person=1), face(chip(2), person=2))
    found = [both, photo("Ann/cut", face(chip(1), person=1)), photo("Bob/cut", face(chip(2), person=2))]
    assert groups(found).tolist() == [0, 0, 0]


def test_copies_of_copies_are_copies(chip):
    """The last one has nothing in common with the first but the photo between them."""
    found = [
        photo("Ann/1", face(chip(1)), sha256="a"),
        photo("Ann/2", face(chip(1)), sha256="b"),
        photo("Ann/3", sha256="b"),
    ]
    assert groups(found).tolist() == [0, 0, 0]


def test_pictures_with_different_people_are_not_compared(chip):
    assert groups([photo("Ann/1", face(chip(1), person=1)), photo("Bob/1", face(chip(1), person=2))]).tolist() == [0, 1]


def test_no_photos_have_no_groups():
    assert groups([]).tolist() == []
