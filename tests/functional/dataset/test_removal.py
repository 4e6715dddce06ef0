"""Removing a person from aligned faces deletes everything of that person and changes nothing of the others."""

import json
import shutil

import pytest

from dataset.aligned import JOURNAL, OUTPUT, OVERRIDES, PAGE, REPORT
from dataset.errors import PrepareError
from dataset.removal import remove_person

NAME = "Joe Biden"
TEXTS = (JOURNAL, OVERRIDES, REPORT, PAGE)


@pytest.fixture
def folder(aligned, tmp_path):
    """A copy of the sample people's aligned faces."""
    return shutil.copytree(aligned, tmp_path / "aligned")


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.jpg")}


def photos_of(folder, name):
    lines = (folder / OUTPUT / JOURNAL).read_text(encoding="utf-8").splitlines()
    photos = [json.loads(line) for line in lines if line]
    return [photo for photo in photos if photo["person"] == name]


def test_no_file_and_no_text_of_the_person_is_left(folder):
    faces = [face["chip"] for photo in photos_of(folder, NAME) for face in photo["faces"]]
    embeddings = [face["embedding"] for photo in photos_of(folder, NAME) for face in photo["faces"]]
    assert faces
    assert remove_person(folder, NAME) >= 2 * len(photos_of(folder, NAME))
    assert not (folder / NAME).exists()
    assert not [face for face in faces if (folder / face).exists()]
    for name in TEXTS:
        text = (folder / OUTPUT / name).read_text(encoding="utf-8")
        assert NAME not in text
        assert not [embedding for embedding in embeddings if embedding in text]


def test_the_others_stay_as_they_were(folder):
    gone = {face["chip"] for photo in photos_of(folder, NAME) for face in photo["faces"]}
    before = {name: content for name, content in files_of(folder).items() if not name.startswith(NAME)}
    before = {name: content for name, content in before.items() if name not in gone}
    journal, report = photos_of(folder, "Barack Obama"), json.loads((folder / OUTPUT / REPORT).read_text())
    remove_person(folder, NAME)
    assert files_of(folder) == before
    assert photos_of(folder, "Barack Obama") == journal
    after = json.loads((folder / OUTPUT / REPORT).read_text(encoding="utf-8"))
    assert after["photos"] == [photo for photo in report["photos"] if photo["person"] != NAME]


def test_faces_that_an_interrupted_call_left_are_deleted_too(folder):
    (folder / OUTPUT / "faces" / "0123456789abcdef-0.jpg").write_bytes(b"a face of a photo that is not in the journal")
    remove_person(folder, NAME)
    assert not (folder / OUTPUT / "faces" / "0123456789abcdef-0.jpg").exists()


def test_a_person_whose_folder_is_spelled_in_another_way_is_removed(folder):
    (folder / NAME).rename(folder / "Zoe\u0308")
    remove_person(folder, "Zo\u00eb")
    assert not (folder / "Zoe\u0308").exists()


def test_the_next_removal_deletes_what_an_interrupted_one_left(folder):
    shutil.rmtree(folder / NAME)
    remove_person(folder, NAME)
    assert photos_of(folder, NAME) == []


def test_decisions_on_the_persons_photos_are_forgotten(folder):
    decisions = {"keep": [f"{NAME}/biden.jpg"], "drop": ["Barack Obama/obama.jpg"]}
    (folder / OUTPUT / OVERRIDES).write_text(json.dumps(decisions), encoding="utf-8")
    remove_person(folder, NAME)
    left = json.loads((folder / OUTPUT / OVERRIDES).read_text(encoding="utf-8"))
    assert left == {"keep": [], "drop": ["Barack Obama/obama.jpg"], "faces": {}}


def test_the_persons_name_is_removed_from_entries_about_others(folder):
    path = folder / OUTPUT / REPORT
    report = json.loads(path.read_text(encoding="utf-8"))
    other = next(photo for photo in report["photos"] if photo["person"] != NAME)
    other["reason"] = f"It looks more like {NAME} (0.71) than like {other['person']} (0.60)."
    report["remarks"] = [f'"{NAME}" and "{other["person"]}" look like one person.', "2 files belong to nobody."]
    path.write_text(json.dumps(report), encoding="utf-8")
    remove_person(folder, NAME)
    after = json.loads(path.read_text(encoding="utf-8"))
    assert NAME not in json.dumps(after)
    assert after["remarks"] == ["2 files belong to nobody."]


def test_removing_an_unknown_person_changes_no_face(folder):
    before = files_of(folder)
    assert remove_person(folder, "Nobody") == 0
    assert files_of(folder) == before


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "holiday.jpg").touch()
    with pytest.raises(PrepareError, match="visage prepare"):
        remove_person(tmp_path, NAME)
    assert (tmp_path / NAME / "holiday.jpg").exists()


def test_a_damaged_report_is_deleted(folder):
    (folder / OUTPUT / REPORT).write_text("{", encoding="utf-8")
    remove_person(folder, NAME)
    assert not (folder / OUTPUT / REPORT).exists()
    assert not (folder / OUTPUT / PAGE).exists()


def test_a_half_written_face_of_a_killed_process_is_deleted_too(folder):
    (folder / NAME / "new.jpg.part").write_bytes(b"half a face")
    remove_person(folder, NAME)
    assert not (folder / NAME).exists()


def test_other_files_beside_the_faces_are_kept(folder):
    (folder / NAME / "consent.pdf").write_bytes(b"signed")
    remove_person(folder, NAME)
    assert [path.name for path in (folder / NAME).iterdir()] == ["consent.pdf"]
