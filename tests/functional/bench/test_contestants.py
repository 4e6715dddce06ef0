"""Every contestant that the tests can install names sample photos, in this process or in one of its own."""

import json
import subprocess
import sys
from dataclasses import astuple
from pkgutil import resolve_name

import pytest
from PIL import Image

from bench import cold_start, detection, fresh, offline
from bench.contestants import CONTESTANTS, NOBODY, Setup
from bench.subject import Subject
from deploy.local import temporary
from model.settings import ROOT, Settings
from scripts import samples as sample_photos
from training.observer import Observer

OBAMA, BIDEN = "Barack Obama", "Joe Biden"
SIDE = 400


@pytest.fixture(scope="module")
def subject(samples, bundle, run, aligned, weights, tmp_path_factory):
    """Small copies of sample photos: two people to learn from, and a new photo of one of them to be named."""
    home = tmp_path_factory.mktemp("subject")
    people = samples / sample_photos.PEOPLE
    files = {"1": people / OBAMA / "obama.jpg", "2": people / BIDEN / "biden.jpg", "3": samples / sample_photos.UNSEEN}
    small = {name: home / f"{name}.jpg" for name in files}
    for name, file in files.items():
        with Image.open(file) as photo:
            photo.thumbnail((SIDE, SIDE))
            photo.convert("RGB").save(small[name])
    setup = Setup(bundle, run, weights.file, home / "known")
    learned = {OBAMA: [small["1"]], BIDEN: [small["2"]]}
    return Subject(home, people, aligned, setup, learned, [(OBAMA, small["3"])], Settings.read())


@pytest.fixture(scope="module")
def nobody(tmp_path_factory):
    """A photo without a face."""
    path = tmp_path_factory.mktemp("nobody") / "grey.jpg"
    Image.new("RGB", (SIDE, SIDE), "gray").save(path)
    return path


@pytest.mark.parametrize("name", sorted(set(CONTESTANTS) - {"face_recognition", "visage-onnx"}))
def test_a_contestant_names_a_new_photo_and_finds_nobody_without_a_face(subject, nobody, name):
    contestant = resolve_name(CONTESTANTS[name])(subject.setup, subject.settings)
    contestant.learn(subject.people)
    ((person, photo),) = subject.held_out
    answer = contestant.answer(photo.read_bytes())
    assert (answer.name, answer.known, answer.faces) == (person, True, 1)
    assert contestant.answer(nobody.read_bytes()) == NOBODY


def test_a_contestants_process_answers_until_its_questions_end(subject):
    ((person, photo),) = subject.held_out
    questions = [{"learn": {person: [str(photo)]}}, {"answer": str(photo)}, {"memory": True}]
    command = [sys.executable, "-m", "bench.contestant_process", "visage-onnx", "--threads", "1", "--setup"]
    done = subprocess.run(
        [*command, *map(str, astuple(subject.setup))],
        input="\n".join(map(json.dumps, questions)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    ready, learned, answer, memory = map(json.loads, done.stdout.splitlines())
    assert (ready, learned) == ({"ready": True}, {"learned": True})
    assert (answer["name"], answer["known"], answer["faces"]) == (person, True, 1)
    assert set(answer["stages"]) == {"decode", "detect", "align", "recognize"}
    assert answer["ms"] >= sum(answer["stages"].values())
    assert 0 < memory["resident_mb"] <= memory["peak_mb"]


def test_a_peer_downloads_its_network_when_it_starts(subject):
    with (
        temporary(subject.home / "local-aws", subject.settings) as aws,
        cold_start._published(subject, aws) as environment,
    ):
        ((person, photo),) = subject.held_out
        report = fresh.start("plain", [photo], subject.setup, environment, fetch="s3://bench/run")
    assert environment["VISAGE_MODEL"] == "s3://bench/bundle"
    assert report.names == [person]
    assert list(report.stages_ms) == ["interpreter", "imports", "fetch", "load", "first request"]


def test_both_detectors_find_the_faces_that_a_third_is_sure_of(subject):
    steps = []
    rows = detection.measure(subject, lambda *step: steps.append(step), rounds=1)
    assert [row.way for row in rows] == ["visage", "hog"]
    for row in rows:
        assert (row.photos, row.timed, row.with_a_face, row.witnessed) == (3, 1, 3, 3)
        assert (row.found, row.unwitnessed) == (3, 0)
        assert row.rounds_ms[0] > 0
    assert steps[-1] == ("Timing detection", 1, 1)


def test_training_is_compared_with_the_whole_network_in_every_epoch(subject, monkeypatch):
    trained = []

    def train(faces, run, recipe, weights, observer):
        assert isinstance(observer, Observer)
        trained.append(run)
        return {"training": {"accuracy": 1.0}}

    monkeypatch.setattr(offline, "train", train)
    ours, plain = offline.measure_training(subject, lambda *_: None, rounds=1)
    assert len(trained) == 1
    assert (ours.way, ours.epochs, ours.accuracy) == ("visage", ours.of, 1.0)
    assert (plain.way, plain.epochs, plain.of, plain.faces) == ("plain", 1, ours.of, ours.faces)
    assert plain.rounds_s[0] > 0
