"""How well photos of the wrong person are set aside: put some into every folder, and count what becomes of them.

Every photo is looked at once. Then, for each share and each repeat, photos of others are drawn into each person's
folder, and the selection decides as it does for `visage prepare`. It decides right where it sets an injected photo
aside for not showing the person, and wrong where it does so to one of the person's own.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Any, ClassVar, Final, Self

import numpy as np

from dataset import candidates
from dataset.candidates import Candidates, DetectionTask, Embed, OnProgress
from dataset.errors import PrepareError
from dataset.folders import files, walk
from dataset.selection import Cause, Outcome, Overrides, select
from evaluation.figures import Figures

NOT_THE_PERSON: Final = frozenset({Cause.OTHER_PERSON, Cause.NO_CONSENSUS})
"""Why a photo is set aside that is taken for somebody else's."""

WHOEVER_IT_SHOWS: Final = frozenset({Cause.SMALL, Cause.BLURRED, Cause.COPY})
"""Why a photo is set aside that nobody would miss; it says nothing about telling people apart."""

_PEOPLE: Final = "people"
_STRANGERS: Final = "strangers"


def look(
    photos: Path, output: Path, workers: int, embed: Embed, on_progress: OnProgress, *, strangers: bool = False
) -> list[Candidates]:
    """Return what every photo offers, one person after the other; `output` keeps it, so that a second call is quick.

    `photos` has a folder a person, or, of strangers, photos anywhere.

    Raises:
        PrepareError: there are no such photos, `output` is inside them, or a worker process was killed.
    """
    _check(photos, output)
    photos, kind = photos.resolve(), _STRANGERS if strangers else _PEOPLE
    people = {"": files(photos)} if strangers else walk(photos).photos
    tasks = [
        DetectionTask(photos, path, person, output, kind, embed) for person, paths in people.items() for path in paths
    ]
    return candidates.find_faces(tasks, output / f"{kind}.jsonl", workers, on_progress)


def _check(photos: Path, output: Path) -> None:
    if not photos.is_dir():
        raise PrepareError(f"No such folder: {photos}. Give a folder of photos.")
    if output.resolve().is_relative_to(photos.resolve()):
        raise PrepareError(f"{output} is inside the photos. Give another --output.")


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the photos of one injection.

    `share` was asked for, `caught` injected photos were set aside for not showing the person, `missed` were kept;
    `other_reasons` counts those set aside by the causes that hold whoever a photo shows. `false_alarms` are people's
    own photos that were set aside for not showing them.
    """

    share: float
    repeat: int
    own: int
    caught: int
    missed: Sequence[str]
    other_reasons: Mapping[str, int]
    false_alarms: Sequence[str]

    @classmethod
    def of(cls, share: float, repeat: int, outcomes: Sequence[Outcome], injected: frozenset[str]) -> Self:
        """Count the outcomes of all photos, of which those named in `injected` are wrong."""
        wrong = [outcome for outcome in outcomes if outcome.photo in injected]
        return cls(
            share,
            repeat,
            own=len(outcomes) - len(wrong),
            caught=sum(outcome.cause in NOT_THE_PERSON for outcome in wrong),
            missed=[outcome.photo for outcome in wrong if outcome.cause is None],
            other_reasons=Counter(outcome.cause for outcome in wrong if outcome.cause in WHOEVER_IT_SHOWS),
            false_alarms=[name for name in _taken_for_others(outcomes) if name not in injected],
        )

    @property
    def injected(self) -> int:
        """How many wrong photos there were."""
        return self.caught + len(self.missed) + sum(self.other_reasons.values())

    @property
    def recall(self) -> float | None:
        """Of the injected photos that were not set aside for another reason, the share caught; None of nothing."""
        return _ratio(self.caught, self.caught + len(self.missed))

    @property
    def precision(self) -> float | None:
        """Of the photos set aside for not showing the person, the share that was injected; None of nothing."""
        return _ratio(self.caught, self.caught + len(self.false_alarms))

    def to_dict(self) -> dict[str, Any]:
        """Return counts, shares and names, in JSON's types."""
        return asdict(self) | {"injected": self.injected, "recall": self.recall, "precision": self.precision}


@dataclass(frozen=True)
class Result(Figures):
    """Photos of people and of strangers, and the trials made with them.

    `set_aside_before` are the people's own photos that are taken for others' in the folders as they are. Somebody has
    to look whether they are; in every trial they count as false alarms.
    """

    FILE: ClassVar[str] = "cleaning.json"

    photos: int
    photos_with_a_face: int
    strangers_with_a_face: int
    set_aside_before: Sequence[str]
    seed: int
    trials: Sequence[Trial]

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `cleaning.json`."""
        by_share = groupby(self.trials, key=lambda trial: trial.share)
        return {
            "photos": self.photos,
            "photos_with_a_face": self.photos_with_a_face,
            "strangers_with_a_face": self.strangers_with_a_face,
            "own_set_aside_without_injection": list(self.set_aside_before),
            "seed": self.seed,
            "shares": [_summary(share, list(trials)) for share, trials in by_share],
        }


def inject(
    people: Sequence[Candidates],
    strangers: Sequence[Candidates] = (),
    *,
    shares: Sequence[float],
    repeats: int,
    seed: int,
    on_progress: OnProgress = lambda *_: None,
) -> Result:
    """Return what becomes of wrong photos that make up each share, 0 to 1, of everybody's folder.

    They are drawn from `strangers`, the harder case, or else from the other people, whose own folders give them away.
    `people` has the photos of one person after those of another. What is drawn for a share and a repeat depends on
    `seed`, whatever other shares and repeats there are.

    Raises:
        PrepareError: there are too few photos of others to make up a share.
    """
    wanted = [(share, repeat) for share in dict.fromkeys(shares) for repeat in range(repeats)]
    before = _taken_for_others(select(people, Overrides())[0])
    trials = []
    for share, repeat in wanted:
        random = np.random.default_rng([seed, repeat, round(share * 1_000_000)])
        mixed, injected = _mix(people, strangers, share, random)
        trials.append(Trial.of(share, repeat, select(mixed, Overrides())[0], injected))
        on_progress(len(trials), len(wanted))
    return Result(len(people), _with_a_face(people), _with_a_face(strangers), before, seed, trials)


def _mix(
    people: Sequence[Candidates], strangers: Sequence[Candidates], share: float, random: np.random.Generator
) -> tuple[list[Candidates], frozenset[str]]:
    """Return everybody's photos with wrong ones among them, one person after the other, and the wrong ones' names."""
    mixed: list[Candidates] = []
    injected: set[str] = set()
    for person, group in groupby(people, key=lambda photo: photo.person):
        own = list(group)
        others = [photo for photo in (strangers or people) if photo.faces and photo.person != person]
        wrong = list(_draw(person, others, round(len(own) * share / (1 - share)), random))
        mixed += own + wrong
        injected.update(photo.photo for photo in wrong)
    return mixed, frozenset(injected)


def _draw(person: str, others: Sequence[Candidates], count: int, random: np.random.Generator) -> Iterator[Candidates]:
    """Yield `count` different photos of others under a person's name, each telling where it is from."""
    if count > len(others):
        raise PrepareError(
            f'There are {len(others)} photos to put into the folder of "{person}", and {count} are wanted. Give more '
            "people, --strangers, or a smaller --share."
        )
    for number, index in enumerate(random.choice(len(others), count, replace=False)):
        photo = others[index]
        yield replace(photo, person=person, photo=f"{person}/injected-{number}/{photo.photo}")


def _with_a_face(photos: Sequence[Candidates]) -> int:
    return sum(bool(photo.faces) for photo in photos)


def _taken_for_others(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.photo for outcome in outcomes if outcome.cause in NOT_THE_PERSON]


def _summary(share: float, trials: Sequence[Trial]) -> dict[str, Any]:
    """Return the figures of a share's trials: counts in all, means and minima."""
    return {
        "share": share,
        "injected": sum(trial.injected for trial in trials),
        "caught": sum(trial.caught for trial in trials),
        "missed": sum(len(trial.missed) for trial in trials),
        "set_aside_for_other_reasons": sum(sum(trial.other_reasons.values()) for trial in trials),
        "false_alarms": sum(len(trial.false_alarms) for trial in trials),
        "recall": _spread([trial.recall for trial in trials]),
        "precision": _spread([trial.precision for trial in trials]),
        "trials": [trial.to_dict() for trial in trials],
    }


def _spread(values: Sequence[float | None]) -> dict[str, float | None]:
    """Return mean and least of the values there are; None of none."""
    there = [value for value in values if value is not None]
    return {"mean": fmean(there), "min": min(there)} if there else {"mean": None, "min": None}


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
