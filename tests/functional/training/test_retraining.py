"""`visage forget --retrain` trains the network again without the person."""

from dataclasses import replace

import pytest

from model import bundle as bundles
from model.bundle import Bundle
from training import faces
from training.errors import DatasetError, RunError
from training.members import others_than
from training.observer import Observer
from training.retraining import retrain

NAME = "Joe Biden"


def short(bundle):
    """The same bundle, as if it had been trained in one epoch on small chips, and calibrated on photos of strangers."""
    training = dict(bundle.manifest.training)
    training["recipe"] = {**training["recipe"], "epochs": 1, "size": 96, "batch_size": 4}
    calibration = {**bundle.manifest.calibration, "estimates": {"impostors": 0.75}, "drawn_rate": 1e-4}
    return replace(bundle, manifest=replace(bundle.manifest, training=training, calibration=calibration))


@pytest.fixture(scope="module")
def opened(bundle):
    return bundles.load(str(bundle))


@pytest.fixture
def others(opened, aligned):
    return faces.read(aligned).only(others_than(opened.manifest, NAME))


class Interrupted(Observer):
    def on_epoch(self, epoch, epochs):
        raise KeyboardInterrupt


def test_the_new_bundle_knows_everybody_but_the_person(opened, others, weights, tmp_path):
    run, target = tmp_path / "run", tmp_path / "bundle"
    with pytest.raises(KeyboardInterrupt):
        retrain(short(opened), others, run, weights, target, Interrupted())
    assert not target.exists()
    made = retrain(short(opened), others, run, weights, target, Observer())
    assert isinstance(made, Bundle)
    assert made.manifest.labels == tuple(label for label in opened.manifest.labels if label != NAME)
    assert made.manifest.training["fingerprint"] == others.fingerprint()
    assert made.manifest.calibration["drawn_rate"] == 1e-4
    assert made.manifest.threshold == made.manifest.calibration["estimates"]["impostors"]
    assert NAME not in made.path(bundles.MANIFEST).read_text(encoding="utf-8")
    assert bundles.load(str(target)).manifest.version == made.manifest.version
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle"]


def test_a_bundle_that_does_not_say_how_it_was_trained_is_refused(opened, others, weights, tmp_path):
    older = replace(opened, manifest=replace(opened.manifest, training={"recipe": {"lr": 1}}))
    with pytest.raises(RunError, match="older version"):
        retrain(older, others, tmp_path / "run", weights, tmp_path / "bundle", Observer())


def test_only_the_given_people_are_trained_on(opened, aligned):
    every = faces.read(aligned)
    some = every.only(others_than(opened.manifest, NAME))
    assert NAME not in some.labels
    assert {name.partition("/")[0] for name in some.names()} == set(some.labels)
    for row, chip in enumerate(some.names()):
        assert some.labels[some.people[row]] == chip.partition("/")[0]


def test_people_without_faces_are_named(aligned):
    with pytest.raises(DatasetError, match="no faces of Nobody"):
        faces.read(aligned).only(["Nobody", NAME])
