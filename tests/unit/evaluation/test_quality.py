"""The figures of docs/quality.md come from the benchmarks' files, and each has its bar."""

import json

from evaluation import quality
from evaluation.figures import table

PAGE = "# Quality\n\n<!-- measured -->\nformer figures\n<!-- end of what was measured -->\n\nThe end.\n"


def share(recall, precision):
    return {"share": 0.2, "recall": {"mean": recall}, "precision": {"mean": precision}}


FILES = {
    "people/people.json": {
        "name_right": 1.0,
        "photos": 4,
        "photos_with_a_face": 3,
        "strangers_taken": 0.02,
        "recognised": 0.98,
        "expected_calibration_error": 0.01,
        "training": {"seconds": 60.0},
    },
    "crowd/people.json": {"name_right": 0.99, "recognised_at_one_percent": 0.93, "strangers_taken": 0.001},
    "enrolment/enrolment.json": {
        "rows": [{"people": people, "strangers_taken": 0.01, "recognised": 0.9} for people in (10, 50, 200)]
    },
    "cleaning/cleaning.json": {"shares": [{"share": 0.1}, share(1.0, 0.96)]},
    "strangers/cleaning.json": {"shares": [share(0.9, 0.99)]},
    "verification/verification.json": {"false_accepts": {"value": 0.0011}, "true_accepts": {"value": 0.94}},
    "lfw/lfw.json": {"accuracy": 0.9881234, "tar_at_far": {"0.001": 0.97}, "photos_without_face": 0},
}


def test_figures_and_page_are_written_and_missed_bars_are_named(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(json.dumps(content))
        (tmp_path / name).with_name("output.txt").write_text(f"printed by {name}\n")
    page, file = tmp_path / "quality.md", tmp_path / "quality.json"
    page.write_text(PAGE)
    figures = quality.publish(tmp_path, file, page)
    missed = [figure.figure for figure in figures if not figure.met]
    assert missed == [
        "photos in which a face is found",
        "strangers taken for somebody",
        "strangers taken for somebody, people in small photos",
        "pairs of one person that pass, at the same threshold",
        "recall of set-aside, 20 % injected from strangers",
    ]
    written = json.loads(file.read_text())
    assert [row["value"] for row in written] == [figure.value for figure in figures]
    assert list(written[0]) == ["figure", "value", "bar", "met", "command"]
    text = page.read_text()
    assert text.startswith("# Quality\n\n<!-- measured -->\n")
    assert text.endswith("<!-- end of what was measured -->\n\nThe end.\n")
    assert "| LFW view 2, all 6,000 pairs | 0.9881 | 0.988 | yes |" in text
    assert "| strangers taken for somebody | 0.02 | 0.01 | **no** |" in text
    assert all(f"printed by {name}" in text for name in FILES)
    assert "former figures" not in text


def test_every_published_figure_has_its_bar():
    published = json.loads(quality.FIGURES.read_text(encoding="utf-8"))
    bars = [(bar.figure, bar.bar, bar.command) for bar in quality.BARS]
    assert [(row["figure"], row["bar"], row["command"]) for row in published] == bars


def test_a_table_is_markdown():
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
