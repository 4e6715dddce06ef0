"""How good a bundle is: photos of people it knows, and of strangers, through the runtime that serves it."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from model.plots import plot_confusion
from model.recognizer import Recognizer
from preprocess import PhotoError

NOBODY: Final = "nobody I know"
REPORT: Final = "evaluation.json"
CONFUSION: Final = "confusion.png"

OnProgress = Callable[[int, int], None]
"""Photos done, photos in all."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A photo and whose it is; None for a stranger."""

    photo: Path
    person: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the most prominent face of a probe was taken for.

    `label` is the answer, None for nobody; `likeliest` the name it would have without the threshold; `problem` says
    why there is neither.
    """

    photo: str
    person: str | None
    label: str | None = None
    likeliest: str | None = None
    similarity: float | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Evaluation:
    """The verdicts on all probes, and the figures they add up to."""

    version: str
    labels: Sequence[str]
    verdicts: Sequence[Verdict]

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `evaluation.json`. Shares are of photos with a face; None where there are none."""
        known = [verdict for verdict in self._with_a_face() if verdict.person is not None]
        strangers = [verdict for verdict in self._with_a_face() if verdict.person is None]
        return {
            "version": self.version,
            "photos": len(self.verdicts),
            "with_a_face": len(known) + len(strangers),
            "known": {
                "photos": len(known),
                "accuracy": _share(v.likeliest == v.person for v in known),
                "recognised": _share(v.label == v.person for v in known),
                "people": self._people(known),
            },
            "strangers": {
                "photos": len(strangers),
                "taken_for_somebody": _share(v.label is not None for v in strangers),
            },
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
        }

    def confusion(self) -> tuple[Any, list[str], list[str]]:
        """Return photo counts (people and strangers, labels and nobody), and the names of rows and columns."""
        faces = self._with_a_face()
        truth = [verdict.person or NOBODY for verdict in faces]
        names = [*self.labels, NOBODY]
        counts = confusion_matrix(truth, [v.label or NOBODY for v in faces], labels=names)
        rows = [index for index, name in enumerate(names) if name in truth]
        return counts[rows], [names[index] for index in rows], names

    def write(self, folder: Path) -> None:
        """Write the figures into `folder`, and the confusion matrix if any photo has a face."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False)
        (folder / REPORT).write_text(text + "\n", encoding="utf-8")
        if self._with_a_face():
            plot_confusion(*self.confusion(), folder / CONFUSION)

    def _with_a_face(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.problem is None]

    def _people(self, known: Sequence[Verdict]) -> dict[str, dict[str, float]]:
        """Return each person's precision and recall; a face taken for nobody counts against recall."""
        labels = sorted({verdict.person for verdict in known if verdict.person})
        if not labels:
            return {}
        precision, recall, _, photos = precision_recall_fscore_support(
            [v.person for v in known], [v.label or NOBODY for v in known], labels=labels, zero_division=0
        )
        columns = zip(labels, precision, recall, photos, strict=True)
        return {name: {"precision": float(p), "recall": float(r), "photos": int(n)} for name, p, r, n in columns}


def evaluate(recognizer: Recognizer, probes: Sequence[Probe], on_progress: OnProgress) -> Evaluation:
    """Recognise every probe; photos that cannot be used are part of the result, with the reason."""
    verdicts = []
    for probe in probes:
        verdicts.append(_judge(recognizer, probe))
        on_progress(len(verdicts), len(probes))
    return Evaluation(recognizer.version, recognizer.labels, verdicts)


def _judge(recognizer: Recognizer, probe: Probe) -> Verdict:
    try:
        face = recognizer.recognize(probe.photo.read_bytes()).faces[0]
    except PhotoError as error:
        return Verdict(str(probe.photo), probe.person, problem=str(error))
    likeliest = face.predictions[0].label
    return Verdict(str(probe.photo), probe.person, face.label, likeliest, face.similarity)


def _share(hits: Iterable[bool]) -> float | None:
    found = list(hits)
    return float(np.mean(found)) if found else None
