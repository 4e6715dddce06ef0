"""Measures how well a bundle recognises photos of known people and of strangers, through the code that serves it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, precision_score

from dataset.labels import found_as
from dataset.progress import OnProgress
from evaluation.figures import Figures
from evaluation.metrics import Gap, Roc, Share, calibration_error_interval
from evaluation.plots import plot_confusion
from model.bundle import Manifest
from model.recognizer import Recognizer
from preprocess.errors import PhotoError
from preprocess.files import read_photo
from preprocess.names import normalised, printable
from training.calibration import ENOUGH_FACES
from training.reliability import DoubleArray, Reliability

NOBODY: Final = "nobody I know"
"""The name of strangers in figures and plots."""

CONFUSION: Final = "confusion.png"


@dataclass(frozen=True, slots=True)
class Probe:
    """A photo, the name of the person in it (None for a stranger), and the group to count it for."""

    photo: Path
    person: str | None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The answer for the most prominent face of a probe.

    `label` is the name in the answer, None for an unknown face. `likeliest` is the most likely name whatever the
    threshold, `probability` the probability of that name. `problem` is the reason why there is no answer.
    """

    photo: str
    person: str | None
    label: str | None = None
    likeliest: str | None = None
    similarity: float | None = None
    probability: float | None = None
    score: float | None = None
    problem: str | None = None
    group: str | None = None

    @property
    def acceptance(self) -> float:
        """The largest threshold that accepts the face."""
        return self.score if self.score is not None else -np.inf


@dataclass(frozen=True)
class Evaluation(Figures):
    """The results of all probes, and the figures made of them. Shares are of the photos with a face.

    A face counts as known from the score `threshold` on. `bundle` describes the bundle, as its manifest does. `copies`
    counts the copies of pictures among photos that a training held out and learned from, see `tally.count_copies`.
    """

    FILE: ClassVar[str] = "evaluation.json"

    version: str
    labels: Sequence[str]
    results: Sequence[ProbeResult]
    threshold: float
    bundle: Mapping[str, Any]
    copies: Mapping[str, int] | None = None

    @property
    def known(self) -> list[ProbeResult]:
        """The results with a face of known people."""
        return [result for result in self._with_a_face() if result.person is not None]

    @property
    def strangers(self) -> list[ProbeResult]:
        """The results with a face of strangers."""
        return [result for result in self._with_a_face() if result.person is None]

    @property
    def with_a_face(self) -> Share:
        """The share of all photos in which a face was found."""
        return Share.of(result.problem is None for result in self.results)

    @property
    def accuracy(self) -> Share:
        """The share of known faces whose most likely name is right."""
        return Share.of(result.likeliest == result.person for result in self.known)

    @property
    def recognised(self) -> Share:
        """The share of known faces whose name is in the answer."""
        return Share.of(result.label == result.person for result in self.known)

    @property
    def false_accepts(self) -> Share:
        """The share of strangers who are given a name."""
        return Share.of(result.label is not None for result in self.strangers)

    def recognised_at(self, rate: float) -> float | None:
        """Return the share of known faces that are recognised at the threshold that a share `rate` of strangers reach.

        None without known faces or strangers.
        """
        known, strangers = self.known, [result.acceptance for result in self.strangers]
        if not (known and strangers):
            return None
        least = np.quantile(strangers, 1 - rate)
        return float(np.mean([result.likeliest == result.person and result.acceptance >= least for result in known]))

    def calibration(self) -> Reliability | None:
        """Return the calibration of known faces' most likely names; None without known faces."""
        return Reliability.of(*self._probabilities()) if self.known else None

    def calibration_error_interval(self) -> list[float] | None:
        """Return the 95 % confidence interval of the expected calibration error."""
        return calibration_error_interval(*self._probabilities())

    def roc(self) -> Roc | None:
        """Return the ROC of known faces with the right most likely name against strangers; None without either."""
        genuine = [result.acceptance for result in self.known if result.likeliest == result.person]
        impostors = [result.acceptance for result in self.strangers]
        return Roc.of(genuine, impostors, self.threshold) if genuine and impostors else None

    def people(self) -> dict[str, dict[str, Any]]:
        """Return the precision and recall of each person. A known face without a name lowers the recall only."""
        known = self.known
        labels = sorted({result.person for result in known if result.person})
        if not labels:
            return {}
        truth, answers = [result.person for result in known], [result.label or NOBODY for result in known]
        precision = precision_score(truth, answers, labels=labels, average=None, zero_division=0)
        recall = [Share.of(result.label == name for result in known if result.person == name) for name in labels]
        return {name: _person(float(p), r) for name, p, r in zip(labels, precision, recall, strict=True)}

    def groups(self) -> dict[str, Self]:
        """Return the results of each group."""
        names = sorted({result.group for result in self.results if result.group is not None})
        return {name: replace(self, results=[r for r in self.results if r.group == name]) for name in names}

    def gaps(self) -> dict[str, Gap | None]:
        """Return the largest gap of each figure between two groups; None where too few groups have enough photos."""
        groups = self.groups()
        shares = {name: group.shares() for name, group in groups.items()}
        return {figure: Gap.of({name: shares[name][figure] for name in groups}) for figure in self.shares()}

    def shares(self) -> dict[str, Share]:
        """Return the figures that groups are compared by."""
        return {
            "with_a_face": self.with_a_face,
            "accuracy": self.accuracy,
            "recognised": self.recognised,
            "taken_for_somebody": self.false_accepts,
        }

    def confusion(self) -> tuple[npt.NDArray[np.int64], list[str], list[str]]:
        """Return photo counts (R, C), the R names of people in the photos and the C names that answers can have."""
        with_a_face = self._with_a_face()
        truth = [result.person or NOBODY for result in with_a_face]
        columns = [*self.labels, NOBODY]
        names = [*self.labels, *sorted(set(truth) - set(columns)), NOBODY]
        counts = confusion_matrix(truth, [result.label or NOBODY for result in with_a_face], labels=names)
        rows = [index for index, name in enumerate(names) if name in truth]
        kept = [names.index(name) for name in columns]
        return counts[np.ix_(rows, kept)], [names[index] for index in rows], columns

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `evaluation.json`. Shares and intervals of no photos are None."""
        calibration = self.calibration()
        return {
            "version": self.version,
            "threshold": self.threshold,
            "photos": len(self.results),
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
                **_figure("taken_for_somebody", self.false_accepts),
            },
            "groups": self._groups(),
            "copies": self.copies and dict(self.copies),
            "verdicts": [asdict(result) | {"photo": printable(result.photo)} for result in self.results],
        }

    def write(self, folder: Path) -> None:
        """Write the figures into `folder`, and the confusion matrix if any photo has a face."""
        super().write(folder)
        if self._with_a_face():
            plot_confusion(*self.confusion(), folder / CONFUSION)

    def _groups(self) -> dict[str, Any] | None:
        """Return the figures of each group, and the largest gaps; None if there are no groups."""
        groups = self.groups()
        if not groups:
            return None
        return {
            "figures": {name: _group(evaluation) for name, evaluation in groups.items()},
            "gaps": {figure: gap and asdict(gap) for figure, gap in self.gaps().items()},
            "least_photos": ENOUGH_FACES,
            "photos_in_no_group": sum(result.group is None for result in self.results),
        }

    def _with_a_face(self) -> list[ProbeResult]:
        return [result for result in self.results if result.problem is None]

    def _probabilities(self) -> tuple[DoubleArray, npt.NDArray[np.bool_]]:
        """Return the (N,) probabilities of known faces' most likely names, and whether each of the names is right."""
        probabilities = np.array([result.probability for result in self.known], dtype=np.float64)
        return probabilities, np.array([result.likeliest == result.person for result in self.known], dtype=np.bool_)


def evaluate(recognizer: Recognizer, probes: Sequence[Probe], on_progress: OnProgress) -> Evaluation:
    """Recognise every probe. A photo that cannot be used has a result with the reason.

    All names are in NFC, so that a bundle of an older version, which has the spelling of its folders, is right too. A
    person in the photos is the one of the bundle whose name is the same, see `labels.same`.
    """
    results = []
    manifest = recognizer.manifest
    people = tuple(map(normalised, recognizer.people))
    names = {
        name: found_as(name, people) or normalised(name) for name in {probe.person for probe in probes if probe.person}
    }
    for probe in probes:
        result = _recognize(recognizer, probe.photo, names.get(probe.person or ""))
        results.append(replace(result, group=probe.group))
        on_progress(len(results), len(probes))
    return Evaluation(manifest.version, people, results, manifest.threshold, _describe(manifest))


def _recognize(recognizer: Recognizer, photo: Path, person: str | None) -> ProbeResult:
    try:
        face = recognizer.recognize(read_photo(photo)).faces[0]
    except PhotoError as error:
        return ProbeResult(str(photo), person, problem=str(error))
    except OSError as error:
        return ProbeResult(str(photo), person, problem=f"The file cannot be read: {error.strerror or error}.")
    likeliest = face.predictions[0]
    return ProbeResult(
        str(photo),
        person,
        face.label and normalised(face.label),
        normalised(likeliest.label),
        face.similarity,
        likeliest.probability,
        face.score,
    )


def _describe(manifest: Manifest) -> dict[str, Any]:
    """Return the manifest of a bundle without its lists of names and files."""
    return {name: value for name, value in asdict(manifest).items() if name not in {"labels", "files"}}


def _figure(name: str, share: Share) -> dict[str, Any]:
    return {name: share.value, f"{name}_interval": share.interval}


def _group(evaluation: Evaluation) -> dict[str, Any]:
    shares = evaluation.shares()
    counts = {"photos": len(evaluation.results), "known": len(evaluation.known), "strangers": len(evaluation.strangers)}
    return counts | {key: value for name, share in shares.items() for key, value in _figure(name, share).items()}


def _person(precision: float, recall: Share) -> dict[str, Any]:
    return {"precision": precision, **_figure("recall", recall), "photos": recall.trials}
