"""The aligned faces of a training, and their split into training, validation and test."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import faces
from training.errors import DatasetError
from training.faces import TEST, TRAIN, VALIDATION, split


@pytest.fixture
def folder(tmp_path):
    """Aligned faces of two people; their content does not matter here."""
    for name in (
        "Ann/1.jpg",
        "Ann/deep/2.jpg",
        "Bob/1.jpg",
        "Bob/1.jpg.part",
        "Cid/notes.txt",
        ".visage/t.jpg",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


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
            chip.write_text("another")
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


def test_labels_are_unicode_normalised_and_two_spellings_are_one_person(tmp_path):
    for name in ("Zoe\u0308/1.jpg", "Zo\u00eb/2.jpg", "Bob/1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    read = faces.read(tmp_path)
    assert read.labels == ("Bob", "Zo\u00eb")
    assert read.people.tolist() == [0, 1, 1]
