"""Measures whether `visage prepare` asks who the person of a folder is exactly where the photos cannot tell.

Faces are found once in every photo. Of each person, those are used that `visage prepare` keeps. They are put together
into folders as people have them: couples, groups, photos of two people mixed, a passer-by in many photos. Each face of
a photo may be missed with a probability, as a detector does. Then the selection of `visage prepare` runs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np

from dataset.candidates import Candidate, Candidates
from dataset.errors import PrepareError
from dataset.overrides import Overrides
from dataset.progress import OnProgress
from dataset.selection import select
from evaluation.figures import Figures
from preprocess.detect import Box

_SIDE: Final = 100
"""Side of a face's box in pixels: people in one photo are about as far away as each other."""

Faces = Mapping[str, Sequence[Candidate]]
"""Each person's faces, by a letter."""

Folders = Mapping[str, Sequence[str]]
"""Folders by name, each a list of photos, each a text with a letter for every person in it."""


@dataclass(frozen=True, slots=True)
class Constellation:
    """Folders of one kind. The photos tell that the person of a folder is the one with the name of the folder.

    The folders in `undecidable` are those of which the photos do not tell it.
    """

    name: str
    folders: Folders
    undecidable: frozenset[str] = frozenset()

    def people(self) -> str:
        """Return the letters of everybody in the photos."""
        return "".join(sorted({letter for photos in self.folders.values() for photo in photos for letter in photo}))


_A: Final = frozenset("a")

CONSTELLATIONS: Final = (
    Constellation("photos of one person: 1", {"a": ["a"]}),
    Constellation("photos of one person: 2", {"a": ["a"] * 2}),
    Constellation("photos of one person: 3", {"a": ["a"] * 3}),
    Constellation("photos of one person: 15", {"a": ["a"] * 15}),
    Constellation("others in a third of the photos", {"a": ["a"] * 10 + ["ab", "ac", "ad", "ab", "ac"]}),
    Constellation("a passer-by in 60 % of the photos", {"a": ["ab"] * 9 + ["a"] * 6}),
    Constellation("a quarter of the photos of another person", {"a": ["a"] * 12 + ["b"] * 4}),
    Constellation("a couple, and photos of the one alone", {"a": ["ab"] * 12 + ["a"] * 6, "b": ["ab"] * 12}),
    Constellation("a couple, each with a folder of the one alone", {"a": ["a"] * 8, "b": ["ab"] * 8}),
    Constellation("a photo of a couple, and a folder of the one", {"a": ["a"] * 8, "b": ["ab"]}),
    Constellation("three in every photo, two of them with folders", {"a": ["a"] * 8, "b": ["b"] * 8, "c": ["abc"] * 8}),
    Constellation("one photo of a couple", {"a": ["ab"]}, _A),
    Constellation("two photos of a couple", {"a": ["ab"] * 2}, _A),
    Constellation("three photos of a couple", {"a": ["ab"] * 3}, _A),
    Constellation("six photos of a couple", {"a": ["ab"] * 6}, _A),
    Constellation("fifteen photos of a couple", {"a": ["ab"] * 15}, _A),
    Constellation("a couple, the same photos in both folders", {"a": ["ab"] * 12, "b": ["ab"] * 12}, frozenset("ab")),
    Constellation("a group of four", {"a": ["abcd"] * 8}, _A),
    Constellation(
        "60 % of the photos show the one, 55 % the other", {"a": ["ab"] * 3 + ["a"] * 9 + ["b"] * 8}, frozenset("a")
    ),
    Constellation("half of the photos of each of two people", {"a": ["a"] * 7 + ["b"] * 7}, _A),
    Constellation("two photos of two people", {"a": ["a", "b"]}, _A),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What became of the folders of one constellation.

    `right` and `wrong` were decided: for the person of the folder, or for somebody else. `asked` are tied, `nobody` has
    no face that is kept. A folder of which the photos do not tell the person counts as wrong when it is decided.
    """

    constellation: str
    is_decidable: bool
    folders: int
    asked: int
    right: int
    wrong: int
    nobody: int


@dataclass(frozen=True)
class Result(Figures):
    """A row for each constellation, and a row for those folders in it of which the photos do not tell the person."""

    FILE: ClassVar[str] = "ties.json"

    missed: float
    repeats: int
    seed: int
    rows: Sequence[Row]


def measure(
    people: Sequence[Candidates],
    *,
    repeats: int,
    seed: int,
    missed: float,
    on_progress: OnProgress = lambda *_: None,
) -> Result:
    """Put the faces of random people into the folders of each constellation, `repeats` times, and decide on them.

    Raises:
        PrepareError: there are fewer than four people with a kept face.
    """
    kept = _kept(people)
    if len(kept) < 4:
        raise PrepareError("This takes photos of four people or more.")
    rows = []
    for number, constellation in enumerate(CONSTELLATIONS):
        counts = {True: dict.fromkeys(("asked", "right", "wrong", "nobody"), 0)}
        counts[False] = dict(counts[True])
        for repeat in range(repeats):
            random = np.random.default_rng([seed, number, repeat])
            for folder, outcome in _outcomes(
                constellation, _drawn(kept, constellation.people(), random), missed, random
            ):
                is_decidable = folder not in constellation.undecidable
                counts[is_decidable]["wrong" if outcome == "right" and not is_decidable else outcome] += 1
        rows += [
            Row(constellation.name, is_decidable, sum(count.values()), **count)
            for is_decidable, count in counts.items()
            if any(count.values())
        ]
        on_progress(number + 1, len(CONSTELLATIONS))
    return Result(missed, repeats, seed, rows)


def _kept(people: Sequence[Candidates]) -> dict[str, list[Candidate]]:
    """Return the kept faces of each person."""
    chips = {outcome.thumbnail for outcome in select(people, Overrides()).outcomes if outcome.chip}
    kept: dict[str, list[Candidate]] = {}
    for photo in people:
        kept.setdefault(photo.person, []).extend(face for face in photo.faces if face.chip in chips)
    return {name: faces for name, faces in kept.items() if faces}


def _drawn(kept: Mapping[str, Sequence[Candidate]], letters: str, random: np.random.Generator) -> Faces:
    """Return the faces of somebody for each letter, in random order."""
    names = random.choice(sorted(kept), len(letters), replace=False)
    return {
        letter: [kept[name][index] for index in random.permutation(len(kept[name]))]
        for letter, name in zip(letters, names, strict=True)
    }


def _outcomes(
    constellation: Constellation, faces: Faces, missed: float, random: np.random.Generator
) -> Iterator[tuple[str, str]]:
    """Yield each folder's name and what became of it: "asked", "right", "wrong" or "nobody"."""
    found = list(_photos(constellation.folders, faces, missed, random))
    selection = select(found, Overrides())
    owners = {face.chip: letter for letter, own in faces.items() for face in own}
    asked = {question.person for question in selection.questions}
    for folder in constellation.folders:
        kept = {owners[str(o.thumbnail)] for o in selection.outcomes if o.person == folder and o.chip}
        if folder in asked:
            yield folder, "asked"
        elif kept:
            yield folder, "right" if kept == {folder} else "wrong"
        else:
            yield folder, "nobody"


def _photos(folders: Folders, faces: Faces, missed: float, random: np.random.Generator) -> Iterator[Candidates]:
    """Yield the photos of the folders. The same people in the same place of two folders are the same photo."""
    for folder, photos in folders.items():
        used = dict.fromkeys(faces, 0)
        for number, letters in enumerate(photos):
            shown = []
            for place, letter in enumerate(letters):
                face = faces[letter][used[letter] % len(faces[letter])]
                used[letter] += 1
                if len(letters) == 1 or random.random() >= missed:
                    shown.append(replace(face, box=Box(2 * _SIDE * place, 0, _SIDE, _SIDE, face.box.score)))
            yield Candidates(f"{folder}/{number}", folder, "", faces=tuple(shown), reason=None if shown else "missed")
