"""`make bench`: which parts are measured, what a run leaves, and how it goes on after an interruption."""

import json
import sys

import pytest

from bench import report, run
from bench.contestants import Setup
from bench.errors import ContestError
from bench.footprint import Memory
from bench.load import Load
from bench.subject import Subject
from model.settings import Settings


class Parts:
    """Stands in for the measurements; the part that is called `failing` raises its error."""

    def __init__(self):
        self.measured, self.failing, self.error = [], None, None

    def of(self, name, row):
        def measure(_subject, on_step):
            on_step("Measuring", 1, 1)
            if name == self.failing:
                raise self.error
            self.measured.append(name)
            return [row]

        return measure


@pytest.fixture
def parts(monkeypatch, tmp_path):
    parts = Parts()
    rows = {
        "memory": Memory("visage-onnx", 1, 2, 2, 100, 101, 102),
        "load": Load("onnx", 2, 9, 9, 0, 1.5, 1, 2, None, 1, 300),
    }
    monkeypatch.setattr(run, "PARTS", {name: parts.of(name, row) for name, row in rows.items()})
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "manifest.json").write_text('{"version": "0123456789ab"}')
    setup = Setup(*(tmp_path / name for name in ("bundle", "run", "weights", "known")))
    photos = {"Ann": [tmp_path / "1.jpg", tmp_path / "2.jpg"]}
    subject = Subject(tmp_path, tmp_path / "photos", tmp_path, setup, photos, [("Ann", tmp_path)], Settings.read({}))
    monkeypatch.setattr(run.subject, "build", lambda *_: subject)
    monkeypatch.setattr(run, "version", lambda name: f"version of {name}")  # `make test` does not install all of them
    return parts


@pytest.fixture
def published(monkeypatch):
    """The results that a run publishes, each with the description of the run."""
    found = []
    monkeypatch.setattr(run.report, "write", lambda *results: found.append(results))
    return found


@pytest.fixture
def bench(parts, tmp_path, monkeypatch):
    """Run `make bench` and return its exit status."""
    settings = Settings.read({"VISAGE_CACHE": str(tmp_path / "cache")})
    monkeypatch.setattr(run.Settings, "read", lambda: settings)

    def bench(*words):
        monkeypatch.setattr(sys, "argv", ["make bench", *map(str, words)])
        try:
            run.main()
        except SystemExit as ended:
            return ended.code
        return 0

    return bench


def test_all_parts_are_published_together(bench, parts, published, tmp_path, capsys):
    assert bench(tmp_path / "photos") == 0
    ((results, about),) = published
    assert parts.measured == ["memory", "load"]
    assert (results.memory[0].late_mb, results.load[0].right, results.warm) == (101, 9, ())
    assert about["photos"] == "2 photos of 1 person to learn from, 1 to be named"
    assert (about["bundle"], about["torch"]) == ("0123456789ab", "version of torch")
    assert not list((tmp_path / "cache").rglob("*.json"))
    assert str(report.PAGE) in capsys.readouterr().out


def test_some_parts_are_printed_and_not_published(bench, parts, published, tmp_path, capsys):
    assert bench(tmp_path / "photos", "--only", "load") == 0
    assert (parts.measured, published) == (["load"], [])
    assert "| onnx | 2 | 9 | 9 | 0 | 1.5 |" in capsys.readouterr().out


def test_an_interrupted_run_goes_on_with_the_missing_parts(bench, parts, published, tmp_path, capsys):
    parts.failing, parts.error = "load", KeyboardInterrupt()
    assert bench(tmp_path / "photos") == 130
    assert "The same command continues" in capsys.readouterr().err
    parts.failing = None
    assert bench(tmp_path / "photos") == 0
    assert parts.measured == ["memory", "load"]
    assert len(published) == 1


def test_parts_of_other_code_are_measured_again(bench, parts, published, tmp_path, monkeypatch):
    parts.failing, parts.error = "load", KeyboardInterrupt()
    bench(tmp_path / "photos")
    parts.failing = None
    monkeypatch.setattr(run, "_digest", lambda: "of changed code")
    bench(tmp_path / "photos")
    assert parts.measured == ["memory", "memory", "load"]


def test_a_benchmark_that_fails_is_one_sentence_and_status_1(bench, parts, published, tmp_path, capsys):
    parts.failing, parts.error = "memory", ContestError("plain ended with status 1: no such file")
    assert bench(tmp_path / "photos") == 1
    assert "plain ended with status 1: no such file" in capsys.readouterr().err
    assert published == []


def test_a_part_that_does_not_exist_is_status_2_with_those_that_do(bench, tmp_path, capsys):
    assert bench(tmp_path / "photos", "--only", "memory,speed") == 2
    assert "no such part: speed. There are memory, load." in capsys.readouterr().err


def test_without_photos_the_sample_photos_are_measured(bench, parts, published, tmp_path, monkeypatch):
    fetched, built = [], []
    subject = run.subject.build()
    monkeypatch.setattr(run.samples, "fetch", fetched.append)
    monkeypatch.setattr(run.subject, "build", lambda photos, *_: built.append(photos) or subject)
    assert bench("--only", "load") == 0
    (folder,) = fetched
    assert folder == tmp_path / "cache" / "samples" / "photos"
    assert built == [folder / "people"]


def test_results_that_are_read_back_are_the_same():
    row = Memory("visage-onnx", 1, 2, 2, 100, 101, 102)
    rows = json.loads(json.dumps({"memory": [vars(row)]}))
    assert report.read(rows).memory == [row]
