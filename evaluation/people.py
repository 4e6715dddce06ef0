"""Measures the whole product on a folder of people, with test photos that no step before has seen.

Every person's photos are split first; all copies of a picture are on the same side. Then the functions behind `visage
prepare`, `train`, `export` and `evaluate` run. They write into OUTPUT:

| name | content |
| --- | --- |
| `photos/train`, `photos/test` | links to the photos, one folder for each person, and `split.json` beside them |
| `aligned`, `run`, `bundle` | made from `photos/train` alone |
| `evaluation` | figures and report of `photos/test` and the strangers |
| `people.json` | the figures of all steps |
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from dataset.folders import Listing, People, walk
from dataset.labels import found_as
from dataset.prepare import Report, group_copies, prepare
from dataset.progress import OnStep
from evaluation import report as evaluation_report
from evaluation.figures import Figures
from evaluation.metrics import Share
from evaluation.people_split import Split, split
from evaluation.recognition import Evaluation, Probe, evaluate
from model.recognizer import Recognizer
from model.settings import Settings
from preprocess.names import normalised
from training import faces as aligned_faces
from training.cohorts import cohort_of_run
from training.embedder import Embedder
from training.errors import DatasetError
from training.export import Export, export
from training.observer import StepObserver
from training.pretrained import Pretrained
from training.recipe import Recipe
from training.run import discard
from training.train import train

PHOTOS: Final = "photos"
ALIGNED: Final = "aligned"
TRAINING: Final = "run"
BUNDLE: Final = "bundle"
EVALUATION: Final = "evaluation"
PAGE: Final = f"{EVALUATION}/{evaluation_report.PAGE}"


@dataclass(frozen=True)
class Result(Figures):
    """What every step returned. `seconds` is the time of training, the pass through the frozen layers included."""

    FILE: ClassVar[str] = "people.json"

    split: Split
    prepared: Report
    metrics: Mapping[str, Any]
    seconds: float
    exported: Export
    evaluation: Evaluation

    @property
    def with_a_face(self) -> Share:
        """The share of all photos of the people, of training and test, in which a face was found."""
        learned = [outcome.faces > 0 for outcome in self.prepared.outcomes]
        tested = [result.problem is None for result in self.evaluation.results if result.person is not None]
        return Share.of(learned + tested)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `people.json`. Shares and 95 % intervals of no photos are None."""
        evaluation, manifest = self.evaluation, self.exported.bundle.manifest
        calibration = evaluation.calibration()
        return {
            "photos": self.with_a_face.trials,
            "photos_with_a_face": self.with_a_face.hits,
            "train": self._train(),
            "test": self._test(),
            "copies": dict(self.split.copies),
            "name_right": evaluation.accuracy.value,
            "name_right_interval": evaluation.accuracy.interval,
            "recognised": evaluation.recognised.value,
            "recognised_interval": evaluation.recognised.interval,
            "recognised_at_one_percent": evaluation.recognised_at(0.01),
            "strangers": len(evaluation.strangers),
            "strangers_taken": evaluation.false_accepts.value,
            "strangers_taken_interval": evaluation.false_accepts.interval,
            "expected_calibration_error": calibration.error if calibration else None,
            "expected_calibration_error_interval": evaluation.calibration_error_interval(),
            "training": self._training(),
            "threshold": evaluation.threshold,
            "measured_on": evaluation.bundle["calibration"]["measured_on"],
            "temperature": evaluation.bundle["temperature"],
            "version": manifest.version,
            "pretrained": manifest.training["pretrained"],
            "recipe": manifest.training["recipe"],
            "largest_difference": self.exported.difference,
            "remarks": [*self.split.remarks, *self.prepared.remarks, *map(str, self.prepared.questions)],
        }

    def write(self, folder: Path) -> None:
        """Write figures, plots and page into `folder`."""
        super().write(folder)
        self.evaluation.write(folder / EVALUATION)
        evaluation_report.write_page(self.evaluation, folder / PAGE)

    def _train(self) -> dict[str, int]:
        outcomes = self.prepared.outcomes
        return {
            "photos": len(outcomes),
            "with_a_face": sum(outcome.faces > 0 for outcome in outcomes),
            "kept": sum(outcome.chip is not None for outcome in outcomes),
        }

    def _test(self) -> dict[str, Any]:
        """Describe the test photos. People whom the model did not learn can never be right."""
        tested = {normalised(name.partition("/")[0].strip()) for name in self.split.tested}
        learned = self.exported.bundle.manifest.labels
        return {
            "photos": len(self.split.tested),
            "with_a_face": len(self.evaluation.known),
            "people_never_learned": sorted(name for name in tested if found_as(name, learned) is None),
        }

    def _training(self) -> dict[str, Any]:
        figures, validation = self.metrics["training"], self.metrics["validation"]
        return {
            "accuracy": figures["accuracy"],
            "loss": figures["loss"],
            "seconds": self.seconds,
            "epochs": len(self.metrics["epochs"]),
            "best_epoch": self.metrics["best_epoch"],
            "validation": validation,
        }


def measure(
    people: People,
    output: Path,
    pretrained: Pretrained,
    recipe: Recipe,
    settings: Settings,
    *,
    test: float,
    strangers: Listing | None = None,
    workers: int = 1,
    device: str = "cpu",
    on_step: OnStep = lambda *_: None,
) -> Result:
    """Hold out the share `test` of the photos of people, learn from the others, recognise the rest.

    The recipe's seed draws the split. Training starts from scratch each time; faces that were found before are reused.
    `settings` names the engine to recognise with.

    Raises:
        DatasetError: `output` is inside the photos, or there are too few of them.
        PrepareError: a worker process was killed.
    """
    output = output.resolve()
    _check(output, people, strangers)
    embed, aligned = Embedder.of_pretrained(pretrained), output / ALIGNED
    groups = group_copies(people, aligned, workers, embed, partial(on_step, "Finding faces"))
    parts = split(people, output / PHOTOS, test, recipe.seed, groups)
    prepared = prepare(parts.train, aligned, workers, embed, partial(on_step, "Preparing training photos"))
    metrics, seconds = _train(output, recipe, pretrained, device, on_step)
    cohort = cohort_of_run(output / TRAINING, settings.cache)
    exported = export(output / TRAINING, output / BUNDLE, cohort=cohort, replace_existing=True)
    evaluation = _evaluate(parts.test, strangers, exported, settings, on_step)
    return Result(parts, prepared, metrics, seconds, exported, evaluation)


def _check(output: Path, *given: People | Listing | None) -> None:
    if any(listed and listed.photos and output.is_relative_to(listed.root.resolve()) for listed in given):
        raise DatasetError(f"{output} is inside the photos. Give another --output.")


def _train(
    output: Path, recipe: Recipe, pretrained: Pretrained, device: str, on_step: OnStep
) -> tuple[dict[str, Any], float]:
    """Train from scratch; return the metrics and the seconds."""
    run = output / TRAINING
    discard(run)
    faces = aligned_faces.read(output / ALIGNED)
    began = time.perf_counter()
    metrics = train(faces, run, recipe, pretrained, StepObserver(on_step), device)
    return metrics, time.perf_counter() - began


def _evaluate(
    test: Path, strangers: Listing | None, exported: Export, settings: Settings, on_step: OnStep
) -> Evaluation:
    probes = [Probe(photo, person) for person, owned in walk(test).photos.items() for photo in owned]
    probes += [Probe(photo, None) for photo in (strangers.photos if strangers else ())]
    recognizer = Recognizer.load(str(exported.bundle.directory), settings)
    return evaluate(recognizer, probes, lambda *done: on_step("Recognising", *done))
