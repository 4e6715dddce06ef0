"""Photos to be judged on are set aside before anything looks at a photo, and the whole product is run on the rest."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from dataset.folders import files, walk
from evaluation import people as people_benchmark
from evaluation.people import measure
from evaluation.people_split import split
from evaluation.report import PAGE
from scripts import benchmark
from training.errors import DatasetError
from training.recipe import Recipe
from training.run import Description

PEOPLE = {"Ann": 10, "Bob": 5, "Cid": 1}


@pytest.fixture
def photos(tmp_path):
    """Files of three people, some of them deeper down, all different."""
    for person, count in PEOPLE.items():
        for number in range(count):
            path = tmp_path / "photos" / person / str(number % 2) / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{person} {number}")
    return tmp_path / "photos"


def names(folder):
    return {path.relative_to(folder).as_posix() for path in files(folder)}


def test_a_share_of_everybodys_photos_is_kept_for_the_test(photos, tmp_path):
    parts = split(photos, tmp_path / "split", 0.2, seed=0)
    assert {name: len(paths) for name, paths in walk(parts.test).photos.items()} == {"Ann": 2, "Bob": 1}
    assert {name: len(paths) for name, paths in walk(parts.train).photos.items()} == {"Ann": 8, "Bob": 4, "Cid": 1}
    assert names(parts.train) | names(parts.test) == names(photos)
    assert names(parts.test) == set(parts.tested)
    assert all(path.is_symlink() and path.read_text() for path in files(parts.test))
    assert parts.copies == []


def test_the_seed_decides_and_an_earlier_split_leaves_nothing_behind(photos, tmp_path):
    tested = [split(photos, tmp_path / "split", 0.3, seed).tested for seed in (1, 1, 2)]
    assert tested[0] == tested[1] != tested[2]
    assert names(tmp_path / "split" / "test") == set(tested[2])
    assert names(tmp_path / "split" / "train") == names(photos) - set(tested[2])


def test_where_links_cannot_be_made_photos_are_copied(photos, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError

    monkeypatch.setattr(Path, "symlink_to", refuse)
    parts = split(photos, tmp_path / "split", 0.2, seed=0)
    for name in parts.tested:
        copy, original = parts.test / name, photos / name
        assert (copy.read_bytes(), copy.stat().st_mtime_ns) == (original.read_bytes(), original.stat().st_mtime_ns)
        assert not copy.is_symlink()


def test_copies_across_the_split_are_named(photos, tmp_path):
    for path in (photos / "Bob").rglob("*.jpg"):
        path.write_text("always the same")
    parts = split(photos, tmp_path / "split", 0.2, seed=0)
    assert [name.partition("/")[0] for name in parts.copies] == ["Bob"]


def test_a_folder_with_something_else_is_left_alone(photos, tmp_path):
    with pytest.raises(DatasetError, match="holds something that is no split"):
        split(photos, photos, 0.2, seed=0)
    assert len(names(photos)) == sum(PEOPLE.values())


def test_too_few_photos_are_told(photos, tmp_path):
    for person in ("Ann", "Bob"):
        shutil.rmtree(photos / person)
    with pytest.raises(DatasetError, match="left for the test"):
        split(photos, tmp_path / "split", 0.2, seed=0)


@pytest.mark.parametrize(
    ("output", "strangers", "sentence"),
    [("photos/new", None, "is inside the photos"), ("new", "none", "No such folder: none")],
)
def test_folders_that_will_not_do_are_told(photos, tmp_path, output, strangers, sentence):
    with pytest.raises(DatasetError, match=sentence):
        measure(photos, tmp_path / output, None, Recipe(), test=0.2, strangers=strangers and Path(strangers))
    assert not (tmp_path / output).exists()


@dataclass
class Done:
    """A benchmark of the sample people: its result, its output and the steps it told of."""

    result: people_benchmark.Result
    output: Path
    steps: list


@pytest.fixture(scope="module")
def done(samples, weights, tmp_path_factory):
    output, steps = tmp_path_factory.mktemp("benchmark") / "people", []
    result = measure(
        samples / "people",
        output,
        weights,
        Recipe(epochs=2),
        test=0.25,
        strangers=samples / "strangers",
        workers=1,
        on_step=lambda *step: steps.append(step),
    )
    result.write(output)
    return Done(result, output, steps)


def test_everything_is_measured_on_photos_that_training_never_saw(done, samples):
    figures = json.loads((done.output / people_benchmark.Result.FILE).read_text(encoding="utf-8"))
    assert figures == done.result.to_dict()
    assert (figures["photos"], figures["photos_with_a_face"]) == (7, 7)
    assert figures["train"] == {"photos": 6, "with_a_face": 6, "kept": 6}
    assert figures["test"] == {"photos": 1, "with_a_face": 1, "people_never_learned": [], "also_in_training": []}
    assert (figures["name_right"], figures["strangers"]) == (1.0, 1)
    assert figures["name_right_interval"][0] < figures["name_right_interval"][1] == 1.0
    assert figures["training"]["epochs"] == 2
    assert figures["training"]["seconds"] > sum(epoch["seconds"] for epoch in done.result.metrics["epochs"])
    tested = {os.fspath(path) for path in done.result.split.tested}
    learned = {name.removesuffix(".jpg") for name in Description.read(done.output / "run").chips}
    assert learned == names(samples / "people") - tested
    assert (done.output / "evaluation" / PAGE).is_file()
    assert figures["version"] == done.result.exported.bundle.manifest.version


def test_figures_are_shown(done, capsys):
    benchmark._show_people(done.result.to_dict())
    shown = capsys.readouterr().out
    assert "7 of 7 photos have a face." in shown
    assert "100.00%" in shown


def test_every_step_tells_how_far_it_is(done):
    last = {what: (count, total) for what, count, total in done.steps}
    assert list(last) == ["Looking at training photos", "Frozen layers, faces", "Training, epochs", "Recognising"]
    assert all(count == total for count, total in last.values())
    assert last["Recognising"] == (2, 2)


def test_training_starts_from_scratch_each_time(done, weights, monkeypatch):
    """An earlier run is gone when training begins, which would otherwise return at once."""
    found = []
    monkeypatch.setattr(people_benchmark, "train", lambda _, run, *__: found.append(run.exists()) or {})
    shutil.copytree(done.output / "run", done.output / "kept")
    people_benchmark._train(done.output, Recipe(epochs=2), weights, "cpu", print)
    (done.output / "kept").rename(done.output / "run")
    assert found == [False]
