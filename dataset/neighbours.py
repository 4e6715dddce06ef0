"""Decides on all folders together: who has a folder of their own is not the person of another folder.

A couple's photos are often in both folders. If one folder also has photos of one of the two alone, it is decided by
them, and only the other one is left for the other folder.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np

from dataset.consensus import Consensus, Contender, FloatArray, FolderFaces

SAME: Final = 0.6
"""Mean cosine of a contender's faces with another folder's mean face from which both are one person. Of ten people, the
highest between two was 0.42. Of the same person, 4 % of single faces were under it, 0.4 % of two and none of five."""

DISTINCT: Final = 0.15
"""By so much a contender must be more similar to the other folder's person than the other contenders are: siblings who
are in the photos together may both reach `SAME`. It is twice the distance from the median, 0.80, to the 5 % quantile,
0.73, of five faces of one person."""


def decide(folders: Mapping[str, FolderFaces]) -> dict[str, Consensus]:
    """Return who the person of each folder is, by the folder's name.

    First each folder is decided by its own photos. Whoever is then the person of one folder is left out in those that
    are tied, until that decides no more of them.
    """
    decisions = {name: folder.decide() for name, folder in folders.items()}
    decisions |= {name: folders[name].undecided() for name in _contested(folders, decisions)}
    while True:
        again = {name: folders[name].decide(found) for name, found in _explained(folders, decisions)}
        settled = dict(_settled(folders, again))
        if not settled:
            return decisions | {name: decision for name, decision in again.items() if decision.tied}
        decisions |= settled


def _contested(folders: Mapping[str, FolderFaces], decisions: Mapping[str, Consensus]) -> Iterator[str]:
    """Yield the folders that have the same person as another one, and somebody else who may be meant."""
    for name, decision in decisions.items():
        folder, centres = folders[name], _centres(decisions, name)
        if decision.person and not folder.is_answered and _is_one_of(folder, decision.person, centres):
            explained = _with_folders(folder, centres)
            if any(
                contender is not decision.person and number not in explained
                for number, contender in enumerate(folder.contenders)
            ):
                yield name


def _explained(
    folders: Mapping[str, FolderFaces], decisions: Mapping[str, Consensus]
) -> Iterator[tuple[str, set[int]]]:
    """Yield the tied folders in which somebody is who has another folder, with their numbers among the contenders."""
    for name, decision in decisions.items():
        if decision.tied and (found := _with_folders(folders[name], _centres(decisions, name))):
            yield name, found


def _settled(folders: Mapping[str, FolderFaces], decisions: Mapping[str, Consensus]) -> Iterator[tuple[str, Consensus]]:
    """Yield the decided folders. Two folders of one person are not decided: who of them is left for which?"""
    for name, decision in decisions.items():
        if decision.person and not _is_one_of(folders[name], decision.person, _centres(decisions, name)):
            yield name, decision


def _centres(decisions: Mapping[str, Consensus], name: str) -> list[FloatArray]:
    """Return the mean faces of all folders' people but those of one folder."""
    return [decision.centre for other, decision in decisions.items() if other != name and decision.centre is not None]


def _with_folders(folder: FolderFaces, centres: Iterable[FloatArray]) -> set[int]:
    """Return the numbers of the contenders who are the people of other folders, by their mean faces."""
    found = set()
    for centre in centres:
        similarities = [_similarity(folder, contender, centre) for contender in folder.contenders]
        nearest, *others = np.argsort(similarities)[::-1]
        second = similarities[others[0]] if others else -1
        if similarities[nearest] >= max(SAME, second + DISTINCT):
            found.add(int(nearest))
    return found


def _is_one_of(folder: FolderFaces, person: Contender, centres: Iterable[FloatArray]) -> bool:
    return any(_similarity(folder, person, centre) >= SAME for centre in centres)


def _similarity(folder: FolderFaces, contender: Contender, centre: FloatArray) -> float:
    return float((folder.faces[contender.faces] @ centre).mean())
