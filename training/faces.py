"""Reads a folder of aligned faces, and splits them into training, validation and test."""

import hashlib
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from PIL import Image

from dataset.aligned import by_label
from dataset.folders import files as files_in
from dataset.prepare import copies_of_chips
from dataset.words import counted
from model.prototypes import IntArray
from preprocess.files import sha256_of
from preprocess.geometry import PHOTO_CHIP
from preprocess.names import shown
from training.errors import DatasetError

_UNDECIDED: Final = -1
TRAIN: Final = 0
VALIDATION: Final = 1
TEST: Final = 2
"""Role of a face: for training, for choosing the epoch and the threshold, or for evaluation."""


@dataclass(frozen=True)
class AlignedFaces:
    """N chips of C people: their files, and `people` (N,), each an index of the labels."""

    root: Path
    labels: tuple[str, ...]
    chips: tuple[Path, ...]
    people: IntArray

    def names(self) -> list[str]:
        """Return each chip's path below the root, with slashes, as it is shown."""
        return [shown(chip.relative_to(self.root).as_posix()) for chip in self.chips]

    def fingerprint(self) -> str:
        """Return a SHA-256 over every chip's name and content."""
        digest = hashlib.sha256()
        for name, chip in zip(self.names(), self.chips, strict=True):
            digest.update(f"{name}\0{sha256_of(chip)}\n".encode())
        return digest.hexdigest()

    def copies(self) -> IntArray:
        """Return the number of each face's group, (N,): the faces of a group are from copies of one picture.

        It is -1 for a face that `visage prepare` did not write: copies of it are not looked for.
        """
        return copies_of_chips(self.root, self.names())

    def only(self, labels: Iterable[str]) -> Self:
        """Return the faces of some people.

        Raises:
            DatasetError: there are no faces of one of them.
        """
        wanted = sorted(set(labels))
        missing = [label for label in wanted if label not in self.labels]
        if missing:
            raise DatasetError(f"{self.root} has no faces of {', '.join(missing)}. Run `visage prepare` again.")
        numbers = [self.labels.index(label) for label in wanted]
        rows = [row for number in numbers for row in np.flatnonzero(self.people == number)]
        people = np.array([numbers.index(number) for number in self.people[rows]], self.people.dtype)
        return type(self)(self.root, tuple(wanted), tuple(self.chips[row] for row in rows), people)


def read(aligned: Path) -> AlignedFaces:
    """Return the faces that `visage prepare` left in a folder.

    Raises:
        DatasetError: there are faces of fewer than two people, or photos that `visage prepare` has not seen.
    """
    if not aligned.is_dir():
        raise DatasetError(f"No such folder: {aligned}. Run `visage prepare PHOTOS {aligned}` first.")
    people = {label: chips for label, folders in by_label(aligned).items() if (chips := _chips(folders))}
    _check_aligned(aligned, people)
    if len(people) < 2:
        who = f"only of {next(iter(people))}" if people else "of nobody"
        raise DatasetError(
            f"{aligned} holds faces {who}; training takes two people or more. Add a folder for each person."
        )
    files = tuple(chip for person in people.values() for chip in person)
    owners = np.repeat(np.arange(len(people)), [len(person) for person in people.values()])
    return AlignedFaces(aligned, tuple(people), files, owners)


def _chips(folders: Sequence[Path]) -> list[Path]:
    return sorted(chip for folder in folders for chip in files_in(folder))


def _check_aligned(aligned: Path, people: Mapping[str, Sequence[Path]]) -> None:
    """Check that every file is a chip: a JPEG file of the size that `visage prepare` writes.

    Raises:
        DatasetError: some are not.
    """
    chips = [chip for person in people.values() for chip in person]
    others = [chip for chip in chips if not _is_chip(chip)]
    if others:
        raise DatasetError(
            f"Of {counted(len(chips), 'photo')} in {aligned}, not aligned: {len(others)}; the first is "
            f"{shown(others[0].relative_to(aligned).as_posix())}. Run `visage prepare PHOTOS ALIGNED` first, and train "
            "on ALIGNED."
        )


def _is_chip(file: Path) -> bool:
    """Whether a file is a JPEG of a chip's size; only its header is read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about very large photos and damaged metadata
        try:
            with Image.open(file, formats=["JPEG"]) as image:
                return image.size == (PHOTO_CHIP.size, PHOTO_CHIP.size)
        except (OSError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises for files it cannot read
            return False


def split(people: IntArray, validation: float, test: float, seed: int, groups: IntArray | None = None) -> IntArray:
    """Return the role of each of N faces, (N,): the same shares of every person's pictures, drawn by `seed`.

    Faces with the same number in `groups` (N,) are of copies of one picture, and may be of several people: they get the
    same role. A negative number, or no `groups`, stands for no copies. Training keeps at least half of a person's
    faces, so that a person with one photo stays in it.
    """
    pictures = _pictures(np.full(len(people), -1) if groups is None else groups)
    roles = np.full(len(people), _UNDECIDED)
    room = {person: _Room(pictures[people == person], test, validation) for person in np.unique(people)}
    random = np.random.default_rng(seed)
    for person in room:
        for row in random.permutation(np.flatnonzero(people == person)):
            if roles[row] == _UNDECIDED:
                copies = np.flatnonzero(pictures == pictures[row])
                owners = {room[owner]: count for owner, count in Counter(people[copies].tolist()).items()}
                free = (role for role in (TEST, VALIDATION) if all(own.has(role, n) for own, n in owners.items()))
                roles[copies] = role = next(free, TRAIN)
                for own, count in owners.items():
                    own.take(role, count)
    return roles


def _pictures(groups: IntArray) -> IntArray:
    """Return a number for each face's picture: its group's, or one of its own where that is negative."""
    numbers, alone = groups.copy(), groups < 0
    numbers[alone] = np.arange(alone.sum()) + groups.max(initial=0) + 1
    return numbers


class _Room:
    """How many of a person's pictures each role may still take, and how many faces all roles but training together."""

    def __init__(self, pictures: IntArray, test: float, validation: float) -> None:
        count = len(np.unique(pictures))
        for_test = min(count // 2, round(count * test))
        for_validation = min(count // 2 - for_test, round(count * validation))
        self._pictures = {TEST: for_test, VALIDATION: for_validation}
        self._faces = len(pictures) // 2

    def has(self, role: int, faces: int) -> bool:
        """Whether a role may take a picture with a number of faces."""
        return self._pictures[role] > 0 and self._faces >= faces

    def take(self, role: int, faces: int) -> None:
        """Note that a role takes a picture."""
        if role != TRAIN:
            self._pictures[role] -= 1
            self._faces -= faces
