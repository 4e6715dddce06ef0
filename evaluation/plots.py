"""Figures: how training went, who was taken for whom, and how far similarities and probabilities can be trusted."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from training.train import Epoch

mpl.use("Agg")

_INK = "#1f2933"

mpl.rc("text", color=_INK)
mpl.rc("axes", edgecolor=_INK, labelcolor=_INK)
mpl.rc("xtick", color=_INK)
mpl.rc("ytick", color=_INK)
mpl.rc("svg", fonttype="none")

CURVES: Final = "curves.png"
"""How a training went, in its run's folder."""

_METADATA = ("Creator", "Date", "Format", "Type")
"""What matplotlib would say of itself in an SVG, with addresses of its own."""
_TRAINING, _VALIDATION = "#2f6fde", "#e0592a"
_SHADES = LinearSegmentedColormap.from_list("shades", [(_TRAINING, 0.0), (_TRAINING, 1.0)])


def plot_curves(history: "Sequence[Epoch]", path: Path) -> None:
    """Draw loss and accuracy by epoch, training and validation, as a PNG."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    numbers = [epoch.number for epoch in history]
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        axes.plot(numbers, [getattr(e, name) for e in history], color=_TRAINING, label="training")
        held_out = [getattr(e, f"validation_{name}") for e in history]
        if None not in held_out:
            axes.plot(numbers, held_out, color=_VALIDATION, label="validation")
        axes.set(xlabel="epoch", title=name)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    loss.set_yscale("log")
    accuracy.set_ylim(top=1.01)
    loss.legend(frameon=False)
    figure.savefig(path, dpi=150, format="png")


def plot_confusion(matrix: npt.NDArray[np.int64], rows: Sequence[str], columns: Sequence[str], path: Path) -> None:
    """Draw a confusion matrix, (rows, columns) of photo counts, as a PNG: a row a person, shaded by its shares."""
    draw_confusion(matrix, rows, columns).savefig(path, dpi=150, format="png")


def draw_confusion(matrix: npt.NDArray[np.int64], rows: Sequence[str], columns: Sequence[str]) -> Figure:
    """Draw a confusion matrix, (rows, columns) of photo counts: a row a person, shaded by its shares."""
    cell = min(0.5, 40 / len(columns))  # inches; hundreds of people must fit what a PNG can be
    figure = Figure(figsize=(3.5 + cell * len(columns), 2 + cell * len(rows)), layout="constrained")
    axes = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap=_SHADES, vmin=0, vmax=1, aspect="auto")
    for row, column in np.argwhere(matrix):
        color = "white" if shares[row, column] > 0.8 else _INK
        count = str(matrix[row, column])
        axes.text(column, row, count, ha="center", va="center", color=color, fontsize=20 * cell)
    axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right", parse_math=False, fontsize=20 * cell)
    axes.set_yticks(range(len(rows)), rows, parse_math=False, fontsize=20 * cell)
    axes.set(xlabel="answer", ylabel="person")
    return figure


def plot_roc(false_accepts: npt.NDArray[np.float64], true_accepts: npt.NDArray[np.float64], path: Path) -> None:
    """Draw a receiver operating characteristic as a PNG: (N,) shares of genuine pairs over impostor pairs accepted.

    The impostors' axis is logarithmic, from 1 in 10,000: false accepts matter where they are rare.
    """
    draw_roc(false_accepts, true_accepts, 1e-4).savefig(path, dpi=150, format="png")


def draw_roc(
    false_accepts: npt.NDArray[np.float64],
    true_accepts: npt.NDArray[np.float64],
    least: float,
    chosen: tuple[float, float] | None = None,
) -> Figure:
    """Draw a receiver operating characteristic: (N,) shares of genuine faces over impostors accepted.

    The impostors' axis is logarithmic, from `least`; what is less lies on its edge. `chosen` marks the threshold.
    """
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.maximum(false_accepts, least), true_accepts, color=_TRAINING, drawstyle="steps-post")
    if chosen:
        axes.plot(max(chosen[0], least), chosen[1], "o", color=_VALIDATION, label="threshold", clip_on=False)
        axes.legend(frameon=False, loc="lower right")
    axes.set(xscale="log", xlim=(least, 1), xlabel="false accept rate", ylabel="true accept rate")
    axes.set_ylim(top=1.01)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def draw_reliability(
    counts: npt.NDArray[np.float64], confidence: npt.NDArray[np.float64], accuracy: npt.NDArray[np.float64]
) -> Figure:
    """Draw a reliability diagram of (B,) equal-width bins: accuracy over mean confidence, and how many are in each."""
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


def svg(figure: Figure, name: str) -> str:
    """Return a figure as an SVG element to stand inside an HTML page: its ink is the text's color, its font the page's.

    A page may hold several figures, so that no two elements may share an id: `name` sets the figure's own apart, and
    those that matplotlib numbers from one in every figure are left out.
    """
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(text, format="svg", transparent=True, metadata=dict.fromkeys(_METADATA))
    element = text.getvalue().partition("<svg")[2].replace(_INK, "currentColor")
    return "<svg" + re.sub(r' id="[a-z0-9.]+_\d+"', "", element)
