"""Writes the HTML page of an evaluation: figures, plots and every mistake, in one file."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from PIL import Image

from dataset.tally import told_copies
from dataset.words import counted
from evaluation import plots
from evaluation.metrics import Share
from evaluation.recognition import NOBODY, Evaluation, ProbeResult
from preprocess.errors import PhotoError
from preprocess.files import write_text
from preprocess.names import printable
from preprocess.photo import Photo
from training.calibration import ENOUGH_FACES

PAGE: Final = "report.html"
MAX_THUMBNAILS: Final = 500
"""More pictures would make the page too large for a browser, and too long for a reader."""

_TEMPLATES = Path(__file__).parent / "templates"
_THUMBNAIL_PX = 160

WRONG_NAME: Final = "Wrong name"
NOT_KNOWN: Final = "Known person not recognised"
STRANGER_NAMED: Final = "Stranger recognised as a known person"
NOT_USED: Final = "No face, or not readable"
GROUP_FIGURES: Final = {
    "with_a_face": "Photos with a face",
    "accuracy": "Right name",
    "recognised": "Recognised",
    "taken_for_somebody": "Strangers recognised",
}
"""The titles of the figures that groups are compared by."""

_KINDS = (WRONG_NAME, NOT_KNOWN, STRANGER_NAMED, NOT_USED)


@dataclass(frozen=True, slots=True)
class Headline:
    """A figure at the top of the page: its value, 0 to 1, the 95 % confidence interval, and the number of photos."""

    name: str
    value: float | None
    interval: Sequence[float] | None
    of: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """A photo with a wrong answer: its path, the expected answer, the result, and a picture as a data URI."""

    photo: str
    path: str
    expected: str
    result: ProbeResult
    picture: str | None


def write_page(evaluation: Evaluation, path: Path) -> None:
    """Write the HTML page of an evaluation to `path`. It reads the photos of mistakes again, for thumbnails."""
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True)
    environment.filters |= {"percent": _percent, "counted": counted}
    mistakes = _mistakes(evaluation.results)
    page = environment.get_template("evaluation.html").render(
        evaluation=evaluation,
        headlines=_headlines(evaluation),
        copies=evaluation.copies and told_copies(evaluation.copies),
        groups=evaluation.groups(),
        gaps=evaluation.gaps(),
        figures=GROUP_FIGURES,
        least_photos=ENOUGH_FACES,
        nobody=NOBODY,
        max_thumbnails=MAX_THUMBNAILS,
        plots=_plots(evaluation),
        mistakes=mistakes,
        without_thumbnail=max(sum(map(len, mistakes.values())) - MAX_THUMBNAILS, 0),
        facts=list(_facts(evaluation.bundle)),
    )
    write_text(path, page)


def _headlines(evaluation: Evaluation) -> list[Headline]:
    calibration = evaluation.calibration()
    return [
        _headline("Photos with a face", evaluation.with_a_face, "photo"),
        _headline("Right name", evaluation.accuracy, "known face"),
        _headline("Recognised: right name, and known", evaluation.recognised, "known face"),
        _headline("Strangers recognised as a known person", evaluation.false_accepts, "stranger"),
        Headline(
            "Expected calibration error",
            calibration.error if calibration else None,
            evaluation.calibration_error_interval(),
            f"over {counted(len(evaluation.known), 'known face')}",
        ),
    ]


def _headline(name: str, share: Share, unit: str) -> Headline:
    return Headline(name, share.value, share.interval, f"{share.hits} of {counted(share.trials, unit)}")


def _plots(evaluation: Evaluation) -> dict[str, Markup]:
    """Return the plots for which there are results, as SVG elements."""
    figures = {}
    if evaluation.with_a_face.hits:
        figures["confusion"] = plots.draw_confusion(*evaluation.confusion())
    if roc := evaluation.roc():
        smallest_rate = min(10.0 ** np.floor(-np.log10(len(evaluation.strangers) + 1)), 0.01)
        figures["roc"] = plots.draw_roc(roc.false_accepts, roc.true_accepts, smallest_rate, roc.chosen)
    if calibration := evaluation.calibration():
        figures["reliability"] = plots.draw_reliability(
            calibration.counts, calibration.confidence, calibration.accuracy
        )
    return {name: Markup(plots.svg(figure, name)) for name, figure in figures.items()}  # noqa: S704  it escapes its text


def _mistakes(results: Sequence[ProbeResult]) -> dict[str, list[Mistake]]:
    """Return all mistakes by their kind. The first `MAX_THUMBNAILS` of them have a picture."""
    groups: dict[str, list[Mistake]] = {kind: [] for kind in _KINDS}
    pictures = 0
    for result in results:
        if kind := _kind(result):
            groups[kind].append(_mistake(result, pictured=pictures < MAX_THUMBNAILS))
            pictures += 1
    return {kind: mistakes for kind, mistakes in groups.items() if mistakes}


def _kind(result: ProbeResult) -> str | None:
    """Return the kind of mistake that a result is; None if it is right."""
    if result.problem is not None:
        return NOT_USED
    if result.label == result.person:
        return None
    if result.person is None:
        return STRANGER_NAMED
    return WRONG_NAME if result.label else NOT_KNOWN


def _mistake(result: ProbeResult, *, pictured: bool) -> Mistake:
    photo = Path(result.photo)
    name = "/".join(photo.parts[-2:])
    return Mistake(
        printable(name),
        printable(result.photo),
        result.person or "a stranger",
        result,
        _thumbnail(photo) if pictured else None,
    )


def _thumbnail(photo: Path) -> str | None:
    """Return a small JPEG of a photo as a data URI; None if it cannot be read."""
    try:
        image = Image.fromarray(Photo(photo.read_bytes(), size=_THUMBNAIL_PX).pixels(0))
    except (PhotoError, OSError):
        return None
    image.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.getvalue()).decode()}"


def _facts(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield a title and a table of plain values for a mapping and for each mapping inside it.

    Keys are not changed: some are names of people.
    """
    plain = {name: _text(value) for name, value in values.items() if not isinstance(value, Mapping)}
    if plain:
        yield ": ".join(path) or "bundle", plain
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _facts(value, (*path, name))


def _text(value: Any) -> str:
    """Return a value as text for people: four digits of a fraction, commas in a list, a dash for None."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)


def _percent(share: float) -> str:
    """Return a share, 0 to 1, as text: 0.951 gives "95.1 %", with a no-break space."""
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%"
