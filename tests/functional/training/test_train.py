"""A training run continues after an interruption, changes only its layers, and uses only its folder."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from training import faces
from training.errors import RunError
from training.network import VisageNetwork
from training.observer import Observer
from training.recipe import Recipe
from training.run import CHECKPOINT, METRICS, NETWORK, RUN, discard
from training.train import train

RECIPE = Recipe(epochs=3, batch_size=4, size=96, validation=0.5)


class Watcher(Observer):
    """Counts epochs, and interrupts as Ctrl-C does: after some epoch, or during the activations."""

    def __init__(self, stop_after=None, stop_in_activations=False):
        self.stop_after, self.stop_in_activations = stop_after, stop_in_activations
        self.epochs = []

    def on_activations(self, *_):
        if self.stop_in_activations:
            raise KeyboardInterrupt

    def on_epoch(self, epoch, _epochs):
        self.epochs.append(epoch.number)
        if epoch.number == self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def people(aligned):
    return faces.read(aligned)


@pytest.fixture(scope="module")
def finished(people, weights, tmp_path_factory):
    """A short run without an interruption."""
    folder = tmp_path_factory.mktemp("finished")
    train(people, folder, RECIPE, weights, Watcher())
    return folder


@pytest.fixture(scope="module")
def stopped(people, weights, tmp_path_factory):
    """A run that was interrupted before its first epoch, and one that was interrupted after it."""
    before, after = (tmp_path_factory.mktemp("stopped") / name for name in ("before", "after"))
    begin(people, weights, before)
    shutil.copytree(before, after)
    with pytest.raises(KeyboardInterrupt):
        train(people, after, RECIPE, weights, Watcher(stop_after=1))
    return before, after


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of the short run, for a test that damages it."""
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def unfinished(stopped, tmp_path):
    """A copy of the run that was interrupted after its first epoch."""
    return shutil.copytree(stopped[1], tmp_path / "run")


def history(metrics):
    return [{name: value for name, value in epoch.items() if name != "seconds"} for epoch in metrics["epochs"]]


def metrics_of(run):
    return json.loads((run / METRICS).read_text(encoding="utf-8"))


def assert_same_figures(found, expected):
    for one, other in zip(history(found), history(expected), strict=True):
        assert one == pytest.approx(other, abs=1e-4)  # threads may add in another order
    for role in ("training", "validation"):
        assert found[role] == pytest.approx(expected[role], abs=1e-4)


@pytest.mark.parametrize("epoch", [1, 3])
def test_an_interrupted_run_ends_like_an_uninterrupted_one(people, weights, finished, unfinished, epoch):
    if epoch > 1:
        with pytest.raises(KeyboardInterrupt):
            train(people, unfinished, RECIPE, weights, Watcher(stop_after=epoch))
    rest = Watcher()
    found = train(people, unfinished, RECIPE, weights, rest)
    assert rest.epochs == list(range(epoch + 1, 4))
    assert_same_figures(found, metrics_of(finished))


def test_a_run_interrupted_before_its_first_epoch_ends_like_an_uninterrupted_one(
    people, weights, finished, stopped, tmp_path
):
    run = shutil.copytree(stopped[0], tmp_path / "run")
    assert_same_figures(train(people, run, RECIPE, weights, Watcher()), metrics_of(finished))


def test_a_finished_run_is_not_trained_again(people, weights, finished):
    watcher = Watcher()
    assert train(people, finished, RECIPE, weights, watcher) == metrics_of(finished)
    assert watcher.epochs == []


def test_only_naming_head_and_classifier_are_changed(finished, people, weights):
    trained = torch.load(finished / NETWORK, weights_only=True)
    before = VisageNetwork(len(people.labels)).load_pretrained(weights.state).state_dict()
    changed = {name.partition(".")[0] for name, v in trained.items() if not torch.equal(v, before[name])}
    assert changed == {"naming_head", "classifier"}


def test_the_activations_do_not_outlive_the_training(finished):
    assert not list(finished.glob("activations*"))


def test_the_best_epoch_is_the_most_accurate_on_the_holdout(finished):
    metrics = metrics_of(finished)
    best = max(metrics["epochs"], key=lambda e: (e["validation_accuracy"], -e["validation_loss"]))
    assert metrics["best_epoch"] == best["number"]
    assert metrics["validation"]["loss"] == pytest.approx(best["validation_loss"], abs=1e-4)


@pytest.mark.parametrize("other", [{"epochs": 4}, {"seed": 1}, {"size": 128}], ids=str)
def test_another_recipe_needs_another_folder(people, weights, finished, other):
    with pytest.raises(RunError, match="--restart"):
        train(people, finished, replace(RECIPE, **other), weights, Watcher())


def test_other_faces_need_another_folder(weights, copy, aligned, tmp_path):
    more = shutil.copytree(aligned, tmp_path / "aligned")
    chip = next(more.glob("Joe Biden/*.jpg"))
    shutil.copyfile(chip, chip.with_name("second.jpg"))
    with pytest.raises(RunError, match="other faces"):
        train(faces.read(more), copy, RECIPE, weights, Watcher())


def test_a_folder_of_something_else_is_left_alone(people, weights, tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError, match="no training run"):
        train(people, tmp_path, RECIPE, weights, Watcher())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"recipe": {"lr": 1}}'])
def test_a_damaged_description_is_reported(people, weights, copy, text):
    (copy / RUN).write_text(text)
    with pytest.raises(RunError, match="damaged"):
        train(people, copy, RECIPE, weights, Watcher())


def test_a_damaged_checkpoint_is_reported(people, weights, unfinished):
    (unfinished / CHECKPOINT).write_bytes(b"PK\x03\x04 no checkpoint")
    with pytest.raises(RunError):
        train(people, unfinished, RECIPE, weights, Watcher())


def begin(people, weights, run):
    """Train until the first activations are stored."""
    with pytest.raises(KeyboardInterrupt):
        train(people, run, RECIPE, weights, Watcher(stop_in_activations=True))


def test_a_run_killed_while_storing_activations_ends_like_an_uninterrupted_one(
    people, weights, finished, stopped, tmp_path
):
    run = shutil.copytree(stopped[0], tmp_path / "run")
    (run / "activations.count").write_text("")
    assert_same_figures(train(people, run, RECIPE, weights, Watcher()), metrics_of(finished))


def test_files_of_a_killed_process_do_not_block_a_new_run(people, weights, tmp_path):
    (tmp_path / "run.json.part").write_text("{")
    begin(people, weights, tmp_path)
    assert (tmp_path / RUN).exists()


def test_a_discarded_run_leaves_an_empty_folder(copy):
    discard(copy)
    assert list(copy.iterdir()) == []


@pytest.mark.parametrize("name", ["thesis.tex", "notes/draft.txt", "network.pt.orig"])
def test_a_run_beside_other_files_is_not_discarded(copy, name):
    (copy / name).parent.mkdir(exist_ok=True)
    (copy / name).write_text("months of work")
    before = sorted(copy.rglob("*"))
    with pytest.raises(RunError, match=r"no training wrote; nothing was deleted"):
        discard(copy)
    assert sorted(copy.rglob("*")) == before


def test_discarding_a_folder_without_a_run_changes_nothing(tmp_path):
    (tmp_path / "thesis.tex").touch()
    discard(tmp_path)
    discard(tmp_path / "nowhere")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("text", ["", "[", "5", "[]", "{}", '{"faces": {}}'])
def test_damaged_metrics_are_told(people, weights, copy, text):
    (copy / METRICS).write_text(text)
    with pytest.raises(RunError, match="damaged"):
        train(people, copy, RECIPE, weights, Watcher())


@pytest.mark.parametrize("content", [{}, [1], {"tuned": {}}, {"tuned": 3, "optimizer": {}}], ids=str)
def test_a_checkpoint_with_other_content_is_reported(people, weights, unfinished, content):
    torch.save(content, unfinished / CHECKPOINT)
    with pytest.raises(RunError, match="--restart"):
        train(people, unfinished, RECIPE, weights, Watcher())


def test_files_of_file_managers_are_ignored(people, weights, copy, tmp_path):
    (copy / ".DS_Store").touch()
    discard(copy)
    assert [path.name for path in copy.iterdir()] == [".DS_Store"]
    begin(people, weights, copy)
