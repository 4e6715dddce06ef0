"""The whole product is measured on the sample people."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from dataset.folders import files, listing, walk
from dataset.tally import told_copies
from evaluation import people as people_benchmark
from evaluation.people import measure
from evaluation.report import PAGE
from model.settings import Settings
from tests.processes import without_workers
from training.recipe import Recipe
from training.run import Description


def names(folder):
    return {path.relative_to(folder).as_posix() for path in files(folder)}


@dataclass
class Done:
    """A benchmark of the sample people: its result, its output and the steps that it reported."""

    result: people_benchmark.Result
    output: Path
    steps: list


@pytest.fixture(scope="module")
def done(samples, weights, tmp_path_factory):
    output, steps = tmp_path_factory.mktemp("benchmark") / "people", []
    with without_workers():
        result = measure(
            walk(samples / "people"),
            output,
            weights,
            Recipe(epochs=2),
            Settings.read(),
            test=0.25,
            strangers=listing(samples / "strangers"),
            workers=1,
            on_step=lambda *step: steps.append(step),
        )
    result.write(output)
    return Done(result, output, steps)


def test_everything_is_measured_on_photos_that_training_never_saw(done, samples):
    figures = json.loads((done.output / people_benchmark.Result.FILE).read_text(encoding="utf-8"))
    assert figures == done.result.to_dict()
    assert (figures["photos"], figures["photos_with_a_face"]) == (7, 7)
    tested = len(done.result.split.tested)
    assert figures["train"] == dict.fromkeys(("photos", "with_a_face", "kept"), 7 - tested)
    assert figures["test"] == {"photos": tested, "with_a_face": tested, "people_never_learned": []}
    assert (figures["name_right"], figures["strangers"]) == (1.0, 1)
    assert figures["name_right_interval"][0] < figures["name_right_interval"][1] == 1.0
    assert figures["training"]["epochs"] == 2
    assert figures["training"]["seconds"] > sum(epoch["seconds"] for epoch in done.result.metrics["epochs"])
    tested = {os.fspath(path) for path in done.result.split.tested}
    learned = {name.removesuffix(".jpg") for name in Description.read(done.output / "run").chips}
    assert learned == names(samples / "people") - tested
    assert (done.output / "evaluation" / PAGE).is_file()
    assert figures["version"] == done.result.exported.bundle.manifest.version


def test_every_step_reports_its_progress(done):
    last = {what: (count, total) for what, count, total in done.steps}
    assert list(last) == [
        "Finding faces",
        "Preparing training photos",
        "Frozen layers, faces",
        "Training, epochs",
        "Network in eight bits, faces",
        "Recognising",
    ]
    assert all(count == total for count, total in last.values())
    assert last["Recognising"] == (len(done.result.split.tested) + 1,) * 2


def test_training_starts_from_scratch_each_time(done, weights, monkeypatch):
    """Files of an earlier run are deleted before training begins; otherwise training would return at once."""
    found = []
    monkeypatch.setattr(people_benchmark, "train", lambda _, run, *__: found.append(list(run.iterdir())) or {})
    shutil.copytree(done.output / "run", done.output / "kept")
    people_benchmark._train(done.output, Recipe(epochs=2), weights, "cpu", print)
    (done.output / "kept").rename(done.output / "run")
    assert found == [[]]


def test_the_command_measures_what_it_is_asked_to_and_shows_it(done, samples, visage, monkeypatch):
    asked = []

    def measured(photos, output, weights, recipe, settings, **options):
        folders = photos.root, options["strangers"].root
        asked.append((*folders, weights.name, recipe.seed, options["test"], options["workers"]))
        return done.result

    monkeypatch.setattr(people_benchmark, "measure", measured)
    photos, strangers, output = samples / "people", samples / "strangers", done.output.parent / "command"
    words = ["benchmark", "people", photos, "--strangers", strangers, "--test", "0.25", "--seed", "3", "--workers", "1"]
    ended = visage(*words, "--pretrained", "casia-webface", "--output", output)
    assert ended.status == 0
    assert asked == [(photos, strangers, "casia-webface", 3, 0.25, 1)]
    assert "A face was found in 7 of 7 photos." in ended.out
    assert "100.00%" in ended.out
    assert told_copies(done.result.split.copies) in ended.out
    assert json.loads((output / people_benchmark.Result.FILE).read_text(encoding="utf-8")) == done.result.to_dict()
