"""`make quality`: the figures of docs/quality.md, out of what `visage benchmark` measured.

It reads what the benchmarks left, a folder each, and writes docs/quality.json and the tables of docs/quality.md.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from model.settings import ROOT

PAGE: Final = ROOT / "docs" / "quality.md"
FIGURES: Final = ROOT / "docs" / "quality.json"

_BEGIN, _END = "<!-- measured -->\n", "<!-- end of what was measured -->\n"

_PEOPLE: Final = "visage benchmark people PHOTOS --strangers STRANGERS --pretrained casia-webface"
_CLEANING: Final = "visage benchmark cleaning PHOTOS --pretrained casia-webface"
_STRANGERS: Final = "visage benchmark cleaning PHOTOS --strangers STRANGERS --pretrained casia-webface"
_LFW: Final = "visage benchmark lfw LFW --flip --pretrained casia-webface"

Results = Mapping[str, Any]
"""What each benchmark left, by its name."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as it stands in docs/quality.json."""

    figure: str
    value: float
    bar: float
    met: bool
    command: str


@dataclass(frozen=True, slots=True)
class _Bar:
    """A figure to reach: where it comes from, and whether more of it is better or less."""

    figure: str
    bar: float
    command: str
    read: Callable[[Results], float]
    less: bool = False

    def measure(self, results: Results) -> Figure:
        value = self.read(results)
        met = value <= self.bar if self.less else value >= self.bar
        return Figure(self.figure, round(value, 5), self.bar, met, self.command)


def main() -> None:
    """Write the figures of the folder that is given: people, cleaning and lfw lie in it."""
    folder = Path(sys.argv[1])
    results = {
        "people": _read(folder / "people" / "people.json"),
        "cleaning": _read(folder / "cleaning" / "cleaning.json"),
        "strangers": _read(folder / "strangers" / "cleaning.json"),
        "lfw": _read(folder / "lfw" / "lfw.json"),
    }
    figures = [bar.measure(results) for bar in _BARS]
    FIGURES.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n", encoding="utf-8")
    outputs = [(command, (folder / name / "output.txt").read_text("utf-8")) for name, command in _COMMANDS.items()]
    write_measured(PAGE, _tables(figures, outputs))


def write_measured(page: Path, measured: str) -> None:
    """Put what was measured between the marks of a page, and leave the rest as it is."""
    before, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    page.write_text(f"{before}{_BEGIN}\n{measured}\n{_END}{after}", encoding="utf-8")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows))


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _tables(figures: Sequence[Figure], outputs: Sequence[tuple[str, str]]) -> str:
    rows = [
        (figure.figure, _number(figure.value), _number(figure.bar), "yes" if figure.met else "**no**")
        for figure in figures
    ]
    met = table(["figure", "measured", "bar", "met"], rows)
    said = "\n".join(f"```console\n$ {command}\n{output.strip()}\n```\n" for command, output in outputs)
    return f"{met}\n\nWhat the commands said:\n\n{said}"


def _number(value: float) -> str:
    return f"{value:.4g}" if value > 1 else f"{value:.4f}".rstrip("0").rstrip(".")


_COMMANDS: Final = {"people": _PEOPLE, "cleaning": _CLEANING, "strangers": _STRANGERS, "lfw": _LFW}


def _at_a_fifth(result: Mapping[str, Any], name: str) -> float:
    (row,) = (row for row in result["shares"] if row["share"] == 0.2)
    return float(row[name]["mean"])


_BARS: Final = (
    _Bar("name right, photos held out", 0.995, _PEOPLE, lambda found: found["people"]["name_right"]),
    _Bar(
        "photos in which a face is found",
        0.985,
        _PEOPLE,
        lambda found: found["people"]["photos_with_a_face"] / found["people"]["photos"],
    ),
    _Bar("strangers taken for somebody", 0.01, _PEOPLE, lambda found: found["people"]["strangers_taken"], less=True),
    _Bar("known people recognised, at the same threshold", 0.97, _PEOPLE, lambda found: found["people"]["recognised"]),
    _Bar("LFW view 2, all 6,000 pairs", 0.985, _LFW, lambda found: found["lfw"]["accuracy"]),
    *(
        _Bar(
            f"{name} of set-aside, 20 % injected from {source}",
            0.95,
            command,
            partial(lambda found, key, name: _at_a_fifth(found[key], name), key=key, name=name),
        )
        for source, key, command in (("each other", "cleaning", _CLEANING), ("strangers", "strangers", _STRANGERS))
        for name in ("recall", "precision")
    ),
    _Bar(
        "expected calibration error of `probability`",
        0.02,
        _PEOPLE,
        lambda found: found["people"]["expected_calibration_error"],
        less=True,
    ),
    _Bar(
        "seconds for 15 epochs of training",
        90,
        _PEOPLE,
        lambda found: found["people"]["training"]["seconds"],
        less=True,
    ),
)


if __name__ == "__main__":
    main()
