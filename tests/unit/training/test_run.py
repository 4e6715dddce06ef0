"""The folder of a run of an older version, or one that is damaged, is read or refused in one sentence."""

import json

import pytest

from preprocess.geometry import Geometry
from training.claim import claim
from training.errors import RunError
from training.recipe import Recipe
from training.run import METRICS, RUN, Description, discard, read_metrics

NFC, NFD = "Zo\u00eb", "Zoe\u0308"


def description(*labels):
    return Description(Recipe(), labels, {"name": "a", "sha256": "b"}, "c", Geometry(), ("x.jpg",), (0,), (0,))


def test_a_run_that_stored_the_folders_spelling_is_the_same_run(tmp_path):
    (tmp_path / RUN).write_text(description("Ann", NFD).to_json(), encoding="utf-8")
    assert Description.read(tmp_path).labels == ("Ann", NFC)
    claim(tmp_path, description("Ann", NFC))


def test_its_metrics_name_people_as_labels_do(tmp_path):
    metrics = {"training": {}, "validation": None, "epochs": [], "faces": {NFD: 3}, "best_epoch": 1}
    (tmp_path / METRICS).write_text(json.dumps(metrics))
    assert read_metrics(tmp_path) == metrics | {"faces": {NFC: 3}}


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"faces": []}', '{"faces": {"Ann": 1}}', "\x00"])
def test_damaged_metrics_are_refused(tmp_path, text):
    (tmp_path / METRICS).write_text(text)
    with pytest.raises(RunError, match="damaged"):
        read_metrics(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"labels": [1]}', "\x00"])
def test_a_damaged_description_is_refused(tmp_path, text):
    (tmp_path / RUN).write_text(text)
    with pytest.raises(RunError, match="--restart"):
        Description.read(tmp_path)


def test_a_link_to_a_run_is_discarded_as_the_run_itself_and_stays_a_link(tmp_path):
    run, link = tmp_path / "run", tmp_path / "link"
    claim(run, description("Ann"))
    link.symlink_to(run)
    discard(link)
    assert link.is_symlink()
    assert list(run.iterdir()) == []


@pytest.mark.parametrize("name", ["thesis.tex", "network.pt/mine.txt", "notes/a.txt"])
def test_a_run_with_somebodys_files_is_left_whole(tmp_path, name):
    claim(tmp_path, description("Ann"))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(RunError, match="no training wrote"):
        discard(tmp_path)
    assert (tmp_path / RUN).exists()


@pytest.mark.parametrize("make", ["mkdir", "touch"])
def test_what_is_no_run_is_left_alone(tmp_path, make):
    getattr(tmp_path / "other", make)()
    discard(tmp_path / "other")
    assert (tmp_path / "other").exists()
