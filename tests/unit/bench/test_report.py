"""The measurements of a benchmark run become figures with their bars, tables and plots."""

import json

import pytest

from bench import plots, report
from bench.cold_start import ColdStart
from bench.detection import Detection
from bench.footprint import Memory, Size
from bench.offline import Preparation, Training
from bench.report import Results
from bench.warm import Warm

BARS = {
    "warm answer, TorchScript, mean over `people10` photos, one thread: ours / face_recognition": 0.14,
    "the same: ours / plain version of our pipeline": 0.40,
    "warm answer, second engine: ours / plain": 0.38,
    "warm answer, TorchScript: 95th percentile / mean": 2,
    "warm answer, ONNX Runtime: 95th percentile / mean": 2,
    "recall of faces: ours against full-size HOG upsampled once": 1.0,
    "cold start to first answer, TorchScript: ours / plain (imports facenet_pytorch, loads a state dict)": 0.36,
    "cold start to first answer, second engine: ours / plain": 0.18,
    "deployed size, second engine, unzipped, model apart": 150,
    "resident memory after 2,000 requests against after 100": 1.03,
    "prepare, two workers against one": 1.8,
}


def warm(contestant, *rounds, stages=None, size=0):
    slow = 1.5 * rounds[0]
    return Warm(contestant, 1, size, 4, 4, 3, list(rounds), rounds[0], rounds[0], slow, None, stages or {}, 100)


def cold(contestant, *rounds):
    return ColdStart(contestant, len(rounds), len(rounds), list(rounds), {"imports": rounds[0]}, 200)


@pytest.fixture
def results():
    """A run whose second round took twice as long for all contestants, and in which every bar but one is met."""
    return Results(
        warm=[
            warm("visage-torchscript", 25, 50, stages={"detect": 20, "recognize": 30}),
            warm("visage-onnx", 30, 60),
            warm("plain", 100, 200),
            warm("face_recognition", 200, 400),
            *(warm(name, 70, 140, size=640) for name in ("visage-torchscript", "plain")),
        ],
        cold=[cold("visage-torchscript", 1000, 2000), cold("visage-onnx", 800, 1600), cold("plain", 4000, 8000)],
        detection=[
            Detection("visage", 10, 10, 12, 11, 1, 5, [20, 40]),
            Detection("hog", 10, 9, 12, 10, 0, 5, [200, 400]),
        ],
        prepare=[Preparation(1, 100, 98, [10, 20]), Preparation(2, 100, 98, [5, 10])],
        training=[Training("visage", 80, 15, 15, [30], 1.0), Training("plain", 80, 1, 15, [300], None)],
        memory=[Memory("visage-torchscript", 100, 2000, 2000, 500, 505, 600)],
        size=[Size("visage-torchscript", "image", 900, {"torch": 700}), Size("visage-onnx", "zip", 140, {"numpy": 50})],
    )


def test_each_figure_of_the_table_has_its_bar(results):
    figures = {figure.figure: figure for figure in report.compare(results)}
    assert {name: figure.bar for name, figure in figures.items() if figure.bar is not None} == BARS
    assert {name for name, figure in figures.items() if figure.met is False} == {
        "cold start to first answer, second engine: ours / plain"
    }


def test_a_ratio_is_the_median_of_paired_rounds(results):
    ratios = {figure.figure: figure.ratio for figure in report.compare(results)}
    expected = [0.125, 0.25, 0.3, 1.5, 1.5, 1.1, 0.25, 0.2, 0.1556, 1.01, 2.0]
    assert [ratios[name] for name in BARS] == pytest.approx(expected)


def test_finding_one_face_less_than_the_peer_misses_the_bar(results):
    ours, hog = results.detection
    worse = Results(detection=[Detection(**{**vars(ours), "found": hog.found - 1}), hog])
    assert [figure.met for figure in report.compare(worse)] == [False, None]


def test_the_engine_whose_memory_grows_most_has_the_bar():
    rows = [
        Memory("visage-onnx", 100, 2000, 9, 100, 101, 200),
        Memory("visage-torchscript", 100, 2000, 9, 100, 110, 200),
    ]
    first, second = report.compare(Results(memory=rows))
    assert (first.ratio, first.met) == (1.1, False)
    assert second.met


def test_figures_page_and_plots_are_written_from_the_run(results, tmp_path):
    page, costs = tmp_path / "performance.md", tmp_path / "costs.md"
    page.write_text("# Fast\n\n<!-- measured -->\nformer\n<!-- end of what was measured -->\n\n## What is left\n")
    costs.write_text("# Cheap\n\n<!-- measured -->\nformer\n<!-- end of what was measured -->\n")
    report.write(results, {"date": "today"}, tmp_path / "results.json", page)
    figures = json.loads((tmp_path / "results.json").read_text())
    assert set(BARS) <= {figure["figure"] for figure in figures}
    assert all(list(figure) == ["figure", "ours", "peer", "unit", "ratio", "bar", "met"] for figure in figures)
    text = page.read_text()
    assert text.startswith("# Fast\n")
    assert text.endswith("## What is left\n")
    assert "former" not in text
    assert (
        "| cold start to first answer, second engine: ours / plain | 1,200 ms | 6,000 | 0.2 | 0.18 | **no** |" in text
    )
    assert "former" not in costs.read_text()
    for plot in ("performance-cold.png", "performance-warm.png"):
        assert (tmp_path / plot).read_bytes().startswith(b"\x89PNG")


def test_every_stage_has_a_color():
    reported = {"interpreter", "imports", "library", "fetch", "load", "warm-up", "first request"}
    assert reported | {"decode", "detect", "align", "recognize"} <= set(plots.STAGES)
