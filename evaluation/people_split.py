"""Splits the photos of every person into those to learn from and those to test with."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from dataset.folders import People
from dataset.tally import count_copies
from evaluation.figures import write_json
from preprocess.names import shown
from training import faces as aligned_faces
from training.errors import DatasetError

_SPLIT: Final = "split.json"
_TRAIN: Final = "train"
_TEST: Final = "test"


@dataclass(frozen=True)
class Split:
    """The folders of the photos to learn from and of those to test with, and the names of the latter.

    `copies` counts the photos that are copies of one picture, see `tally.count_copies`; they are all on the same side.
    `remarks` are about folders that were left out.
    """

    train: Path
    test: Path
    tested: Sequence[str]
    copies: Mapping[str, int]
    remarks: Sequence[str]


def set_apart(people: People, count: int, seed: int) -> tuple[People, list[Path]]:
    """Return the people without `count` of them, drawn by `seed`, and all photos of those."""
    names = sorted(people.photos)
    drawn = set(np.random.default_rng(seed).permutation(names)[:count].tolist())
    known = {name: photos for name, photos in people.photos.items() if name not in drawn}
    return replace(people, photos=known), [path for name in sorted(drawn) for path in people.photos[name]]


def split(people: People, folder: Path, share: float, seed: int, groups: Mapping[Path, int]) -> Split:
    """Link a share of each person's photos, at most half, into `folder`/test, and the others into `folder`/train.

    They are drawn from the person's sorted photos with `seed`. `groups` has a number for each photo; photos with the
    same number are copies of one picture, and come to the same side. An earlier split in `folder` is replaced.

    Raises:
        DatasetError: `folder` holds something else, or no photo is left for the test.
    """
    photos = people.root
    sides = _draw(people.photos, share, seed, groups)
    if not sides[_TEST]:
        raise DatasetError(
            f"No photo of {photos} is left for the test. Give more photos of each person, or a larger --test."
        )
    names = {side: [shown(path.relative_to(photos).as_posix()) for path in paths] for side, paths in sides.items()}
    _clear(folder, names | {"seed": seed, "share": share})
    for side, paths in sides.items():
        _link(photos, paths, folder / side)
    return Split(
        train=folder / _TRAIN,
        test=folder / _TEST,
        tested=names[_TEST],
        copies=count_copies(groups.values()),
        remarks=people.remarks,
    )


def _draw(
    people: Mapping[str, Sequence[Path]], share: float, seed: int, groups: Mapping[Path, int]
) -> dict[str, list[Path]]:
    """Return the photos of both sides."""
    paths = [path for owned in people.values() for path in owned]
    owners = np.repeat(np.arange(len(people)), [len(owned) for owned in people.values()])
    pictures = np.array([groups[path] for path in paths])
    roles = aligned_faces.split(owners, validation=0, test=share, seed=seed, groups=pictures)
    sides = {_TRAIN: aligned_faces.TRAIN, _TEST: aligned_faces.TEST}
    return {
        side: [path for path, is_for in zip(paths, roles, strict=True) if is_for == role]
        for side, role in sides.items()
    }


def _clear(folder: Path, description: Mapping[str, Any]) -> None:
    """Remove an earlier split from `folder`, but nothing else, and write the description of the new one."""
    if folder.exists() and any(folder.iterdir()) and not (folder / _SPLIT).exists():
        raise DatasetError(f"{folder} holds files that are not from a split. Give another --output.")
    for side in (_TRAIN, _TEST):
        if (folder / side).exists():
            shutil.rmtree(folder / side)
    write_json(folder / _SPLIT, description)


def _link(photos: Path, paths: Sequence[Path], side: Path) -> None:
    """Link photos; copy them, with their times, where the system does not allow links."""
    for path in paths:
        target = side / path.relative_to(photos)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.symlink_to(path.resolve())
        except OSError:
            shutil.copy2(path, target)
