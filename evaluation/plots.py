"""Plots of a training and of an evaluation, as matplotlib figures, PNG files and SVG elements.

matplotlib's settings are changed only while a function here draws.
"""

import io
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from training.observer import Epoch

_INK: Final = "#1f2933"
_STYLE: Final[dict[Any, Any]] = {
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "svg.fonttype": "none",
}
_TRAINING: Final = "#2f6fde"
_VALIDATION: Final = "#e0592a"
_SHADES: Final = LinearSegmentedColormap.from_list("shades", [(_TRAINING, 0.0), (_TRAINING, 1.0)])

_METADATA: Final = ("Creator", "Date", "Format", "Type")
"""Metadata that matplotlib writes into an SVG, with addresses of websites."""

_DPI: Final = 150
_MAX_NAME: Final = 30


@mpl.rc_context(_STYLE)
def plot_curves(history: "Sequence[Epoch]", path: Path) -> None:
    """Draw loss and accuracy by epoch, of training and of validation, into a PNG file."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    numbers = [epoch.number for epoch in history]
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        axes.plot(numbers, [getattr(epoch, name) for epoch in history], color=_TRAINING, label="training")
        validation = [getattr(epoch, f"validation_{name}") for epoch in history]
        if None not in validation:
            axes.plot(numbers, validation, color=_VALIDATION, label="validation")
        axes.set(xlabel="epoch", title=name)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    loss.set_yscale("log")
    accuracy.set_ylim(top=1.01)
    loss.legend(frameon=False)
    _save(figure, path, dpi=_DPI, format="png")


@mpl.rc_context(_STYLE)
def plot_confusion(matrix: npt.NDArray[np.int64], rows: Sequence[str], columns: Sequence[str], path: Path) -> None:
    """Draw a confusion matrix into a PNG file; see `draw_confusion`."""
    _save(draw_confusion(matrix, rows, columns), path, dpi=_DPI, format="png")


@mpl.rc_context(_STYLE)
def draw_confusion(matrix: npt.NDArray[np.int64], rows: Sequence[str], columns: Sequence[str]) -> Figure:
    """Draw a confusion matrix, (rows, columns) of photo counts. The shade of a cell is its share of the row."""
    cell = min(0.5, 40 / len(columns))  # inches; a PNG has at most 65,535 pixels a side, also with hundreds of people
    figure = Figure(figsize=(3.5 + cell * len(columns), 2 + cell * len(rows)), layout="constrained")
    axes = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap=_SHADES, vmin=0, vmax=1, aspect="auto")
    for row, column in np.argwhere(matrix):
        color = "white" if shares[row, column] > 0.8 else _INK
        count = str(matrix[row, column])
        axes.text(column, row, count, ha="center", va="center", color=color, fontsize=20 * cell)
    axes.set_xticks(
        range(len(columns)), list(map(_short, columns)), rotation=45, ha="right", parse_math=False, fontsize=20 * cell
    )
    axes.set_yticks(range(len(rows)), list(map(_short, rows)), parse_math=False, fontsize=20 * cell)
    axes.set(xlabel="answer", ylabel="person")
    return figure


@mpl.rc_context(_STYLE)
def plot_roc(false_accepts: npt.NDArray[np.float64], true_accepts: npt.NDArray[np.float64], path: Path) -> None:
    """Draw a receiver operating characteristic into a PNG file, from a false accept rate of 1 in 10,000 on."""
    _save(draw_roc(false_accepts, true_accepts, 1e-4), path, dpi=_DPI, format="png")


@mpl.rc_context(_STYLE)
def draw_roc(
    false_accepts: npt.NDArray[np.float64],
    true_accepts: npt.NDArray[np.float64],
    smallest_rate: float,
    chosen: tuple[float, float] | None = None,
) -> Figure:
    """Draw a receiver operating characteristic: (N,) true accept rates over (N,) false accept rates.

    The axis of false accept rates is logarithmic, because small rates matter most. It begins at `smallest_rate`;
    smaller rates are drawn on its left edge. `chosen` is the (false, true) accept rate of the threshold.
    """
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.maximum(false_accepts, smallest_rate), true_accepts, color=_TRAINING, drawstyle="steps-post")
    if chosen:
        false_rate, true_rate = chosen
        axes.plot(max(false_rate, smallest_rate), true_rate, "o", color=_VALIDATION, label="threshold", clip_on=False)
        axes.legend(frameon=False, loc="lower right")
    axes.set(xscale="log", xlim=(smallest_rate, 1), xlabel="false accept rate", ylabel="true accept rate")
    axes.set_ylim(top=1.01)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


@mpl.rc_context(_STYLE)
def draw_reliability(
    counts: npt.NDArray[np.float64], confidence: npt.NDArray[np.float64], accuracy: npt.NDArray[np.float64]
) -> Figure:
    """Draw a reliability diagram of (B,) bins of equal width: accuracy over mean confidence, and the count of each."""
    figure = Figure(figsize=(5, 4), layout="constrained")
    curve, histogram = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    curve.plot([0, 1], [0, 1], "--", color=_INK, alpha=0.5, linewidth=1, label="perfectly calibrated")
    filled = counts > 0
    curve.plot(
        confidence[filled], accuracy[filled], "o-", color=_TRAINING, linewidth=1, clip_on=False, label="measured"
    )
    curve.set(ylabel="share right", xlim=(0, 1), ylim=(0, 1.01))
    curve.legend(frameon=False, loc="upper left")
    width = 1 / len(counts)
    histogram.bar((np.arange(len(counts)) + 0.5) * width, counts, 0.9 * width, color=_TRAINING)
    histogram.set(xlabel="probability", ylabel="photos")
    for axes in (curve, histogram):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _short(name: str) -> str:
    """Return a name that leaves room for the plot beside it."""
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}…"


def _save(figure: Figure, target: Path | io.StringIO, **options: Any) -> None:
    """Write a figure. Characters of names that matplotlib's font lacks become boxes, without a warning for each."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph ", category=UserWarning)
        figure.savefig(target, **options)


def svg(figure: Figure, name: str) -> str:
    """Return a figure as an SVG element for an HTML page. Its text has the page's color and font.

    No two elements of a page may share an id. matplotlib derives some ids from a salt, for which `name` serves, and
    numbers others from 1 in every figure; those are removed.
    """
    text = io.StringIO()
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        _save(figure, text, format="svg", transparent=True, metadata=dict.fromkeys(_METADATA))
    element = text.getvalue().partition("<svg")[2].replace(_INK, "currentColor")
    return "<svg" + re.sub(r' id="[a-z0-9.]+_\d+"', "", element)
