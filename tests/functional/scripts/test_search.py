"""`visage search` finds the photos of a batch's output in which somebody is."""

import json
import shutil
from pathlib import Path

import pytest

from batch import parts
from batch.contract import Header
from batch.planning import manifest, open_output, plan
from batch.sources import FolderSource
from batch.storage import FolderStorage
from batch.summary import finish
from batch.worker import answer
from model.recognizer import Recognizer
from model.settings import Settings
from scripts import samples as sample_photos

OBAMA = "Barack Obama"


@pytest.fixture(scope="module")
def made(samples, bundle, tmp_path_factory) -> Path:
    """The output of a batch of all sample photos, with embeddings."""
    source, output = FolderSource(samples), FolderStorage(tmp_path_factory.mktemp("output"))
    recognizer = Recognizer.load(str(bundle), Settings.read({"VISAGE_ENGINE": "onnx"}))
    created = "2026-11-26T21:00:00+00:00"
    wanted = Header(source.location, recognizer.version, recognizer.space, created, keep_embeddings=True)
    header = open_output(output, wanted, new=False)
    plan(source, output, header, "run")
    for batch in manifest(output, "run"):
        parts.write(output, answer(batch, source, output, recognizer, header))
    finish(output, header, "run")
    return Path(output.location)


@pytest.fixture
def output(made, tmp_path) -> Path:
    return shutil.copytree(made, tmp_path / "output")


@pytest.fixture
def search(visage, bundle, output):
    """Run `visage search` on the output; return its status, its JSON and what it said."""

    def search(photo, *words):
        ended = visage("search", photo, "--in", output, "--bundle", bundle, "--json", *words)
        return ended.status, json.loads(ended.out) if ended.out else None, " ".join(ended.err.split())

    return search


def test_all_photos_of_a_person_come_first_the_same_one_before_the_others(search, samples):
    status, found, said = search(samples / sample_photos.UNSEEN)
    assert (status, found["complete"]) == (0, True)
    assert "note" not in said
    best, *others = found["hits"]
    assert (best["photo"], best["similarity"]) == (sample_photos.UNSEEN, pytest.approx(1, abs=0.02))
    assert {hit["photo"] for hit in others[:3]} <= {
        f"people/{OBAMA}/{path.name}" for path in (samples / "people" / OBAMA).iterdir()
    }
    assert {hit["label"] for hit in found["hits"][:4]} == {OBAMA}
    assert found["faces"] > 10


def test_of_several_faces_one_is_chosen_and_found_in_the_photo_once(search, samples):
    status, found, said = search(samples / sample_photos.STRANGERS, "--face", "3")
    assert (status, found["face"]["faces"]) == (0, 6)
    assert (found["hits"][0]["photo"], found["hits"][0]["face"]) == (sample_photos.STRANGERS, 3)
    assert len({hit["photo"] for hit in found["hits"]}) == len(found["hits"])
    assert "shows 6 faces; number 3 was searched for" in said


def test_a_face_that_is_not_there_is_one_sentence(search, samples):
    status, found, said = search(samples / sample_photos.STRANGERS, "--face", "7")
    assert (status, found) == (1, None)
    assert "--face may be 1 to 6" in said


def test_people_see_a_table_and_what_it_means(visage, bundle, output, samples):
    ended = visage("search", samples / sample_photos.UNSEEN, "--in", output, "--bundle", bundle, "--top", "2")
    assert ended.status == 0
    assert "obama2.jpg" in ended.out
    assert "likely to be of this person" in ended.out
    assert "Faces of other people" in ended.out


def test_a_batch_that_still_runs_is_searched_and_said_to_be_unfinished(search, samples, output):
    (output / "summary.json").unlink()
    status, found, said = search(samples / sample_photos.UNSEEN)
    assert (status, found["complete"], bool(found["hits"])) == (0, False, True)
    assert "The batch is not finished" in said


def test_a_damaged_part_is_named_and_the_others_are_searched(search, samples, output):
    _, found, _ = search(samples / sample_photos.UNSEEN)
    part = found["hits"][0]["part"]
    (output / "embeddings" / f"{part}.npy").write_bytes(b"damaged")
    status, found, said = search(samples / sample_photos.UNSEEN)
    assert (status, found["damaged"]) == (1, [part])
    assert f"was not searched: {part}" in said
    assert part not in {hit["part"] for hit in found["hits"]}
