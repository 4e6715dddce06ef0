"""What the commands print for people, and how they hand their options on; what takes long was done before."""

import json
import os
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dataset.selection import Cause, Outcome
from model import bundle as bundles
from model.roster_storage import beside
from scripts import enroll, export
from training import faces
from training.enrolment import gallery_of
from training.faces import TRAIN, VALIDATION
from training.run import CURVES, RUN, Description

WEIGHTS = ("--pretrained", "casia-webface")
OBAMA, BIDEN = "Barack Obama", "Joe Biden"


@pytest.fixture
def opened(bundle):
    return bundles.load(str(bundle))


@pytest.fixture
def finished(run, tmp_path):
    """A finished run. Its large files are those of the session."""
    return shutil.copytree(run, tmp_path / "run", copy_function=os.link)


def test_a_finished_training_is_shown_and_not_repeated(visage, aligned, finished):
    ended = visage("train", aligned, finished, *WEIGHTS)
    assert ended.status == 0
    assert ended.out.startswith("best epoch ")
    assert "training    loss " in ended.out
    assert "epoch  1/" not in ended.err
    assert (finished / CURVES).read_bytes().startswith(b"\x89PNG")


def test_an_export_says_what_its_threshold_comes_from(visage, opened, finished, weights, monkeypatch, tmp_path):
    asked = []

    def export_run(run, target, *, false_accept_rate, cohort, impostors, replace_existing):
        assert cohort.is_measured
        asked.append((run, target, false_accept_rate, impostors.shape, replace_existing))
        return SimpleNamespace(bundle=opened, difference=0.0012)

    monkeypatch.setattr(
        export, "embed_all", lambda strangers, *_: {str(photo): np.zeros(512) for photo in strangers.photos}
    )
    monkeypatch.setattr("training.export.export", export_run)
    (tmp_path / "strangers").mkdir()
    for number in range(3):
        (tmp_path / "strangers" / f"{number}.jpg").touch()
    options = ("--impostors", tmp_path / "strangers", "--false-accept-rate", "0.05", "--replace")
    ended = visage("export", finished, tmp_path / "bundle", *options)
    assert ended.status == 0
    assert asked == [(finished, tmp_path / "bundle", 0.05, (3, 512), True)]
    assert f"version {opened.manifest.version}" in ended.out
    assert f"A face counts as known from score {opened.manifest.threshold:.3f}" in ended.out
    assert "from the trained one: 0.12%" in ended.out


def test_strangers_are_embedded_by_the_weights_of_the_run_alone(visage, finished, weights, tmp_path):
    text = (finished / RUN).read_text(encoding="utf-8")
    (finished / RUN).unlink()
    (finished / RUN).write_text(text.replace(weights.sha256, "0" * 64), encoding="utf-8")
    ended = visage("export", finished, tmp_path / "bundle", "--impostors", tmp_path)
    assert ended.status == 1
    assert "is not the file that" in ended.err
    assert "Train again" in ended.err


def test_a_run_is_evaluated_on_the_photos_that_it_held_out(visage, bundle, finished, samples, monkeypatch, tmp_path):
    description = Description.read(finished)
    roles = tuple(VALIDATION if chip == f"{OBAMA}/obama.jpg.jpg" else TRAIN for chip in description.chips)
    assert VALIDATION in roles
    (finished / RUN).unlink()
    (finished / RUN).write_text(replace(description, roles=roles).to_json(), encoding="utf-8")
    exported = SimpleNamespace(bundle=SimpleNamespace(directory=bundle))
    monkeypatch.setattr("training.export.export", lambda *_, **__: exported)
    people, strangers = samples / "people", samples / "strangers"
    words = ("evaluate", finished, people, "--held-out", "--strangers", strangers, "--output", tmp_path / "report")
    ended = visage(*words)
    assert ended.status == 0
    assert "A face was found in 2 of 2 photos." in ended.out
    assert "Right name: 100.00%" in ended.out
    assert "Strangers given a name: 0.00% of 1." in ended.out
    assert BIDEN not in ended.out
    assert "Report: " in ended.err


def test_groups_are_compared_and_shown(visage, bundle, samples, tmp_path):
    file = tmp_path / "groups.csv"
    file.write_text(f"person,group\n{OBAMA},one\n{BIDEN},two\n")
    words = ("evaluate", bundle, samples / "people", "--groups", file, "--output", tmp_path / "report")
    shown = visage(*words)
    groups = json.loads((tmp_path / "report" / "evaluation.json").read_text(encoding="utf-8"))["groups"]
    assert {name: group["photos"] for name, group in groups["figures"].items()} == {"one": 4, "two": 1}
    assert groups["photos_in_no_group"] == 2
    assert "20.7 to 100.0" in shown.out
    assert "No gap is stated: it takes two groups of at least 20 photos each." in shown.out
    assert "In no group: 2 photos." in shown.out
    assert "<h2>Groups</h2>" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


def test_a_bad_file_of_groups_is_refused_before_anything_is_recognised(visage, bundle, samples, tmp_path):
    (tmp_path / "groups.csv").write_text("Nobody,one\n")
    words = ("--groups", tmp_path / "groups.csv", "--output", tmp_path / "report")
    ended = visage("evaluate", bundle, samples / "people", *words)
    assert ended.status == 1
    assert "Line 1 of" in ended.err
    assert not (tmp_path / "report").exists()


def test_a_run_that_held_out_other_photos_cannot_be_evaluated_on_these(visage, run, samples, tmp_path):
    ended = visage("evaluate", run, samples, "--held-out", "--output", tmp_path / "report")
    assert ended.status == 1
    assert "was held out when" in ended.err


def test_people_whom_the_bundle_does_not_know_are_named(visage, bundle, samples, tmp_path):
    shutil.copytree(samples / "people" / OBAMA, tmp_path / "people" / "Nobody")
    for photo in list((tmp_path / "people" / "Nobody").iterdir())[1:]:
        photo.unlink()
    ended = visage("evaluate", bundle, tmp_path / "people", "--output", tmp_path / "report")
    assert ended.status == 0
    assert "Not known to the model, so that the answer is always wrong: Nobody" in " ".join(ended.err.split())


@pytest.fixture
def newcomer(opened, monkeypatch):
    """Stand in for the search for faces: it finds one person, and sets one photo aside."""
    face = gallery_of(opened).embeddings[:1]
    outcome = Outcome("Zoë/2.jpg", "Zoë", cause=Cause.BLURRED, reason="The face is too blurred.")
    report = SimpleNamespace(left_out=[outcome], remarks=["A remark."], questions=[])
    monkeypatch.setattr(enroll, "select_faces", lambda *_, **__: ([], report))
    people = {"Zoë": -face}
    monkeypatch.setattr("training.enrolment.embeddings_of", lambda _: people)
    return people


def test_enrolling_says_who_was_enrolled_and_what_was_set_aside(visage, bundle, newcomer, samples, tmp_path):
    mine = shutil.copytree(bundle, tmp_path / "bundle")
    ended = visage("enroll", mine, samples)
    assert ended.status == 0
    enrolled, set_aside, remark, version = ended.out.splitlines()
    assert enrolled == "enrolled Zoë, from 1 photo"
    assert set_aside == "set aside Zoë/2.jpg: The face is too blurred."
    assert remark == "note A remark."
    assert version == f"{tmp_path / 'bundle.roster.npz'}: version 1, 1 person"


def test_photos_without_a_face_enrol_nobody(visage, bundle, newcomer, samples, tmp_path):
    newcomer.clear()
    ended = visage("enroll", bundle, samples)
    assert (ended.status, beside(bundle).exists()) == (1, False)
    assert "Nobody can be enrolled: The face is too blurred." in ended.err


def test_retraining_gets_the_faces_of_the_others_and_says_so(visage, bundle, opened, aligned, monkeypatch, tmp_path):
    asked = []

    def retrain(_bundle, others, *_, **options):
        asked.append((others.labels, options["replace_existing"]))
        return opened

    monkeypatch.setattr("training.retraining.retrain", retrain)
    prepared = shutil.copytree(aligned, tmp_path / "aligned")
    labels = tuple(label for label in faces.read(prepared).labels if label != BIDEN)
    ended = visage("forget", bundle, BIDEN, "--retrain", prepared, "--output", tmp_path / "bundle")
    assert ended.status == 0
    assert asked == [(labels, False)]
    assert not (prepared / BIDEN).exists()
    assert f"files with faces of {BIDEN}." in ended.out
    assert f"The network was trained again without {BIDEN}." in ended.out
