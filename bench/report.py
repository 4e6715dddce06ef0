"""Writes figures with their bars into bench/results.json, and tables and plots into docs/performance.md."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench import costs, plots
from bench.cold_start import ColdStart
from bench.detection import Detection
from bench.footprint import Memory, Size
from bench.load import Load
from bench.offline import Preparation, Training
from bench.warm import Warm
from evaluation.figures import table, write_json, write_measured
from model.settings import ROOT

FIGURES: Final = ROOT / "bench" / "results.json"
PAGE: Final = ROOT / "docs" / "performance.md"

TORCHSCRIPT, ONNX, PLAIN = "visage-torchscript", "visage-onnx", "plain"

_NAMES: Final = {
    TORCHSCRIPT: "Visage, TorchScript",
    ONNX: "Visage, ONNX Runtime",
    PLAIN: "plain version of Visage",
    "plain-upsampled": "plain version, HOG upsampled once",
    "visage": "Visage",
    "hog": "full-size HOG upsampled once",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of results.json. `met` is None for a figure without a bar."""

    figure: str
    ours: float
    peer: float | None
    unit: str
    ratio: float | None
    bar: float | None
    met: bool | None


def _part(kind: type[Any], heading: str) -> Any:
    return field(default=(), metadata={"kind": kind, "heading": heading})


@dataclass(frozen=True)
class Results:
    """All measurements of one run; a part that was not measured is empty."""

    warm: Sequence[Warm] = _part(Warm, "Warm answers")
    cold: Sequence[ColdStart] = _part(ColdStart, "Cold start")
    load: Sequence[Load] = _part(Load, "Load")
    detection: Sequence[Detection] = _part(Detection, "Detection")
    prepare: Sequence[Preparation] = _part(Preparation, "Preparing")
    training: Sequence[Training] = _part(Training, "Training")
    memory: Sequence[Memory] = _part(Memory, "Memory")
    size: Sequence[Size] = _part(Size, "Size")


def ratio(ours: Sequence[float], peer: Sequence[float]) -> float:
    """Return the median over rounds of ours divided by the peer's. A slow round of both does not change it."""
    return float(np.median(np.array(ours) / np.array(peer)))


def write(results: Results, about: Mapping[str, str], figures: Path = FIGURES, page: Path = PAGE) -> None:
    """Write the figures as JSON, the tables into the page, and the plots beside it; `about` describes the run."""
    found = list(compare(results))
    write_json(figures, [asdict(figure) for figure in found])
    plots.draw_cold(results.cold, _NAMES, page.with_name("performance-cold.png"))
    plots.draw_warm(results.warm, _NAMES, page.with_name("performance-warm.png"))
    write_measured(page, tables(results, about))
    costs.write(results.warm, {name: _NAMES[name] for name in (TORCHSCRIPT, ONNX)}, page.with_name(costs.PAGE.name))


def compare(results: Results) -> Iterator[Figure]:
    """Yield the figures of the parts that were measured."""
    yield from _warm_figures([row for row in results.warm if (row.threads, row.size) == (1, 0)])
    yield from _detection_figures({row.way: row for row in results.detection})
    yield from _cold_figures({row.contestant: row for row in results.cold})
    yield from _size_figures({row.contestant: row for row in results.size})
    yield from _memory_figures(results.memory)
    yield from _offline_figures(results)


def _less(figure: str, ours: Sequence[float], peer: Sequence[float], unit: str, bar: float | None = None) -> Figure:
    """Return a figure whose ratio should not exceed the bar."""
    value, met = ratio(ours, peer), None
    if bar is not None:
        met = value <= bar
    return Figure(figure, _rounded(np.median(ours)), _rounded(np.median(peer)), unit, _rounded(value), bar, met)


def _rounded(value: Any) -> float:
    return float(f"{value:.4g}")


def _warm_figures(rows: Sequence[Warm]) -> Iterator[Figure]:
    times = {row.contestant: row.rounds_ms for row in rows}
    one = "warm answer, TorchScript, mean over `people10` photos, one thread: ours / "
    for figure, ours, peer, bar in (
        (one + "face_recognition", TORCHSCRIPT, "face_recognition", 0.14),
        ("the same: ours / plain version of our pipeline", TORCHSCRIPT, PLAIN, 0.40),
        ("warm answer, second engine: ours / plain", ONNX, PLAIN, 0.38),
        ("the same: ours / plain version, HOG upsampled once", TORCHSCRIPT, "plain-upsampled", None),
        ("the same: ours / facenet-pytorch", TORCHSCRIPT, "facenet-pytorch", None),
        ("warm answer, second engine: ours / face_recognition", ONNX, "face_recognition", None),
    ):
        if {ours, peer} <= times.keys():
            yield _less(figure, times[ours], times[peer], "ms", bar)
    for row in rows:
        if row.contestant in {TORCHSCRIPT, ONNX} and row.p95_ms is not None:
            name = f"warm answer, {_NAMES[row.contestant].partition(', ')[2]}: 95th percentile / mean"
            yield _less(name, [row.p95_ms], [row.mean_ms], "ms", 2)


def _detection_figures(rows: Mapping[str, Detection]) -> Iterator[Figure]:
    if not rows:
        return
    ours, peer = rows["visage"], rows["hog"]
    recall, theirs = (row.found / max(row.witnessed, 1) for row in (ours, peer))
    yield Figure(
        figure="recall of faces: ours against full-size HOG upsampled once",
        ours=_rounded(recall),
        peer=_rounded(theirs),
        unit="share of witnessed faces",
        ratio=_rounded(recall / theirs) if theirs else None,
        bar=1.0,
        met=ours.found >= peer.found,
    )
    name = "detection time: ours / full-size HOG upsampled once"
    yield _less(name, ours.rounds_ms, peer.rounds_ms, "ms", None)


def _cold_figures(rows: Mapping[str, ColdStart]) -> Iterator[Figure]:
    plain = "plain (imports facenet_pytorch, loads a state dict)"
    for figure, ours, peer, bar in (
        (f"cold start to first answer, TorchScript: ours / {plain}", TORCHSCRIPT, PLAIN, 0.36),
        ("cold start to first answer, second engine: ours / plain", ONNX, PLAIN, 0.18),
        ("cold start, second engine / TorchScript", ONNX, TORCHSCRIPT, None),
        ("cold start to first answer, TorchScript: ours / facenet-pytorch", TORCHSCRIPT, "facenet-pytorch", None),
        ("cold start to first answer, second engine: ours / face_recognition", ONNX, "face_recognition", None),
    ):
        if {ours, peer} <= rows.keys():
            yield _less(figure, rows[ours].rounds_ms, rows[peer].rounds_ms, "ms", bar)


def _size_figures(rows: Mapping[str, Size]) -> Iterator[Figure]:
    if rows:
        ours, other = rows[ONNX].mb, rows[TORCHSCRIPT].mb
        name = "deployed size, second engine, unzipped, model apart"
        yield Figure(name, _rounded(ours), _rounded(other), "MB", _rounded(ours / other), 150, ours <= 150)


def _memory_figures(rows: Sequence[Memory]) -> Iterator[Figure]:
    """Yield the engine that grows most first: it has the bar's name."""
    for number, row in enumerate(sorted(rows, key=lambda row: row.early_mb / row.late_mb)):
        figure = "resident memory after 2,000 requests against after 100"
        yield _less(figure if not number else f"the same, {row.contestant}", [row.late_mb], [row.early_mb], "MB", 1.03)


def _offline_figures(results: Results) -> Iterator[Figure]:
    if results.prepare:
        one, two = sorted(results.prepare, key=lambda row: row.workers)
        value = ratio(one.rounds_s, two.rounds_s)
        rates = [_rounded(row.photos / np.median(row.rounds_s)) for row in (two, one)]
        name = "prepare, two workers against one"
        yield Figure(name, rates[0], rates[1], "photos a second", _rounded(value), 1.8, value >= 1.8)
    if results.training:
        ours, plain = results.training
        yield _less(
            "15 epochs of training: ours / the whole network in every epoch", ours.rounds_s, plain.rounds_s, "s"
        )


def tables(results: Results, about: Mapping[str, str]) -> str:
    """Return all measurements as Markdown."""
    met = {True: "yes", False: "**no**", None: ""}
    figures = [
        (f.figure, f"{_cell(f.ours)} {f.unit}", _cell(f.peer), _cell(f.ratio), _cell(f.bar), met[f.met])
        for f in compare(results)
    ]
    parts = [table(["the run", ""], about.items())]
    parts += [table(["figure", "ours", "peer", "ratio", "bar", "met"], figures)]
    for part in fields(Results):
        parts += _section(part.metadata["heading"], getattr(results, part.name))
    return "\n\n".join(parts)


def _section(heading: str, rows: Sequence[Any]) -> Iterator[str]:
    """Yield a table for each group of rows, and one of their stages if they have any."""
    if rows:
        yield f"## {heading}"
    for _, same in groupby(rows, key=lambda row: (getattr(row, "threads", 0), getattr(row, "size", 0))):
        group = list(same)
        yield _table(group)
        staged = {_cell(row.contestant): row.stages_ms for row in group if getattr(row, "stages_ms", None)}
        steps = [step for step in plots.STAGES if any(step in stages for stages in staged.values())]
        if steps:
            stages = [(name, *(_cell(stages.get(step)) for step in steps)) for name, stages in staged.items()]
            yield table(["ms by stage", *steps], stages)


def _table(rows: Sequence[Any]) -> str:
    """Return a table with a column for each field, and one for each of ours: its time divided by the row's."""
    names = [column.name for column in fields(rows[0]) if column.name != "stages_ms"]
    times = {str(getattr(row, names[0])): _times(row) for row in rows}
    ours = [name for name, staged in times.items() if name.startswith("visage") and staged and len(times) > 1]
    header = [name.replace("rounds", "median of rounds").replace("_", " ") for name in names]
    cells = [
        (*(_cell(getattr(row, name)) for name in names), *(_cell(ratio(times[name], _times(row))) for name in ours))
        for row in rows
    ]
    return table([*header, *(f"{_cell(name)} / it" for name in ours)], cells)


def _times(row: Any) -> Sequence[float]:
    return next((getattr(row, column.name) for column in fields(row) if column.name.startswith("rounds")), ())


def _cell(value: Any) -> str:
    """Return a value as text: numbers with three digits, rounds as their median, a dash for None."""
    match value:
        case None:
            return "-"
        case str():
            return _NAMES.get(value, value)
        case [*rounds]:
            return _cell(float(np.median(rounds)))
        case {**parts}:
            return ", ".join(f"{name} {_cell(part)}" for name, part in parts.items())
        case int():
            return f"{value:,}"
        case _:
            return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def read(parts: Mapping[str, Any]) -> Results:
    """Return the results from their JSON form, rows by the name of their part."""
    kinds = {part.name: part.metadata["kind"] for part in fields(Results)}
    return Results(**{name: [kinds[name](**row) for row in rows] for name, rows in parts.items()})
