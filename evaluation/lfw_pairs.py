"""The pairs of photos of Labeled Faces in the Wild, and the folder that holds the photos.

G. B. Huang, M. Ramesh, T. Berg, E. Learned-Miller: "Labeled Faces in the Wild: A Database for Studying Face Recognition
in Unconstrained Environments", University of Massachusetts Amherst, report 07-49, 2007, "View 2".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from dataset.words import counted
from training.errors import DatasetError

PAIRS: Final = "pairs.txt"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photos, relative to the folder of the dataset; whether they show the same person; and their fold."""

    first: str
    second: str
    same: bool
    fold: int


@dataclass(frozen=True)
class LFW:
    """The pairs of view 2, and the folder that holds their photos."""

    directory: Path
    pairs: Sequence[Pair]

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read `pairs.txt`, in `directory` or beside it, and check that every photo of it exists.

        Raises:
            DatasetError: the file is missing or malformed, or a photo is missing.
        """
        lfw = cls(directory, read_pairs(_pairs_file(directory)))
        missing = [photo for photo in lfw.photos if not (directory / photo).is_file()]
        if missing:
            raise DatasetError(
                f"{directory} lacks {len(missing)} of {counted(len(lfw.photos), 'photo')} that {PAIRS} names, "
                f"{missing[0]} first. Unpack all of LFW there."
            )
        return lfw

    @property
    def photos(self) -> list[str]:
        """Every photo of the pairs, without duplicates, sorted."""
        return sorted({photo for pair in self.pairs for photo in (pair.first, pair.second)})


def read_pairs(file: Path) -> list[Pair]:
    """Read `pairs.txt`: a line with the number of folds and of pairs of each kind per fold, then the pairs.

    The pairs of each fold begin with those of the same person.

    Raises:
        DatasetError: it is malformed.
    """
    header, *lines = file.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    match header.split():
        case [folds, kind] if folds.isdecimal() and kind.isdecimal() and int(folds) > 1 and int(kind) > 0:
            expected, block = int(folds) * int(kind) * 2, int(kind) * 2
        case _:
            raise DatasetError(f'{file} does not begin with folds and pairs, as in "10 300". Download it again.')
    filled = [(number, line) for number, line in enumerate(lines, 2) if line.strip()]
    if len(filled) != expected:
        raise DatasetError(
            f"{file} holds {counted(len(filled), 'pair')}; its first line says {expected}. Download it again."
        )
    return [
        _pair(line, fold=at // block, same=at % block < block // 2, where=f"Line {number} of {file}")
        for at, (number, line) in enumerate(filled)
    ]


def _pair(line: str, *, fold: int, same: bool, where: str) -> Pair:
    match line.split():
        case [name, first, second] if same and first.isdecimal() and second.isdecimal():
            return Pair(_photo(name, first), _photo(name, second), same, fold)
        case [name, first, other, second] if not same and first.isdecimal() and second.isdecimal():
            return Pair(_photo(name, first), _photo(other, second), same, fold)
    wanted = "a name and two numbers" if same else "a name, a number, another name and its number"
    raise DatasetError(f"{where} is not {wanted}. Download it again.")


def _photo(name: str, number: str) -> str:
    return f"{name}/{name}_{int(number):04d}.jpg"


def _pairs_file(directory: Path) -> Path:
    for folder in (directory, directory.resolve().parent):
        if (folder / PAIRS).is_file():
            return folder / PAIRS
    raise DatasetError(f"No {PAIRS} in {directory} or beside it. Put the one of LFW's view 2 there.")
