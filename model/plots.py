"""Figures: how training went, and who was taken for whom."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from model.train import Epoch

mpl.use("Agg")

_INK = "#1f2933"
_TRAINING, _VALIDATION = "#2f6fde", "#e0592a"


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
    side = 2.5 + 0.5 * len(columns)
    figure = Figure(figsize=(side + 1, 1.5 + 0.5 * len(rows)), layout="constrained")
    axes = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            color = "white" if shares[row, column] > 0.5 else _INK
            axes.text(column, row, str(count), ha="center", va="center", color=color)
    axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlabel="answer", ylabel="person in the photo")
    figure.savefig(path, dpi=150, format="png")
