"""What is known of sorted photos: the people, whose each face is, and where each photo came from.

PHOTOS/
├── person-001/, Will Smith/, …    a folder for each person: links to the photos
├── unsorted/                      the photos that are nobody's
└── .visage/                       sort.json (this), journal.jsonl, and every face found, in faces/
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

from collection.errors import SortError
from dataset.errors import UnusableNameError
from dataset.folders import SORTED, UNSORTED
from dataset.labels import label_of, stored
from preprocess.files import read_json, write_text
from preprocess.names import key, normalised, same, shown

NOBODY: Final = 0
"""In the place of a person's number: the owner decided that a face is nobody's."""

_FORMAT: Final = 1
_NUMBERED: Final = "person-{:03}"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the photos: a number that never changes, a name if there is one, and the folder on the disk."""

    number: int
    name: str | None
    folder: str

    @property
    def title(self) -> str:
        """The name, else that of the numbered folder."""
        return self.name or numbered(self.number)


@dataclass(frozen=True, slots=True)
class SortedPhoto:
    """Whose each face of a photo is: a person's number, `NOBODY`, or None where nobody is known yet.

    `faces` is None until the photo was looked at. `also` are people in whose folder the owner put it without a face.
    `sha256` is that of the file when it came; None for one that the owner put into a folder.
    """

    sha256: str | None = None
    faces: tuple[int | None, ...] | None = None
    also: frozenset[int] = frozenset()

    @property
    def people(self) -> frozenset[int]:
        """The numbers of everybody in whose folder it belongs."""
        return self.also | {number for number in self.faces or () if number}


@dataclass(frozen=True, slots=True)
class Origin:
    """A file of a pile as it was when it was taken in: bytes, time of change, and the photo that it became."""

    size: int
    mtime_ns: int
    photo: str


@dataclass(frozen=True, slots=True)
class FaceOf:
    """A face: the photo's file name among the sorted photos, and its number in it, from 0, the most prominent first."""

    photo: str
    face: int


@dataclass(frozen=True)
class Sorting:
    """The people by number, the photos by file name, and what was taken from piles, by the path there.

    `alike` are pairs of people who may be one, the most alike first, and `apart` those of whom the owner said that they
    are two. `next_number` is that of the next person; numbers
    are not used twice. Where it is not `applied`, the folders are not yet as it says. `changes` counts what was stored.
    """

    people: Mapping[int, Person] = field(default_factory=dict)
    photos: Mapping[str, SortedPhoto] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    alike: Sequence[tuple[int, int]] = ()
    next_number: int = 1
    applied: bool = True
    changes: int = 0
    apart: frozenset[frozenset[int]] = frozenset()

    @classmethod
    def read(cls, photos: Path) -> Self:
        """Read the state of a folder of sorted photos.

        Raises:
            SortError: the folder holds none, or it is damaged.
        """
        file = photos / SORTED
        if not file.is_file():
            raise SortError(f"{photos} holds no sorted photos. Sort a pile first: visage sort PILE {photos}")
        try:
            return cls.from_dict(read_json(file))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise SortError(
                f"{file} is damaged. Restore it from a backup, or sort the pile into a new folder."
            ) from error

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the state from its file's content; raise ValueError, TypeError or KeyError where it is damaged."""
        if content["format"] != _FORMAT:
            raise ValueError("another format")
        people = {one["number"]: Person(**one) for one in content["people"]}
        photos = {
            name: SortedPhoto(sha256, None if faces is None else tuple(faces), frozenset(also))
            for name, (sha256, faces, also) in content["photos"].items()
        }
        if not all(_is_a_file(person.folder) and person.number > NOBODY for person in people.values()):
            raise ValueError("not people")
        numbers = {NOBODY, None, *people}
        if not all(_is_a_file(name) and numbers.issuperset((*(p.faces or ()), *p.also)) for name, p in photos.items()):
            raise ValueError("not photos")
        origins = {name: Origin(*stored_origin) for name, stored_origin in content["origins"].items()}
        return cls(
            people,
            photos,
            origins,
            [(one, other) for one, other in content["alike"]],
            int(content["next_number"]),
            bool(content["applied"]),
            int(content["changes"]),
            frozenset(map(frozenset, content.get("apart", ()))),
        )

    def write(self, photos: Path, *, applied: bool) -> Self:
        """Store the state, and return it as it was stored."""
        written = replace(self, applied=applied, changes=self.changes + 1)
        content = {
            "format": _FORMAT,
            "applied": written.applied,
            "changes": written.changes,
            "next_number": self.next_number,
            "people": [
                {"number": person.number, "name": person.name, "folder": person.folder}
                for person in self.people.values()
            ],
            "alike": list(self.alike),
            "apart": sorted(map(sorted, self.apart)),
            "photos": {
                name: [photo.sha256, photo.faces, sorted(photo.also)] for name, photo in sorted(self.photos.items())
            },
            "origins": {
                name: [origin.size, origin.mtime_ns, origin.photo] for name, origin in sorted(self.origins.items())
            },
        }
        write_text(photos / SORTED, json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n")
        return written

    def person(self, number: int) -> Person:
        """Return the person with a number.

        Raises:
            SortError: there is nobody with it.
        """
        try:
            return self.people[number]
        except KeyError as error:
            raise SortError(f"There is no person {number}. `visage sort PHOTOS` lists them.") from error

    def called(self, text: str) -> Person:
        """Return the person whose number or name somebody typed.

        Raises:
            SortError: it is nobody's.
        """
        digits = text.removeprefix(_NUMBERED.partition("{")[0])
        if digits.isdecimal():
            return self.person(int(digits))
        for person in self.people.values():
            if person.name is not None and same(person.name, text):
                return person
        raise SortError(f'There is nobody called "{shown(text)}". Give the number, as `visage sort PHOTOS` lists it.')

    def owners(self, face: FaceOf) -> int | None:
        """Return whose a face is.

        Raises:
            SortError: there is no such face.
        """
        faces = self.photos[face.photo].faces if face.photo in self.photos else None
        if faces is None or not 0 <= face.face < len(faces):
            raise SortError(f"There is no face {face.face + 1} in {shown(face.photo)}.")
        return faces[face.face]

    def with_owners(self, owners: Mapping[FaceOf, int | None]) -> Self:
        """Return the state in which faces have other owners."""
        changed: dict[str, list[int | None]] = {}
        for face, number in owners.items():
            self.owners(face)
            faces = changed.setdefault(face.photo, list(self.photos[face.photo].faces or ()))
            faces[face.face] = number
        photos = {name: replace(self.photos[name], faces=tuple(faces)) for name, faces in changed.items()}
        return replace(self, photos={**self.photos, **photos})

    def with_person(self, name: str | None = None, folder: str | None = None) -> tuple[Self, int]:
        """Return the state with a new person, and the number."""
        number = self.next_number
        person = Person(number, name, folder or name or numbered(number))
        return replace(self, people={**self.people, number: person}, next_number=number + 1), number

    def photos_of(self, present: Iterable[str]) -> dict[int, list[str]]:
        """Return the names of each person's photos among those that are present; nobody's are left out."""
        photos: dict[int, list[str]] = {number: [] for number in self.people}
        for name in sorted(present):
            for number in self.photos[name].people:
                photos[number].append(name)
        return photos


def numbered(number: int) -> str:
    """Return the name of the folder of a person without a name."""
    return _NUMBERED.format(number)


def is_numbered(folder: str) -> bool:
    """Whether a folder is called as that of a person without a name."""
    digits = key(folder).removeprefix(_NUMBERED.partition("{")[0])
    return digits != key(folder) and digits.isdecimal()


def usable_name(name: str) -> str:
    """Return a name as a folder has it.

    Raises:
        SortError: no folder of a person can be called so.
    """
    try:
        label = label_of(name)
    except UnusableNameError as error:
        raise SortError(f'"{shown(name)}" cannot be the name of a person\'s folder. Give another name.') from error
    if stored(label) != label:
        raise SortError(f'On some disks no folder can be called "{label}". Leave out what is no letter.')
    if same(label, UNSORTED) or is_numbered(label):
        raise SortError(f'"{label}" is what `visage sort` calls its own folders. Give another name.')
    return label


def file_key(name: str) -> str:
    """Return what a file of the disk is called in the state."""
    return normalised(shown(name))


def _is_a_file(name: object) -> bool:
    return isinstance(name, str) and bool(name) and "/" not in name and "\0" not in name and name not in {".", ".."}
