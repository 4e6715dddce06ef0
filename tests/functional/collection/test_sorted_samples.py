"""A pile of real photos becomes folders, with the real network, and goes on to `visage prepare`."""

import json

import numpy as np
import pytest
from PIL import Image

from dataset.workers import face_tools
from preprocess.photo import Photo

pytestmark = pytest.mark.usefixtures("no_workers")

WEIGHTS = ("--pretrained", "casia-webface")


LIGHTS = (lambda _, __: 0.9, lambda x, _: 0.9 + 0.9 * x, lambda x, _: 0.9 - 0.9 * x, lambda _, y: 0.9 + 0.9 * y)
"""Brightness by the place, from the middle of a face in its widths: from all sides, the right, the left and below."""


@pytest.fixture(scope="module")
def pile(samples, tmp_path_factory):
    """Photos of four people, each in four lights, which makes them different pictures; and a group picture."""
    folder = tmp_path_factory.mktemp("pile")
    for file in sorted((samples / "people").rglob("*.*")):
        if "partial" not in file.name:
            put_in_four_lights(file, folder)
    (folder / "friends.jpg").write_bytes((samples / "strangers/friends.jpg").read_bytes())
    (folder / "broken.jpg").write_bytes(b"no photo")
    return folder


def put_in_four_lights(file, folder):
    photo = Photo(file.read_bytes())
    box = face_tools()[0].detect(photo)[0]
    pixels = photo.pixels().astype(float)
    y, x = np.mgrid[: photo.height, : photo.width].astype(float)
    right, down = (x - box.left) / box.width - 0.5, (y - box.top) / box.height - 0.5
    for number, light in enumerate(LIGHTS):
        brightness = np.clip(light(right, down), 0.25, 1.6) * np.ones_like(x)
        lit = Image.fromarray(np.clip(pixels * brightness[..., None], 0, 255).astype(np.uint8))
        lit.thumbnail((800, 800))
        lit.save(folder / f"{file.stem}-{number}.jpg")


def who(folder):
    return {path.name.partition("-")[0].rstrip("3") for path in folder.iterdir()}


def test_people_become_folders_which_can_be_named_and_prepared(visage, pile, tmp_path):
    photos = tmp_path / "photos"
    ended = visage("sort", pile, photos, *WEIGHTS, "--json")
    assert ended.status == 0, ended.err
    result = json.loads(ended.out)
    people = [who(photos / person["folder"]) for person in result["people"]]
    assert sorted(map(sorted, people)) == [["Tom_Hanks_54745"], ["astronaut"], ["biden"], ["obama"]]
    assert {"broken.jpg", "friends.jpg"} <= set(result["unsorted"])
    assert len(list((photos / "unsorted").iterdir())) == len(result["unsorted"])
    (obama,) = [person for person in result["people"] if who(photos / person["folder"]) == {"obama"}]
    renamed = visage("sort", photos, "--name", obama["number"], "Barack Obama", "--json")
    assert renamed.status == 0
    assert who(photos / "Barack Obama") == {"obama"}
    assert visage("sort", pile, photos, *WEIGHTS).status == 0
    assert who(photos / "Barack Obama") == {"obama"}
    prepared = visage("prepare", photos, tmp_path / "aligned", *WEIGHTS, "--json")
    assert prepared.status == 0, prepared.err
    assert "Barack Obama" in json.loads(prepared.out)["people"]
    assert "unsorted" not in json.loads(prepared.out)["people"]


def test_decisions_are_made_by_options_and_a_wrong_one_changes_nothing(visage, pile, tmp_path):
    photos = tmp_path / "photos"
    assert visage("sort", pile, photos, *WEIGHTS).status == 0
    merged = json.loads(visage("sort", photos, "--merge", "1", "2", "--json").out)
    assert [person["number"] for person in merged["people"]] == [1, 3, 4]
    photo = next((photos / "person-003").iterdir()).name
    split = json.loads(visage("sort", photos, "--split", "3", "--photo", photo, "--json").out)
    assert [path.name for path in (photos / "person-005").iterdir()] == [photo]
    excluded = json.loads(visage("sort", photos, "--exclude", "person-005", "--photo", photo, "--json").out)
    assert photo in excluded["unsorted"]
    assert split["people"] != excluded["people"]
    wrong = visage("sort", photos, "--merge", "1", "9")
    assert (wrong.status, "no person 9" in wrong.err) == (1, True)
    listed = visage("sort", photos)
    assert (listed.status, "person-001" in listed.out) == (0, True)


def test_the_benchmark_compares_the_groups_with_the_names_and_with_other_ways(visage, pile, tmp_path):
    people = tmp_path / "people"
    for photo in pile.glob("*-?.jpg"):
        folder = people / photo.name.partition("-")[0].rstrip("3")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / photo.name).write_bytes(photo.read_bytes())
    ended = visage("benchmark", "sort", people, "--compare", *WEIGHTS, "--output", tmp_path / "output", "--json")
    assert ended.status == 0, ended.err
    result = json.loads(ended.out)
    assert (result["people"], result["photos"], len(result["rows"])) == (4, 20, 10)
    ours = result["rows"][0]
    assert (ours["precision"], ours["recall"], ours["people"], ours["alone"]) == (1, 1, 4, 0)
    assert json.loads((tmp_path / "output/sorting.json").read_text()) == result
