"""Photos to test with are set aside before any other step."""

import shutil
from pathlib import Path

import pytest

from dataset.folders import files, listing, walk
from evaluation.people import measure
from evaluation.people_split import split
from model.settings import Settings
from training.errors import DatasetError
from training.recipe import Recipe

PEOPLE = {"Ann": 10, "Bob": 5, "Cid": 1}


@pytest.fixture
def photos(tmp_path):
    """Different files of three people, some of them in subfolders."""
    for person, count in PEOPLE.items():
        for number in range(count):
            path = tmp_path / "photos" / person / str(number % 2) / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{person} {number}")
    return tmp_path / "photos"


def alone(people):
    """Return groups in which no photo is a copy of another."""
    return {path: number for number, path in enumerate(path for owned in people.photos.values() for path in owned)}


def names(folder):
    return {path.relative_to(folder).as_posix() for path in files(folder)}


def test_a_share_of_everybodys_photos_is_kept_for_the_test(photos, tmp_path):
    parts = split(walk(photos), tmp_path / "split", 0.2, 0, alone(walk(photos)))
    assert {name: len(paths) for name, paths in walk(parts.test).photos.items()} == {"Ann": 2, "Bob": 1}
    assert {name: len(paths) for name, paths in walk(parts.train).photos.items()} == {"Ann": 8, "Bob": 4, "Cid": 1}
    assert names(parts.train) | names(parts.test) == names(photos)
    assert names(parts.test) == set(parts.tested)
    assert all(path.is_symlink() and path.read_text() for path in files(parts.test))


def test_the_seed_decides_and_an_earlier_split_leaves_nothing_behind(photos, tmp_path):
    tested = [split(walk(photos), tmp_path / "split", 0.3, seed, alone(walk(photos))).tested for seed in (1, 1, 2)]
    assert tested[0] == tested[1] != tested[2]
    assert names(tmp_path / "split" / "test") == set(tested[2])
    assert names(tmp_path / "split" / "train") == names(photos) - set(tested[2])


def test_where_links_cannot_be_made_photos_are_copied(photos, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError

    monkeypatch.setattr(Path, "symlink_to", refuse)
    parts = split(walk(photos), tmp_path / "split", 0.2, 0, alone(walk(photos)))
    for name in parts.tested:
        copy, original = parts.test / name, photos / name
        assert (copy.read_bytes(), copy.stat().st_mtime_ns) == (original.read_bytes(), original.stat().st_mtime_ns)
        assert not copy.is_symlink()


def test_copies_of_a_picture_come_to_the_same_side(photos, tmp_path):
    people = walk(photos)
    bob, cid = people.photos["Bob"], people.photos["Cid"]
    groups = alone(people) | dict.fromkeys(bob[:2], 100) | dict.fromkeys([bob[2], *cid], 101)
    for seed in range(10):
        parts = split(people, tmp_path / "split", 0.5, seed, groups)
        tested = {path for path in groups if path.relative_to(photos).as_posix() in parts.tested}
        assert len(tested & set(bob[:2])) in {0, 2}
        assert not tested & {bob[2], *cid}  # Cid has no other photo to learn from
        assert parts.copies == {"photos": 4, "pictures": 2, "unknown": 0}


def test_a_folder_with_something_else_is_left_alone(photos, tmp_path):
    with pytest.raises(DatasetError, match="holds files that are not from a split"):
        split(walk(photos), photos, 0.2, 0, alone(walk(photos)))
    assert len(names(photos)) == sum(PEOPLE.values())


def test_too_few_photos_raise_an_error(photos, tmp_path):
    for person in ("Ann", "Bob"):
        shutil.rmtree(photos / person)
    with pytest.raises(DatasetError, match="left for the test"):
        split(walk(photos), tmp_path / "split", 0.2, 0, alone(walk(photos)))


@pytest.mark.parametrize("inside", ["photos", "strangers"])
def test_an_output_inside_the_photos_raises_an_error(photos, tmp_path, inside):
    (tmp_path / "strangers").mkdir()
    (tmp_path / "strangers" / "a.jpg").touch()
    output, strangers = tmp_path / inside / "new", listing(tmp_path / "strangers")
    with pytest.raises(DatasetError, match="is inside the photos"):
        measure(walk(photos), output, None, Recipe(), Settings.read(), test=0.2, strangers=strangers)
    assert not output.exists()
