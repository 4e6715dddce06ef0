"""`visage export` with weights that nobody measured: CASIA-WebFace's under another name."""

import json
import os
import shutil
from urllib.error import URLError

import numpy as np
import pytest

from model import bundle as bundles
from model.bundle import MODEL
from scripts import export as export_command
from scripts import lfw_photos
from tests.crowds import crowd
from training import cohorts
from training import export as exports
from training.run import RUN


@pytest.fixture
def unmeasured(run, bundle, weights, monkeypatch, tmp_path):
    """A finished run that was trained from weights in a file, and no folder of what was measured before."""

    def write(_network, _samples, folder):
        shutil.copyfile(bundle / MODEL, folder / MODEL)
        return 0.0

    monkeypatch.setattr(exports, "_write", write)
    for module in (export_command, lfw_photos):
        monkeypatch.setattr(module, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(lfw_photos, "_PHOTOS", tmp_path / "none")
    mine = tmp_path / "mine.pt"
    os.link(weights.file, mine)
    copy = shutil.copytree(run, tmp_path / "run", copy_function=os.link)
    described = json.loads((copy / RUN).read_text(encoding="utf-8"))
    (copy / RUN).unlink()
    (copy / RUN).write_text(json.dumps(described | {"pretrained": {"name": str(mine), "sha256": weights.sha256}}))
    return copy


@pytest.fixture
def impostors(monkeypatch, tmp_path):
    """Photos of many strangers, whose faces are found at once."""
    folder = tmp_path / "impostors"
    folder.mkdir()
    for number in range(500):
        (folder / f"{number}.jpg").touch()

    def embed_all(photos, *_):
        names = [path.name for path in photos.photos]
        return dict(zip(names, crowd(len(names)), strict=True))

    monkeypatch.setattr(cohorts, "embed_all", embed_all)
    monkeypatch.setattr(export_command, "embed_all", embed_all)
    return folder


def calibration_of(folder):
    return bundles.load(str(folder)).manifest.calibration


def test_the_rate_is_assumed_and_one_line_says_so(visage, unmeasured, tmp_path):
    ended = visage("export", unmeasured, tmp_path / "bundle")
    assert ended.status == 0
    assert "assumed, not measured: nobody has measured strangers with the weights" in ended.err
    assert "--measure" in ended.err
    assert "1 % of strangers reach that: assumed, not measured" in ended.out
    assert calibration_of(tmp_path / "bundle")["measured_on"] is None


@pytest.mark.parametrize("answer", [True, False])
def test_at_a_terminal_it_offers_to_measure_and_says_in_one_line_that_it_could_not(
    visage, unmeasured, monkeypatch, tmp_path, answer
):
    def unreachable(**_):
        raise URLError("no route")

    asked = []
    monkeypatch.setattr("sklearn.datasets.fetch_lfw_pairs", unreachable)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda question, **_: asked.append(question) or answer)
    ended = visage("export", unmeasured, tmp_path / "bundle")
    assert ended.status == 0
    (question,) = asked
    assert "Measure them now" in question
    assert ("cannot be downloaded" in ended.err) is answer
    assert calibration_of(tmp_path / "bundle")["measured_on"] is None


def test_measuring_that_was_asked_for_and_fails_is_an_error(visage, unmeasured, monkeypatch, tmp_path):
    def unreachable(**_):
        raise URLError("no route")

    monkeypatch.setattr("sklearn.datasets.fetch_lfw_pairs", unreachable)
    ended = visage("export", unmeasured, tmp_path / "bundle", "--measure")
    assert ended.status == 1
    assert "--impostors DIR" in ended.err
    assert not (tmp_path / "bundle").exists()


def test_many_impostors_measure_the_weights_once_and_for_all(visage, unmeasured, impostors, monkeypatch, tmp_path):
    assert visage("export", unmeasured, tmp_path / "first", "--impostors", impostors).status == 0
    assert calibration_of(tmp_path / "first")["measured_on"] == "impostors"
    (kept,) = (tmp_path / "cache" / cohorts.FOLDER).iterdir()
    assert kept.suffix == ".npz"
    monkeypatch.setattr(cohorts, "embed_all", None)
    assert visage("export", unmeasured, tmp_path / "second").status == 0
    calibration = calibration_of(tmp_path / "second")
    assert calibration["measured_on"] == "impostors"
    assert calibration["estimates"].keys() <= {"impostors", "people left out"}


def test_a_few_impostors_set_the_threshold_alone(visage, unmeasured, impostors, tmp_path):
    for number in range(300):
        (impostors / f"{number}.jpg").unlink()
    assert visage("export", unmeasured, tmp_path / "bundle", "--impostors", impostors).status == 0
    manifest = bundles.load(str(tmp_path / "bundle")).manifest
    assert manifest.calibration["measured_on"] == "impostors"
    assert manifest.threshold == manifest.calibration["estimates"]["impostors"] < 0.4
    assert np.isfinite(manifest.threshold)
