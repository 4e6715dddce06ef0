"""The aligned faces of a training, and their split into training, validation and test."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dataset.aligned import OUTPUT, REPORT
from dataset.labels import chip_names
from preprocess.files import write_text
from training import faces
from training.errors import DatasetError
from training.faces import TEST, TRAIN, VALIDATION, split


@pytest.fixture
def folder(tmp_path):
    """Aligned faces of two people; who is in them does not matter here."""
    for shade, name in enumerate(("Ann/1.jpg", "Ann/deep/2.jpg", "Bob/1.jpg")):
        picture(tmp_path / name, shade=shade)
    for name in ("Bob/1.jpg.part", "Cid/notes.txt", ".visage/t.jpg", "@eaDir/1.jpg", "Ann/@eaDir/1.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def picture(path, size=(600, 600), kind="JPEG", shade=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, 100 + shade).save(path, kind)


def test_only_people_with_chips_are_read(folder):
    read = faces.read(folder)
    assert read.labels == ("Ann", "Bob")
    assert read.names() == ["Ann/1.jpg", "Ann/deep/2.jpg", "Bob/1.jpg"]
    assert read.people.tolist() == [0, 0, 1]


@pytest.mark.parametrize("gone", [["Bob/1.jpg"], ["Bob/1.jpg", "Ann/1.jpg", "Ann/deep/2.jpg"]])
def test_training_needs_two_people(folder, gone):
    for name in gone:
        (folder / name).unlink()
    with pytest.raises(DatasetError, match="takes two"):
        faces.read(folder)


def test_a_missing_folder_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(DatasetError, match="visage prepare"):
        faces.read(tmp_path / "nowhere")


def test_the_fingerprint_is_the_same_for_the_same_faces(folder):
    assert faces.read(folder).fingerprint() == faces.read(folder).fingerprint()


@pytest.mark.parametrize("change", ["content", "name", "person"])
def test_the_fingerprint_changes_with_the_faces(folder, change):
    before = faces.read(folder).fingerprint()
    chip = folder / "Ann" / "1.jpg"
    match change:
        case "content":
            picture(chip, shade=50)
        case "name":
            chip.rename(chip.with_name("9.jpg"))
        case "person":
            chip.rename(folder / "Bob" / "0.jpg")
    assert faces.read(folder).fingerprint() != before


counts = st.lists(st.integers(1, 60), min_size=1, max_size=6)
shares = st.floats(0, 0.5)


@given(counts, shares, shares, st.integers(0, 5))
def test_training_keeps_at_least_half_of_everybody(counts, validation, test, seed):
    people = np.repeat(np.arange(len(counts)), counts)
    roles = split(people, validation, test, seed)
    for person, count in enumerate(counts):
        assert 2 * (roles[people == person] == TRAIN).sum() >= count


@given(counts, st.floats(0, 0.2), st.floats(0, 0.2), st.integers(0, 5))
def test_the_same_shares_of_every_persons_photos_are_split_off(counts, validation, test, seed):
    people = np.repeat(np.arange(len(counts)), counts)
    roles = split(people, validation, test, seed)
    for person, count in enumerate(counts):
        for role, share in ((VALIDATION, validation), (TEST, test)):
            taken = (roles[people == person] == role).sum()
            assert abs(taken - share * count) <= 1  # rounding, and the half that training keeps


@given(counts, st.integers(0, 5))
def test_the_same_seed_gives_the_same_split(counts, seed):
    people = np.repeat(np.arange(len(counts)), counts)
    np.testing.assert_array_equal(split(people, 0.2, 0.1, seed), split(people, 0.2, 0.1, seed))


@st.composite
def grouped(draw):
    """People of N faces, and groups of them: some of one person, some of several, some unknown."""
    people = np.repeat(np.arange(3), draw(st.lists(st.integers(1, 20), min_size=3, max_size=3)))
    groups = draw(st.lists(st.integers(-1, 12), min_size=len(people), max_size=len(people)))
    return people, np.array(groups)


@given(grouped(), shares, shares, st.integers(0, 5))
def test_faces_of_one_picture_have_the_same_role(faces, validation, test, seed):
    people, groups = faces
    roles = split(people, validation, test, seed, groups)
    for group in set(groups) - {-1}:
        assert len(set(roles[groups == group])) == 1
    for person in range(3):
        assert 2 * (roles[people == person] == TRAIN).sum() >= (people == person).sum()


def test_pictures_and_not_their_copies_are_counted_for_the_shares():
    """Every photo is there twice: a phone keeps the original beside each edited photo."""
    people, groups = np.repeat([0, 1], 20), np.repeat(np.arange(20), 2)
    roles = split(people, 0.2, 0.2, 0, groups)
    for person in (0, 1):
        assert [(roles[people == person] == role).sum() for role in (TRAIN, VALIDATION, TEST)] == [12, 4, 4]


def test_one_picture_with_many_copies_is_not_all_of_the_test():
    roles = split(np.zeros(13, int), 0, 0.5, 0, np.array([0] * 10 + [1, 2, 3]))
    assert (roles[:10] == TRAIN).all()
    assert (roles == TEST).sum() == 2


@given(counts, shares, shares, st.integers(0, 5))
def test_without_copies_groups_change_nothing(counts, validation, test, seed):
    people = np.repeat(np.arange(len(counts)), counts)
    for groups in (np.arange(len(people)), np.full(len(people), -1)):
        np.testing.assert_array_equal(
            split(people, validation, test, seed, groups), split(people, validation, test, seed)
        )


def test_labels_are_unicode_normalised_and_two_spellings_are_one_person(tmp_path):
    for name in ("Zoe\u0308/1.jpg", "Zo\u00eb/2.jpg", "Bob/1.jpg"):
        picture(tmp_path / name)
    read = faces.read(tmp_path)
    assert read.labels == ("Bob", "Zo\u00eb")
    assert read.people.tolist() == [0, 1, 1]


RAW = {
    "a camera's photo": ("new.jpg", (4000, 3000), "JPEG"),
    "a photo of nearly the size": ("new.jpg", (600, 599), "JPEG"),
    "another extension": ("new.JPEG", (640, 480), "JPEG"),
    "another format of the size": ("new.png", (600, 600), "PNG"),
    "another format under the name of a chip": ("new.jpg", (600, 600), "PNG"),
}


@pytest.mark.parametrize(("name", "size", "kind"), RAW.values(), ids=RAW.keys())
def test_a_photo_among_aligned_faces_is_refused(folder, name, size, kind):
    picture(folder / "Bob" / name, size, kind)
    with pytest.raises(DatasetError, match=f"Of 4 photos in .*, not aligned: 1; the first is Bob/{name}"):
        faces.read(folder)


@pytest.mark.parametrize("content", [b"", b"no photo", b"\xff\xd8\xff"])
def test_a_chip_without_a_picture_is_refused(folder, content):
    (folder / "Ann" / "1.jpg").write_bytes(content)
    with pytest.raises(DatasetError, match="visage prepare"):
        faces.read(folder)


@pytest.mark.parametrize("people", [["Ann"], ["Ann", "Bob"]])
def test_raw_photos_are_refused_before_anything_else_is_said(tmp_path, people):
    for name in people:
        picture(tmp_path / name / "IMG_1.JPG", (4032, 3024))
    with pytest.raises(DatasetError, match="Run `visage prepare PHOTOS ALIGNED` first"):
        faces.read(tmp_path)


def test_a_person_whose_folder_cannot_have_their_name_has_it_from_the_report(folder):
    name = "What? " + "x" * 200
    (chip,) = chip_names(name, ["What?/1.jpg"]).values()
    picture(folder / chip)
    write_text(folder / OUTPUT / REPORT, json.dumps({"photos": [{"photo": "-", "person": name, "chip": chip}]}))
    assert faces.read(folder).labels == ("Ann", "Bob", name)
