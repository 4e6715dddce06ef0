"""A small LFW of sample photos is embedded and measured."""

import json
import shutil
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from evaluation import lfw, lfw_faces
from evaluation.lfw import measure
from evaluation.lfw_faces import Subject
from evaluation.lfw_pairs import LFW, PAIRS
from evaluation.verification import Face
from tests.processes import without_workers
from training.embedder import Embedder
from training.errors import DatasetError


@pytest.fixture(scope="module")
def mini(samples, tmp_path_factory):
    """Two folds of a genuine and an impostor pair each; one photo has no face."""
    folder = tmp_path_factory.mktemp("lfw")
    people = samples / "people"
    sources = {
        "Obama/Obama_0001.jpg": people / "Barack Obama" / "obama.jpg",
        "Obama/Obama_0002.jpg": people / "Barack Obama" / "obama3.jpg",
        "Biden/Biden_0001.jpg": people / "Joe Biden" / "biden.jpg",
        "Collins/Collins_0001.jpg": people / "Eileen Collins" / "astronaut.png",
    }
    for target, source in sources.items():
        (folder / target).parent.mkdir(exist_ok=True)
        image = Image.open(source).convert("RGB")
        image.thumbnail((400, 400))
        image.save(folder / target)
    Image.new("RGB", (250, 250), "gray").save(folder / "Collins" / "Collins_0002.jpg")
    lines = ["Obama 1 2", "Obama 1 Biden 1", "Collins 1 2", "Obama 2 Collins 1"]
    (folder / PAIRS).write_text("\n".join(["2 1", *lines]))
    return LFW.read(folder)


@pytest.fixture(scope="module")
def subject(weights):
    return Subject.of_pretrained(weights)


@pytest.fixture(scope="module")
def measured(mini, subject, tmp_path_factory):
    """Measure once; return the result, the output folder, and the progress that was reported."""
    output, reported = tmp_path_factory.mktemp("benchmark"), []
    with without_workers():
        result = measure(mini, subject, output, 1, lambda *what: reported.append(what))
    return result, output, reported


def test_a_small_lfw_is_measured(measured, mini):
    result, output, reported = measured
    result.write(output)
    figures = json.loads((output / lfw.Result.FILE).read_text(encoding="utf-8"))
    assert figures == result.to_dict()
    assert (figures["photos"], figures["photos_without_face"], figures["pairs_without_face"]) == (5, 1, 1)
    assert figures["network"]["name"] == "casia-webface"
    assert not result.faces["Collins/Collins_0002.jpg"].found
    same, other, *_ = result.verification.similarities
    assert same > 0.5 > other
    assert reported == [(0, 5), (5, 5)]
    assert (output / lfw.ROC).read_bytes().startswith(b"\x89PNG")


def test_finished_work_is_not_repeated(measured, mini, subject, monkeypatch):
    result, output, _ = measured
    asked = stand_in(monkeypatch, lambda _photos: iter([]))
    reported = []
    again = measure(mini, subject, output, 1, lambda *what: reported.append(what), crop_center=True)
    assert reported == [(5, 5)]
    assert asked == []
    for name, face in again.faces.items():
        np.testing.assert_array_equal(face.embedding, result.faces[name].embedding)
    assert again.verification.pairs_without_face == 0


def stand_in(monkeypatch, batches):
    """Replace the worker processes: `batches` gives their results, or raises."""
    asked = []

    @contextmanager
    def parallel_map(_function, tasks, _workers):
        photos = [photo for task in tasks for photo in task.photos]
        if photos:
            asked.append(photos)
        yield batches(photos) if photos else iter(())

    monkeypatch.setattr(lfw_faces, "parallel_map", parallel_map)
    return asked


def face(_=None):
    return Face(np.full(512, 512**-0.5, np.float32), found=True)


def test_an_interrupted_run_goes_on(mini, subject, tmp_path, monkeypatch):
    def interrupted(photos):
        yield {photos[0]: face(), photos[1]: face()}
        raise KeyboardInterrupt

    stand_in(monkeypatch, interrupted)
    with pytest.raises(KeyboardInterrupt):
        lfw_faces.embed(mini, subject, tmp_path, 1)
    asked = stand_in(monkeypatch, lambda photos: iter([{photo: face() for photo in photos}]))
    assert sorted(lfw_faces.embed(mini, subject, tmp_path, 1)) == mini.photos
    assert asked == [mini.photos[2:]]
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]


def test_other_chips_or_a_damaged_store_are_computed_again(mini, subject, tmp_path, monkeypatch):
    folder = tmp_path / "lfw"
    shutil.copytree(mini.directory, folder)
    asked = stand_in(monkeypatch, lambda photos: iter([{photo: face() for photo in photos}]))
    output = tmp_path / "benchmark"
    lfw_faces.embed(LFW.read(folder), subject, output, 1)
    lfw_faces.embed(LFW.read(folder), Subject(subject.name, subject.embedder, subject.landmarks, flip=True), output, 1)
    Image.new("RGB", (90, 90)).save(folder / "Obama" / "Obama_0001.jpg")
    lfw_faces.embed(LFW.read(folder), subject, output, 1)
    for store in output.iterdir():
        store.write_bytes(b"PK")
    lfw_faces.embed(LFW.read(folder), subject, output, 1)
    assert asked == [mini.photos] * 4


def test_a_damaged_photo_is_named(subject, tmp_path):
    (tmp_path / "Ann_0001.jpg").write_bytes(b"\xff\xd8\xff nothing")
    with pytest.raises(DatasetError, match=r"Ann_0001.jpg cannot be used: .* Unpack LFW again"):
        subject.chip(tmp_path / "Ann_0001.jpg")


def test_flipped_embeddings_are_the_same_for_a_mirrored_chip(subject, monkeypatch):
    def left_and_right(_self, chips):
        halves = np.stack([chips[:, :, :1].mean((1, 2, 3)), chips[:, :, -1:].mean((1, 2, 3))], axis=1)
        return halves / np.linalg.norm(halves, axis=1, keepdims=True)

    monkeypatch.setattr(Embedder, "__call__", left_and_right)
    chips = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
    both = Subject(subject.name, subject.embedder, subject.landmarks, flip=True)
    np.testing.assert_allclose(both.embed(chips), both.embed(chips[:, :, ::-1]))
    np.testing.assert_allclose(np.linalg.norm(both.embed(chips), axis=1), 1)
    assert not np.allclose(subject.embed(chips), subject.embed(chips[:, :, ::-1]))
