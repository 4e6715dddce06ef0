"""Drawing plots does not change matplotlib's settings for other code."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest

from evaluation.plots import draw_confusion, draw_roc, plot_confusion, svg


def test_importing_the_plots_changes_no_setting():
    code = (
        "import matplotlib as mpl; before = dict(mpl.rcParams.copy());"
        "import evaluation.plots; after = dict(mpl.rcParams.copy()); assert before == after"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_drawing_leaves_the_settings_as_they_were():
    before = mpl.rcParams.copy()
    svg(draw_confusion(np.array([[1]]), ["Ann"], ["Ann"]), "confusion")
    draw_roc(np.array([0.0, 1.0]), np.array([0.0, 1.0]), 0.01)
    assert mpl.rcParams.copy() == before


def test_a_plot_has_the_same_colors_whatever_the_matplotlib_settings_are():
    with mpl.rc_context({"text.color": "red", "axes.labelcolor": "red"}):
        figure = draw_roc(np.array([0.0, 1.0]), np.array([0.0, 1.0]), 0.01)
    assert figure.axes[0].xaxis.label.get_color() == "#1f2933"


@pytest.mark.parametrize(
    "name",
    [
        "\U0001f469\u200d\U0001f680",
        "\u674e\u5c0f\u9f99",
        "\u05e9\u05e8\u05d4",
        "$\\foo$",
        "x" * 250,
        "\u0301",
        r"\xff",
        "<b>&",
    ],
    ids=ascii,
)
def test_a_name_of_any_script_and_length_is_drawn_without_a_warning(tmp_path, name):
    plot_confusion(np.eye(2, dtype=int), [name, "Bob"], [name, "Bob"], tmp_path / "plot.png")
    assert svg(draw_confusion(np.eye(2, dtype=int), [name, "Bob"], [name, "Bob"]), "confusion").endswith("</svg>\n")
