"""Drawing plots does not change matplotlib's settings for other code."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np

from evaluation.plots import draw_confusion, draw_roc, svg


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
