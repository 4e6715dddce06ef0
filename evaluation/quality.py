"""The figures of docs/quality.md and the bars that they have to reach, from what `visage benchmark` wrote."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from evaluation import cleaning, enrolment, lfw, people, same_person
from evaluation.figures import table, write_json, write_measured
from model.settings import ROOT

PAGE: Final = ROOT / "docs" / "quality.md"
FIGURES: Final = ROOT / "docs" / "quality.json"

_PEOPLE: Final = "visage benchmark people PHOTOS --strangers STRANGERS --pretrained casia-webface"
_CROWD: Final = "visage benchmark people CROWD --unknown 10 --pretrained casia-webface"
_ENROLMENT: Final = "visage benchmark enrolment LFW --pretrained casia-webface"
_CLEANING: Final = "visage benchmark cleaning PHOTOS --pretrained casia-webface"
_STRANGERS: Final = "visage benchmark cleaning PHOTOS --strangers STRANGERS --pretrained casia-webface"
_LFW: Final = "visage benchmark lfw LFW --flip --subtract-mean --pretrained casia-webface"
_VERIFICATION: Final = "visage benchmark verification LFW --pretrained casia-webface"

_COMMANDS: Final = {
    "people": _PEOPLE,
    "crowd": _CROWD,
    "enrolment": _ENROLMENT,
    "cleaning": _CLEANING,
    "strangers": _STRANGERS,
    "lfw": _LFW,
    "verification": _VERIFICATION,
}
_FILES: Final = {
    "people": people.Result.FILE,
    "crowd": people.Result.FILE,
    "enrolment": enrolment.Result.FILE,
    "cleaning": cleaning.Result.FILE,
    "strangers": cleaning.Result.FILE,
    "lfw": lfw.Result.FILE,
    "verification": same_person.Result.FILE,
}
_OUTPUT: Final = "output.txt"
"""What a command printed, in its folder."""

Results = Mapping[str, Any]
"""The content of each benchmark's JSON file, by the name of its folder."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of docs/quality.json."""

    figure: str
    value: float
    bar: float
    met: bool
    command: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A value to reach. `read` takes the figure from the results; with `less`, smaller values are better.

    A value under `floor` misses the bar too.
    """

    figure: str
    bar: float
    command: str
    read: Callable[[Results], float]
    less: bool = False
    floor: float = 0.0

    def compare(self, results: Results) -> Figure:
        """Return the measured figure beside its bar."""
        value = self.read(results)
        met = self.floor <= value <= self.bar if self.less else value >= self.bar
        return Figure(self.figure, round(value, 5), self.bar, met, self.command)


def publish(folder: Path, figures_file: Path = FIGURES, page: Path = PAGE) -> list[Figure]:
    """Write the figures and the measured part of the page from `folder`, and return the figures.

    `folder` has a folder for each benchmark: people, crowd, enrolment, cleaning, strangers, lfw, verification. Each
    holds the benchmark's JSON file and `output.txt`, what the command printed.

    Raises:
        FileNotFoundError: a benchmark has not been run.
    """
    results = {name: json.loads((folder / name / file).read_text(encoding="utf-8")) for name, file in _FILES.items()}
    outputs = [(command, (folder / name / _OUTPUT).read_text("utf-8")) for name, command in _COMMANDS.items()]
    figures = [bar.compare(results) for bar in BARS]
    write_json(figures_file, [asdict(figure) for figure in figures])
    write_measured(page, _tables(figures, outputs))
    return figures


def _tables(figures: Sequence[Figure], outputs: Sequence[tuple[str, str]]) -> str:
    rows = [
        (figure.figure, _number(figure.value), _number(figure.bar), "yes" if figure.met else "**no**")
        for figure in figures
    ]
    comparison = table(["figure", "measured", "bar", "met"], rows)
    printed = "\n".join(f"```console\n$ {command}\n{output.strip()}\n```\n" for command, output in outputs)
    return f"{comparison}\n\nWhat the commands print:\n\n{printed}"


def _number(value: float) -> str:
    return f"{value:.4g}" if value > 1 else f"{value:.4f}".rstrip("0").rstrip(".")


def _at_a_fifth(result: Mapping[str, Any], name: str) -> float:
    """Return a mean of the trials in which a fifth of every folder is wrong."""
    (row,) = (row for row in result["shares"] if row["share"] == 0.2)
    return float(row[name]["mean"])


def _of_gallery(results: Results, people: int, name: str) -> float:
    """Return a figure of the galleries of so many people, enrolled by one photo each."""
    (row,) = (row for row in results["enrolment"]["rows"] if row["people"] == people)
    return float(row[name])


BARS: Final = (
    Bar("name right, photos held out", 0.995, _PEOPLE, lambda r: r["people"]["name_right"]),
    Bar(
        "photos in which a face is found",
        0.998,
        _PEOPLE,
        lambda r: r["people"]["photos_with_a_face"] / r["people"]["photos"],
    ),
    Bar("strangers taken for somebody", 0.01, _PEOPLE, lambda r: r["people"]["strangers_taken"], less=True),
    Bar("known people recognised, at the same threshold", 0.97, _PEOPLE, lambda r: r["people"]["recognised"]),
    Bar("name right, people in small photos", 0.985, _CROWD, lambda r: r["crowd"]["name_right"]),
    Bar(
        "recognised where 1 % of strangers pass, people in small photos",
        0.90,
        _CROWD,
        lambda r: r["crowd"]["recognised_at_one_percent"],
    ),
    Bar(
        "strangers taken for somebody, people in small photos",
        0.013,
        _CROWD,
        lambda r: r["crowd"]["strangers_taken"],
        less=True,
        floor=0.005,
    ),
    *(
        Bar(
            f"strangers taken for one of {people} enrolled by one photo",
            0.013,
            _ENROLMENT,
            partial(_of_gallery, people=people, name="strangers_taken"),
            less=True,
            floor=0.005,
        )
        for people in (10, 50, 200)
    ),
    Bar(
        "recognised of 200 enrolled by one photo",
        0.86,
        _ENROLMENT,
        partial(_of_gallery, people=200, name="recognised"),
    ),
    Bar("LFW view 2, all 6,000 pairs", 0.988, _LFW, lambda r: r["lfw"]["accuracy"]),
    Bar("LFW, true accepts at one false accept in 1,000", 0.966, _LFW, lambda r: r["lfw"]["tar_at_far"]["0.001"]),
    Bar(
        "pairs of different people that pass, where 1 in 1,000 should",
        0.0013,
        _VERIFICATION,
        lambda r: r["verification"]["false_accepts"]["value"],
        less=True,
        floor=0.0005,
    ),
    Bar(
        "pairs of one person that pass, at the same threshold",
        0.95,
        _VERIFICATION,
        lambda r: r["verification"]["true_accepts"]["value"],
    ),
    Bar("LFW, photos without a face that is found", 0, _LFW, lambda r: r["lfw"]["photos_without_face"], less=True),
    *(
        Bar(
            f"{name} of set-aside, 20 % injected from {source}",
            0.95,
            command,
            partial(lambda r, key, name: _at_a_fifth(r[key], name), key=key, name=name),
        )
        for source, key, command in (("each other", "cleaning", _CLEANING), ("strangers", "strangers", _STRANGERS))
        for name in ("recall", "precision")
    ),
    Bar(
        "expected calibration error of `probability`",
        0.02,
        _PEOPLE,
        lambda r: r["people"]["expected_calibration_error"],
        less=True,
    ),
    Bar(
        "seconds for 15 epochs of training",
        90,
        _PEOPLE,
        lambda r: r["people"]["training"]["seconds"],
        less=True,
    ),
)
