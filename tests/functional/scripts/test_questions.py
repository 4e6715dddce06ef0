"""`visage prepare` and `visage enroll` ask who it is when two people fit a folder, and go on with the answer."""

import json
import shutil

import pytest
from PIL import Image, ImageOps

from model.roster_storage import beside
from scripts import samples as sample_photos

WEIGHTS = ("--pretrained", "casia-webface")

pytestmark = pytest.mark.usefixtures("no_workers")


@pytest.fixture
def pair(samples, tmp_path):
    """A folder "Us" with a photo of Barack, on the left, and Joe."""
    both = Image.new("RGB", (800, 500))
    for number, name in enumerate(("Barack Obama/obama.jpg", "Joe Biden/biden.jpg")):
        with Image.open(samples / sample_photos.PEOPLE / name) as photo:
            both.paste(ImageOps.fit(photo.convert("RGB"), (400, 500), centering=(0.5, 0.2)), (400 * number, 0))
    (tmp_path / "photos" / "Us").mkdir(parents=True)
    both.save(tmp_path / "photos" / "Us" / "the two.jpg")
    return tmp_path / "photos"


def test_prepare_is_status_1_until_it_is_said_who_of_two_people_it_is(visage, pair, weights, tmp_path):
    words = ["prepare", pair, tmp_path / "aligned", *WEIGHTS, "--workers", "1"]
    asked = visage(*words, "--json")
    assert asked.status == 1
    assert 'Say who "Us" is: run the same command again with one --keep of each question.' in asked.err
    (question,) = json.loads(asked.out)["questions"]
    assert {option["keep"] for option in question["options"]} == {"Us/the two.jpg#1", "Us/the two.jpg#2"}
    refused = visage(*words, "--keep", "Us/the two.jpg#3")
    assert (refused.status, "has 2 faces; there is no face 3" in refused.err) == (1, True)
    assert visage(*words, "--keep", "Us/the two.jpg#2").status == 0
    assert visage(*words).status == 0
    assert [path.name for path in (tmp_path / "aligned" / "Us").iterdir()] == ["the two.jpg.jpg"]


def test_nobody_is_enrolled_until_it_is_said_who_of_two_people_it_is(visage, bundle, pair, tmp_path):
    mine = shutil.copytree(bundle, tmp_path / "bundle")
    asked = visage("enroll", mine, pair)
    assert asked.status == 1
    assert 'Say who "Us" is' in asked.err
    assert "--keep 'Us/the two.jpg#2'  (face 2 of 2 from the left, in 1 of 1 photo)" in asked.err
    assert not beside(mine).exists()
    keep = ("--keep", "Us/the two.jpg#2")
    assert visage("enroll", mine, pair, *keep).status == 0
    assert beside(mine).exists()
