"""Measures how well `visage prepare` sets aside photos of the wrong person.

Faces are found once in every photo. Then, for each share and each repeat, photos of other people are drawn at random
and injected into each person's folder, and the selection of `visage prepare` runs. It is right when it sets aside an
injected photo because it shows somebody else, and wrong when it does so with one of the person's own photos.
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
from dataset.candidates import Candidates, DetectionTask, Embed
from dataset.errors import PrepareError
from dataset.folders import Listing, People
from dataset.overrides import Overrides
from dataset.progress import OnProgress
from dataset.selection import Cause, Outcome, select
from dataset.words import counted
from evaluation.figures import Figures

NOT_THE_PERSON: Final = frozenset({Cause.OTHER_PERSON, Cause.NO_CONSENSUS, Cause.TIE})
"""Causes that say that a photo shows somebody else, or may do so."""

OTHER_CAUSES: Final = frozenset({Cause.SMALL, Cause.BLURRED, Cause.COPY})
"""Causes that do not depend on who is in a photo."""

_PEOPLE: Final = "people"
_STRANGERS: Final = "strangers"


def find_faces(
    photos: People | Listing, output: Path, workers: int, embed: Embed, on_progress: OnProgress
) -> list[Candidates]:
    """Return the faces of every photo of people, sorted by person, or of strangers, who are all called "".

    `output` stores them, so that a second call is quick.

    Raises:
        PrepareError: `output` is inside the photos, or a worker process was killed.
    """
    if output.resolve().is_relative_to(photos.root.resolve()):
        raise PrepareError(f"{output} is inside the photos. Give another --output.")
    kind, people = (_PEOPLE, photos.photos) if isinstance(photos, People) else (_STRANGERS, {"": photos.photos})
    tasks = [
        DetectionTask(photos.root, path, person, output, kind, embed)
        for person, paths in people.items()
        for path in paths
    ]
    return candidates.find_faces(tasks, output / f"{kind}.jsonl", workers, on_progress)


@dataclass(frozen=True, slots=True)
class Trial:
    """The selection among photos of which the share `share` was injected.

    `own` is the number of people's own photos. `caught` injected photos were set aside because they show somebody else,
    `missed` were kept, and `other_reasons` counts those set aside for a cause that does not depend on the person.
    `false_alarms` are own photos that were set aside because they seem to show somebody else.
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
        """Count the outcomes of all photos; `injected` has the names of the injected ones."""
        wrong = [outcome for outcome in outcomes if outcome.photo in injected]
        return cls(
            share,
            repeat,
            own=len(outcomes) - len(wrong),
            caught=sum(outcome.cause in NOT_THE_PERSON for outcome in wrong),
            missed=[outcome.photo for outcome in wrong if outcome.cause is None],
            other_reasons=Counter(outcome.cause for outcome in wrong if outcome.cause in OTHER_CAUSES),
            false_alarms=[name for name in _seem_to_show_others(outcomes) if name not in injected],
        )

    @property
    def injected(self) -> int:
        """The number of injected photos."""
        return self.caught + len(self.missed) + sum(self.other_reasons.values())

    @property
    def recall(self) -> float | None:
        """The share of injected photos that were caught, without those of `other_reasons`; None of no photos."""
        return _ratio(self.caught, self.caught + len(self.missed))

    @property
    def precision(self) -> float | None:
        """The share of injected photos among those set aside for showing somebody else; None of no photos."""
        return _ratio(self.caught, self.caught + len(self.false_alarms))

    def to_dict(self) -> dict[str, Any]:
        """Return counts, shares and names in JSON's types."""
        return asdict(self) | {"injected": self.injected, "recall": self.recall, "precision": self.precision}


@dataclass(frozen=True)
class Result(Figures):
    """The number of photos, and the trials made with them.

    `set_aside_before` has photos that are set aside without any injection, because they seem to show somebody else. A
    person has to check whether they do. In every trial they count as false alarms.
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


def measure(
    people: Sequence[Candidates],
    strangers: Sequence[Candidates] = (),
    *,
    shares: Sequence[float],
    repeats: int,
    seed: int,
    on_progress: OnProgress = lambda *_: None,
) -> Result:
    """Inject photos into everybody's folder until they are each share, 0 to 1, of it; return what is set aside.

    They are drawn from `strangers` if there are any, else from the other people. Strangers are harder to detect:
    they have no folder of their own. `people` is sorted by person. The draw of a share and a repeat depends on `seed`,
    and not on the other shares and repeats.

    Raises:
        PrepareError: there are too few photos of others to make up a share.
    """
    wanted = [(share, repeat) for share in dict.fromkeys(shares) for repeat in range(repeats)]
    before = _seem_to_show_others(select(people, Overrides()).outcomes)
    trials = []
    for share, repeat in wanted:
        random = np.random.default_rng([seed, repeat, round(share * 1_000_000)])
        mixed, injected = _mix(people, strangers, share, random)
        trials.append(Trial.of(share, repeat, select(mixed, Overrides()).outcomes, injected))
        on_progress(len(trials), len(wanted))
    return Result(len(people), _with_a_face(people), _with_a_face(strangers), before, seed, trials)


def _mix(
    people: Sequence[Candidates], strangers: Sequence[Candidates], share: float, random: np.random.Generator
) -> tuple[list[Candidates], frozenset[str]]:
    """Return everybody's photos with injected ones, sorted by person, and the names of the injected ones."""
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
    """Yield `count` different photos of others under a person's name; their new names contain the old ones."""
    if count > len(others):
        raise PrepareError(
            f'Only {counted(len(others), "photo")} can be injected into the folder of "{person}", instead of {count}. '
            "Give more people, --strangers, or a smaller --share."
        )
    for number, index in enumerate(random.choice(len(others), count, replace=False)):
        photo = others[index]
        yield replace(photo, person=person, photo=f"{person}/injected-{number}/{photo.photo}")


def _with_a_face(photos: Sequence[Candidates]) -> int:
    return sum(bool(photo.faces) for photo in photos)


def _seem_to_show_others(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.photo for outcome in outcomes if outcome.cause in NOT_THE_PERSON]


def _summary(share: float, trials: Sequence[Trial]) -> dict[str, Any]:
    """Return the figures of the trials of one share: sums of counts, means and minima of ratios."""
    return {
        "share": share,
        "injected": sum(trial.injected for trial in trials),
        "caught": sum(trial.caught for trial in trials),
        "missed": sum(len(trial.missed) for trial in trials),
        "set_aside_for_other_reasons": sum(sum(trial.other_reasons.values()) for trial in trials),
        "false_alarms": sum(len(trial.false_alarms) for trial in trials),
        "recall": _mean_and_min([trial.recall for trial in trials]),
        "precision": _mean_and_min([trial.precision for trial in trials]),
        "trials": [trial.to_dict() for trial in trials],
    }


def _mean_and_min(values: Sequence[float | None]) -> dict[str, float | None]:
    """Return the mean and the minimum of the values that are not None; None without values."""
    present = [value for value in values if value is not None]
    return {"mean": fmean(present), "min": min(present)} if present else {"mean": None, "min": None}


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
