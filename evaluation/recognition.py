"""How good a bundle is: photos of people it knows, and of strangers, through the runtime that serves it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
from sklearn.metrics import confusion_matrix, precision_score

from evaluation.figures import Figures, OnProgress
from evaluation.metrics import FloatArray, Roc, Share, calibration_error_interval
from evaluation.plots import plot_confusion
from model.bundle import Manifest
from model.recognizer import Recognizer
from preprocess.errors import PhotoError
from training.reliability import Reliability

NOBODY: Final = "nobody I know"
CONFUSION: Final = "confusion.png"


@dataclass(frozen=True, slots=True)
class Probe:
    """A photo and whose it is; None for a stranger."""

    photo: Path
    person: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the most prominent face of a probe was taken for.

    `label` is the answer, None for nobody; `likeliest` the name it would have without the threshold, `probability`
    that name's; `problem` says why there is neither.
    """

    photo: str
    person: str | None
    label: str | None = None
    likeliest: str | None = None
    similarity: float | None = None
    probability: float | None = None
    certain: bool = True
    problem: str | None = None

    @property
    def acceptance(self) -> float:
        """The similarity up to which thresholds accept the face; -1 where none does."""
        return self.similarity if self.certain and self.similarity is not None else -1.0


@dataclass(frozen=True)
class Evaluation(Figures):
    """The verdicts on all probes, and the figures they add up to.

    `threshold` is the cosine similarity from which a face counted as known; `bundle` describes what was evaluated, as
    its manifest does. Shares are of photos with a face.
    """

    FILE: ClassVar[str] = "evaluation.json"

    version: str
    labels: Sequence[str]
    verdicts: Sequence[Verdict]
    threshold: float
    bundle: Mapping[str, Any]

    @property
    def known(self) -> list[Verdict]:
        """The faces of people who have a name."""
        return [verdict for verdict in self._with_a_face() if verdict.person is not None]

    @property
    def strangers(self) -> list[Verdict]:
        """The faces of people who have none."""
        return [verdict for verdict in self._with_a_face() if verdict.person is None]

    @property
    def with_a_face(self) -> Share:
        """Of all photos, those in which a face was found."""
        return Share.of(verdict.problem is None for verdict in self.verdicts)

    @property
    def accuracy(self) -> Share:
        """Of known faces, those whose likeliest name is theirs."""
        return Share.of(v.likeliest == v.person for v in self.known)

    @property
    def recognised(self) -> Share:
        """Of known faces, those that were called by their name."""
        return Share.of(v.label == v.person for v in self.known)

    @property
    def taken_for_somebody(self) -> Share:
        """Of strangers, those who were given a name."""
        return Share.of(v.label is not None for v in self.strangers)

    def calibration(self) -> Reliability | None:
        """Return how far probabilities of known faces' likeliest names can be trusted; None without known faces."""
        return Reliability.of(*self._answers()) if self.known else None

    def calibration_error_interval(self) -> list[float] | None:
        """Return the 95 % confidence interval of the expected calibration error."""
        return calibration_error_interval(*self._answers())

    def roc(self) -> Roc | None:
        """Return the ROC of known faces with the right likeliest name against strangers; None if either lacks.

        A face whose name is not certain is accepted at no threshold.
        """
        genuine = [v.acceptance for v in self.known if v.likeliest == v.person]
        impostors = [v.acceptance for v in self.strangers]
        return Roc.of(genuine, impostors, self.threshold) if genuine and impostors else None

    def people(self) -> dict[str, dict[str, Any]]:
        """Return each person's precision and recall; a face taken for nobody counts against recall."""
        known = self.known
        labels = sorted({verdict.person for verdict in known if verdict.person})
        if not labels:
            return {}
        truth, answers = [v.person for v in known], [v.label or NOBODY for v in known]
        precision = precision_score(truth, answers, labels=labels, average=None, zero_division=0)
        recall = [Share.of(v.label == name for v in known if v.person == name) for name in labels]
        return {name: _person(float(p), r) for name, p, r in zip(labels, precision, recall, strict=True)}

    def confusion(self) -> tuple[Any, list[str], list[str]]:
        """Return photo counts (people and strangers, labels and nobody), and the names of rows and columns."""
        faces = self._with_a_face()
        truth = [verdict.person or NOBODY for verdict in faces]
        names = [*self.labels, NOBODY]
        counts = confusion_matrix(truth, [v.label or NOBODY for v in faces], labels=names)
        rows = [index for index, name in enumerate(names) if name in truth]
        return counts[rows], [names[index] for index in rows], names

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `evaluation.json`. Where there are no photos, shares and intervals are None."""
        calibration = self.calibration()
        return {
            "version": self.version,
            "threshold": self.threshold,
            "photos": len(self.verdicts),
            "with_a_face": self.with_a_face.hits,
            "with_a_face_interval": self.with_a_face.interval,
            "known": {
                "photos": len(self.known),
                **_figure("accuracy", self.accuracy),
                **_figure("recognised", self.recognised),
                "expected_calibration_error": calibration.error if calibration else None,
                "expected_calibration_error_interval": self.calibration_error_interval(),
                "people": self.people(),
            },
            "strangers": {
                "photos": len(self.strangers),
                **_figure("taken_for_somebody", self.taken_for_somebody),
            },
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
        }

    def write(self, folder: Path) -> None:
        """Write the figures into `folder`, and the confusion matrix if any photo has a face."""
        super().write(folder)
        if self._with_a_face():
            plot_confusion(*self.confusion(), folder / CONFUSION)

    def _with_a_face(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.problem is None]

    def _answers(self) -> tuple[FloatArray, Any]:
        """Return the known faces' (N,) probabilities of the likeliest name, and whether it is right."""
        probabilities = np.array([v.probability for v in self.known], dtype=np.float64)
        return probabilities, np.array([v.likeliest == v.person for v in self.known], dtype=np.bool_)


def evaluate(recognizer: Recognizer, probes: Sequence[Probe], on_progress: OnProgress) -> Evaluation:
    """Recognise every probe; photos that cannot be used are part of the result, with the reason."""
    verdicts = []
    for probe in probes:
        verdicts.append(_judge(recognizer, probe))
        on_progress(len(verdicts), len(probes))
    manifest = recognizer.manifest
    return Evaluation(manifest.version, manifest.people, verdicts, manifest.threshold, _describe(manifest))


def _judge(recognizer: Recognizer, probe: Probe) -> Verdict:
    try:
        face = recognizer.recognize(probe.photo.read_bytes()).faces[0]
    except PhotoError as error:
        return Verdict(str(probe.photo), probe.person, problem=str(error))
    likeliest = face.predictions[0]
    return Verdict(
        str(probe.photo),
        probe.person,
        face.label,
        likeliest.label,
        face.similarity,
        likeliest.probability,
        face.certain,
    )


def _describe(manifest: Manifest) -> dict[str, Any]:
    """Return what a bundle says of itself, without its list of names and its files."""
    return {name: value for name, value in asdict(manifest).items() if name not in {"labels", "files"}}


def _figure(name: str, share: Share) -> dict[str, Any]:
    return {name: share.value, f"{name}_interval": share.interval}


def _person(precision: float, recall: Share) -> dict[str, Any]:
    return {"precision": precision, **_figure("recall", recall), "photos": recall.trials}
