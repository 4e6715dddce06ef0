"""Reads which group each photo belongs to, from a CSV file of the owner's."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from dataset.labels import similar
from preprocess.names import key, normalised, printable
from training.errors import DatasetError

Target = TypeVar("Target", Path, str)

_SEPARATORS: Final = ",;\t"
"""Which of them a spreadsheet writes depends on the language of the computer."""

_TITLES: Final = frozenset({"person", "photo", "name", "file"})
"""Titles of the first column, without case."""


@dataclass(frozen=True, slots=True)
class Named:
    """A photo, the person in it (None for a stranger), and the names that a line of the file may call it by."""

    photo: Path
    person: str | None
    names: Sequence[str]


def read_groups(file: Path, photos: Iterable[Named]) -> dict[Path, str]:
    """Return the group of each photo that has one.

    Each line of the file is a person or a photo, and a group. The line of a photo counts more than that of its person.
    A line of titles may come first.

    Raises:
        DatasetError: the file is no CSV file, a line is not understood or contradicts another, or the photos are in
            fewer than two groups.
        OSError: the file cannot be read.
    """
    photos = list(photos)
    people = _by_name((photo.person, photo.person) for photo in photos if photo.person is not None)
    files = _by_name((name, photo.photo) for photo in photos for name in photo.names)
    of_people: dict[str, str] = {}
    of_photos: dict[Path, str] = {}
    for number, name, group in _lines(file):
        where = f"Line {number} of {file}"
        if (photo := _found(name, files)) is not None:
            _put(of_photos, photo, group, where, name)
        elif (person := _found(name, people)) is not None:
            _put(of_people, person, group, where, name)
        elif not (number == 1 and key(name) in _TITLES):
            raise DatasetError(_unknown(where, name, set(people.values())))
    found = {photo.photo: of_photos.get(photo.photo) or of_people.get(photo.person or "") for photo in photos}
    groups = {photo: group for photo, group in found.items() if group}
    if len(set(groups.values())) < 2:
        raise DatasetError(f"{file} puts these photos into fewer than two groups, so that there is nothing to compare.")
    return groups


def _lines(file: Path) -> Iterator[tuple[int, str, str]]:
    """Yield the number, the name and the group of each line that is not empty."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f'{file} is not in UTF-8. Save it as "CSV UTF-8".') from error
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)  # of equals the first: a comma
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, *_pair(cells, f"Line {reader.line_num} of {file}")
    except csv.Error as error:
        raise DatasetError(f"Line {reader.line_num} of {file} is not CSV: {error}.") from error


def _pair(cells: Sequence[str], where: str) -> tuple[str, str]:
    match cells:
        case [name, group, *others] if name and group and not any(others):
            return name, printable(normalised(group))
    raise DatasetError(f"{where} is not a person or a photo, and a group, as in: Ann,women")


def _by_name(names: Iterable[tuple[str, Target]]) -> dict[str, Target]:
    """Return what each name means, as it is spelled and by the key of the name."""
    found: dict[str, Target] = {}
    for name, target in names:
        found.setdefault(key(name), target)
        found[name] = target
    return found


def _found(name: str, known: Mapping[str, Target]) -> Target | None:
    return known.get(name) or known.get(key(name))


def _put(groups: dict[Target, str], target: Target, group: str, where: str, name: str) -> None:
    if groups.setdefault(target, group) != group:
        raise DatasetError(f'{where} puts "{printable(name)}" into another group than a line before it.')


def _unknown(where: str, name: str, people: Iterable[str]) -> str:
    meant = similar(name, people)
    hint = f' Did you mean "{meant[0]}"?' if meant else " Photos are named as PERSON/PHOTO."
    return f'{where}: there is no person and no photo called "{printable(name)}".{hint}'
