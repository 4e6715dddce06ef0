"""Draws the plots of docs/performance.md: the stages of a cold start, and the time of a warm answer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.cold_start import ColdStart
from bench.warm import Warm

STAGES: Final = {
    "interpreter": "#b8c1cc",
    "imports": "#8093a8",
    "library": "#4a6585",
    "init": "#4a6585",
    "fetch": "#7f63b8",
    "load": "#2f6fde",
    "warm-up": "#35a3c4",
    "first request": "#e0592a",
    "decode": "#b8c1cc",
    "detect": "#2f6fde",
    "align": "#35a3c4",
    "recognize": "#e0592a",
}
"""The stages of a cold start and of an answer, in order, and their colors."""

_OURS, _PEERS = ("#2f6fde", "#35a3c4"), ("#e0592a", "#d99a2b", "#7f63b8", "#8093a8")


def draw_cold(rows: Sequence[ColdStart], names: Mapping[str, str], path: Path) -> None:
    """Draw the median stages of each contestant's cold start as a PNG."""
    figure = Figure(figsize=(9, 1.4 + 0.5 * len(rows)), layout="constrained")
    axes = figure.subplots()
    _stack(axes, {names.get(row.contestant, row.contestant): row.stages_ms for row in rows}, 1000)
    axes.set(xlabel="seconds from the start of the process to its first answer")
    figure.legend(frameon=False, ncols=4, loc="outside upper center")
    figure.savefig(path, dpi=150, format="png")


def draw_warm(rows: Sequence[Warm], names: Mapping[str, str], path: Path) -> None:
    """Draw the time of a warm answer with one thread as a PNG: for photos in their own size, and by size."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    bars, lines = figure.subplots(1, 2, width_ratios=(5, 4))
    whole = [row for row in rows if (row.threads, row.size) == (1, 0)]
    _stack(bars, {names.get(row.contestant, row.contestant): row.stages_ms or {"all": row.mean_ms} for row in whole}, 1)
    for at, row in enumerate(whole):
        text = f" {row.mean_ms:.0f} ms, {row.right} of {row.photos} right"
        bars.text(max(row.mean_ms, sum(row.stages_ms.values())), at, text, va="center", fontsize=8)
    bars.set(xlabel="milliseconds a photo, mean, one thread")
    bars.margins(x=0.35)
    bars.legend(frameon=False, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1), fontsize=8)
    colors = {row.contestant: color for row, color in zip(whole, (*_OURS, *_PEERS), strict=False)}
    for name, color in colors.items():
        scaled = [row for row in rows if row.contestant == name and row.size]
        style = {"linewidth": 2.2 if name.startswith("visage") else 1.2, "color": color, "marker": "o", "markersize": 4}
        lines.plot([row.size for row in scaled], [row.mean_ms for row in scaled], label=names.get(name, name), **style)
    lines.set(xscale="log", yscale="log", xlabel="long side of the photo, pixels", ylabel="milliseconds a photo, mean")
    sizes = sorted({row.size for row in rows if row.size})
    lines.set_xticks(sizes, [f"{size}" for size in sizes])
    lines.minorticks_off()
    lines.grid(alpha=0.25)
    lines.spines[["top", "right"]].set_visible(False)
    lines.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=150, format="png")


def _stack(axes: Axes, bars: Mapping[str, Mapping[str, float]], unit: float) -> None:
    """Draw a bar for each name, the first on top, divided into stages; a bar without stages is grey."""
    for stage, color in {**STAGES, "all": "#9aa5b1"}.items():
        lengths = np.array([stages.get(stage, 0) for stages in bars.values()]) / unit
        if lengths.any():
            before = [sum(stages.get(s, 0) for s in list(STAGES)[: _at(stage)]) / unit for stages in bars.values()]
            axes.barh(list(bars), lengths, 0.62, before, color=color, label=stage if stage != "all" else None)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _at(stage: str) -> int:
    return list(STAGES).index(stage) if stage in STAGES else 0
