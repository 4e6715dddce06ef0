"""Sorts a pile of photos into a folder for each person, and changes what was sorted as its owner decides.

A pile is only taken in: its files are linked into the sorted photos, and what was sorted does not need it any more.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from collection import likeness
from collection.alone import alone
from collection.errors import SortError
from collection.folders import Links, Places, apply, check_free, free_name
from collection.moved import with_owners_moves, with_photo
from collection.sorting import NOBODY, FaceOf, Origin, Person, SortedPhoto, Sorting, file_key
from dataset.aligned import JOURNAL, OUTPUT
from dataset.candidates import Candidate, Candidates, DetectionTask, Embed, find_faces, read_journal
from dataset.consensus import FloatArray
from dataset.folders import SORTED, UNSORTED, Listing, listing
from dataset.overrides import SAME_FACE
from dataset.progress import OnStep
from dataset.selection import is_good
from preprocess.detect import MAX_FACES, overlap
from preprocess.files import sha256_of
from preprocess.names import key, shown

PICTURE_SIDE: Final = 224
"""Pixels a side of the pictures of faces that are kept; `visage sort --page` shows them."""

_LOCK: Final = "sort.lock"

Found = Mapping[str, Candidates]
"""What was found in each photo, by file name."""


@dataclass(frozen=True, slots=True)
class PhotoTask(DetectionTask):
    """A sorted photo to find faces in. It keeps its name when it goes to another folder."""

    @property
    def name(self) -> str:
        """The photo's file name, as the state has it."""
        return file_key(self.path.name)


@dataclass(frozen=True)
class Result:
    """What a call did: the state, its photos on the disk by person, and what is worth a remark.

    `new` photos were taken in, `repeated` ones are the same file as another one. `reasons` says why a photo that is in
    nobody's folder is not.
    """

    sorting: Sorting
    photos: Mapping[int, Sequence[str]]
    unsorted: Sequence[str]
    links: Links
    new: int = 0
    repeated: Sequence[str] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    remarks: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the result in JSON's types."""
        return {
            "people": [
                {**asdict(self.sorting.people[number]), "photos": len(photos)} for number, photos in self.by_size()
            ],
            "unsorted": {name: self.reasons.get(name, "") for name in self.unsorted},
            "alike": [list(pair) for pair in self.sorting.alike],
            "new": self.new,
            "repeated": list(self.repeated),
            "linked": self.links.linked,
            "copied": self.links.copied,
            "remarks": list(self.remarks),
        }

    def by_size(self) -> list[tuple[int, Sequence[str]]]:
        """Return everybody who has photos, with their photos, in the order of their numbers."""
        return [(number, photos) for number, photos in sorted(self.photos.items()) if photos]


def check(pile: Path, photos: Path) -> Listing:
    """Return the photos of a pile after a look at whether it can be sorted into `photos`. Nothing is changed.

    Raises:
        SortError: one of the folders is inside the other, the pile has no photos, or `photos` holds something else.
        PrepareError: there is no such pile.
    """
    inside, outside = photos.resolve(), pile.resolve()
    if inside.is_relative_to(outside) or outside.is_relative_to(inside):
        raise SortError("The sorted photos need a folder of their own, outside the pile. Give another folder.")
    found = listing(pile)
    check_free(photos)
    if not found.photos:
        raise SortError(" ".join([f"{pile} holds no photos.", *found.remarks, "Give a folder of photos."]))
    return found


def sort(
    pile: Listing,
    photos: Path,
    embed: Embed,
    mean: FloatArray,
    workers: int,
    on_step: OnStep,
    *,
    least: int = likeness.LEAST,
) -> Result:
    """Take in a pile, see `check`, and sort all photos. What the owner decided, in folders too, stays.

    `embed` is pickled to other processes, and `mean` (512,) is that of strangers' embeddings. A new person has `least`
    pictures. An interrupted call goes on.

    Raises:
        SortError: another call works on `photos`, or what is there is damaged.
        WorkerKilledError: a worker process was killed.
        OSError: the disk is full or read-only.
    """
    photos.mkdir(parents=True, exist_ok=True)
    with _alone(photos):
        check_free(photos)
        if not (photos / SORTED).is_file():
            Sorting().write(photos, applied=True)
        before = read_journal(photos / OUTPUT / JOURNAL)
        sorting, places = _as_it_stands(photos, before)
        intake = _Intake(sorting, places, photos)
        for done, path in enumerate(pile.photos):
            intake.take(path, pile.root)
            on_step("Taking in photos", done + 1, len(pile.photos))
        sorting = intake.sorting.write(photos, applied=True)
        found = _find(places, photos, embed, workers, on_step)
        sorting = _grouped(_with_faces(sorting, before, found), found, mean, least)
        result = _store(sorting, intake.sorting, photos, places, found)
        links = Links(result.links.linked + intake.links.linked, result.links.copied + intake.links.copied)
        return replace(
            result,
            links=links,
            new=intake.new,
            repeated=intake.repeated,
            remarks=[*pile.remarks, *intake.remarks, *result.remarks],
        )


def decide(
    photos: Path, decision: Callable[[Sorting], Sorting] = lambda sorting: sorting, found: Found | None = None
) -> Result:
    """Change sorted photos as a function of `decisions` says, after what the owner did in the folders; none by default.

    `found` is the journal, if it was read already.

    Raises:
        SortError: the decision cannot be carried out, another call works on `photos`, or they are not sorted photos.
        OSError: the disk is full or read-only.
    """
    Sorting.read(photos)
    with _alone(photos):
        journal = read_journal(photos / OUTPUT / JOURNAL) if found is None else found
        former, places = _as_it_stands(photos, journal)
        return _store(decision(former), former, photos, places, journal)


def _alone(photos: Path) -> AbstractContextManager[None]:
    """Let no other call change the sorted photos during the block."""
    busy = SortError(f"Another `visage sort` works on {photos}. Wait until it has ended.")
    return alone(photos / OUTPUT / _LOCK, busy)


def _as_it_stands(photos: Path, found: Found) -> tuple[Sorting, Places]:
    """Return the state with what the owner did in the folders, and where the photos are."""
    sorting, places = Sorting.read(photos), Places.of(photos)
    sorting = replace(sorting, photos={**{name: SortedPhoto() for name in places.paths}, **sorting.photos})
    if sorting.applied:  # else the folders are as an interruption left them
        sorting = with_owners_moves(sorting, places.by_folder(photos), _Likely(found).face)
    return sorting, places


class _Likely:
    """Finds the face in a photo that is likely a person's: of those that are nobody's, the most like their others."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._centres: dict[int, FloatArray | None] = {}

    def face(self, sorting: Sorting, photo: str, number: int) -> int | None:
        """Return the face's number in a photo, None if none is free; the most prominent one of somebody without any."""
        faces = self._found[photo].faces if photo in self._found else ()
        owners = sorting.photos[photo].faces or ()
        free = [place for place, owner in enumerate(owners[: len(faces)]) if not owner]
        if number not in self._centres:
            self._centres[number] = self._centre(sorting, number)
        centre = self._centres[number]
        if not free or centre is None:
            return free[0] if free else None
        return max(free, key=lambda place: float(faces[place].vector() @ centre))

    def _centre(self, sorting: Sorting, number: int) -> FloatArray | None:
        vectors = [
            self._found[name].faces[place].vector()
            for name, photo in sorting.photos.items()
            if name in self._found
            for place, owner in enumerate((photo.faces or ())[: len(self._found[name].faces)])
            if owner == number
        ]
        return np.mean(vectors, axis=0) if vectors else None


class _Intake:
    """Takes photos of a pile into a state and the folder of unsorted photos."""

    def __init__(self, sorting: Sorting, places: Places, photos: Path) -> None:
        self.links, self.new = Links(), 0
        self.repeated: list[str] = []
        self.remarks: list[str] = []
        self._places, self._photos = places, photos
        self._known = dict(sorting.photos)
        self._origins = dict(sorting.origins)
        self._taken = {key(name) for name in (*self._known, *places.paths)}
        for name, paths in places.paths.items():  # of the owner's, or of a call that was interrupted
            if self._known[name].sha256 is None:
                self._known[name] = replace(self._known[name], sha256=sha256_of(paths[0]))
        self._by_digest = {photo.sha256: name for name, photo in self._known.items()}
        self._begun = sorting

    @property
    def sorting(self) -> Sorting:
        """The state with what was taken in."""
        return replace(self._begun, photos=dict(self._known), origins=dict(self._origins))

    def take(self, path: Path, root: Path) -> None:
        """Take in a photo, unless an earlier call has; link it, and remember where it came from."""
        origin = shown(path.relative_to(root).as_posix())
        try:
            status = path.stat()
            known = self._origins.get(origin)
            if known and (known.size, known.mtime_ns) == (status.st_size, status.st_mtime_ns):
                return
            digest = sha256_of(path)
            name = self._by_digest.get(digest)
            if name is None:
                name = self._link(path, digest)
            elif not any(place.samefile(path) for place in self._places.paths.get(name, ())):
                self.repeated.append(origin)
        except (FileNotFoundError, PermissionError) as error:
            reason = "it is gone" if isinstance(error, FileNotFoundError) else "you have no permission to read it"
            self.remarks.append(f'"{origin}" was left out: {reason}.')
            return
        self._origins[origin] = Origin(status.st_size, status.st_mtime_ns, name)

    def _link(self, path: Path, digest: str) -> str:
        name = free_name(path.name, self._taken)
        target = self._photos / UNSORTED / name
        self.links.make(path, target)
        self.new += 1
        self._taken.add(key(name))
        self._places.add(name, target)
        self._by_digest[digest] = name
        self._known[name] = SortedPhoto(digest)
        return name


def _find(places: Places, photos: Path, embed: Embed, workers: int, on_step: OnStep) -> Found:
    """Find the faces of every photo that is there; only in new and changed ones they are looked for."""
    tasks = [
        PhotoTask(photos, paths[0], "", photos, OUTPUT, embed, MAX_FACES, PICTURE_SIDE)
        for _, paths in sorted(places.paths.items())
    ]
    show = partial(on_step, "Finding faces, photos")
    return {photo.photo: photo for photo in find_faces(tasks, photos / OUTPUT / JOURNAL, workers, show)}


def _with_faces(sorting: Sorting, before: Found, found: Found) -> Sorting:
    """Return the state with the faces that were found; a face keeps its owner where the software finds it again."""
    photos = dict(sorting.photos)
    for name, photo in found.items():
        known = photos[name]
        faces = tuple(_owner(face, known, before.get(name)) for face in photo.faces)
        photos[name] = replace(known, faces=faces, also=known.also if known.faces is not None else frozenset())
    looked_at, likely = replace(sorting, photos=photos), _Likely(found)
    for name in found:
        for number in sorted(sorting.photos[name].also if sorting.photos[name].faces is None else ()):
            looked_at = with_photo(looked_at, name, number, likely.face(looked_at, name, number))
    return looked_at


def _owner(face: Candidate, known: SortedPhoto, before: Candidates | None) -> int | None:
    """Return whose a face of a photo was in what was found before, by where it is."""
    owners = known.faces or ()
    boxes = [former.box for former in before.faces] if before else []
    overlaps = [overlap(face.box, box) for box in boxes[: len(owners)]]
    return owners[int(np.argmax(overlaps))] if overlaps and max(overlaps) >= SAME_FACE else None


def _grouped(sorting: Sorting, found: Found, mean: FloatArray, least: int) -> Sorting:
    """Return the state in which faces that were nobody's belong to people, old and new ones."""
    rows = list(good_faces(sorting, found))
    owners = [sorting.owners(where) for where, _ in rows]
    people = sorted({owner for owner in owners if owner})
    begun = np.array([people.index(owner) if owner else -1 for owner in owners], np.int64)
    groups = likeness.group([face for _, face in rows], [where.photo for where, _ in rows], begun, mean, least)
    photos: dict[int, set[str]] = {}
    for (where, _), group in zip(rows, groups.numbers.tolist(), strict=True):
        photos.setdefault(group, set()).add(where.photo)
    numbers = dict(enumerate(people)) | {-1: None}
    for group in sorted(photos.keys() - numbers.keys(), key=lambda group: (-len(photos[group]), group)):
        sorting, numbers[group] = sorting.with_person()
    wanted = {
        where: numbers[group]
        for (where, _), owner, group in zip(rows, owners, groups.numbers.tolist(), strict=True)
        if owner is None and group >= 0
    }
    pairs = [(numbers[one], numbers[other]) for one, other in groups.alike]
    alike = [(one, other) for one, other in pairs if one and other and frozenset((one, other)) not in sorting.apart]
    return replace(sorting.with_owners(wanted), alike=alike)


def good_faces(sorting: Sorting, found: Found) -> Iterator[tuple[FaceOf, Candidate]]:
    """Yield the faces that say who somebody is, but those of which the owner said that they are nobody's."""
    for name, photo in sorted(found.items()):
        largest = max((face.box.area for face in photo.faces), default=0)
        for place, face in enumerate(photo.faces):
            where = FaceOf(name, place)
            if is_good(face, largest) and sorting.owners(where) != NOBODY:
                yield where, face


def _store(sorting: Sorting, former: Sorting, photos: Path, places: Places, found: Found) -> Result:
    """Store a state, make the folders as it says, and say so."""
    links = apply(sorting.write(photos, applied=False), former, photos, places)
    stored = replace(sorting, changes=sorting.changes + 1).write(photos, applied=True)
    present = places.paths.keys() & stored.photos.keys()
    unsorted = sorted(name for name in present if not stored.photos[name].people)
    reasons = {name: _reason(found.get(name)) for name in unsorted}
    return Result(stored, stored.photos_of(present), unsorted, links, reasons=reasons, remarks=_remarks(stored, places))


def _reason(photo: Candidates | None) -> str:
    """Return why a photo is in nobody's folder."""
    if photo is None:
        return "No faces were looked for yet."
    return photo.reason or "No face in it is clearly that of a person in enough photos, or it is too small or blurred."


def _remarks(sorting: Sorting, places: Places) -> list[str]:
    by_key: dict[str, list[Person]] = {}
    for person in sorting.people.values():
        by_key.setdefault(key(person.title), []).append(person)
    same = [people for people in by_key.values() if len(people) > 1]
    return [
        *(
            f'{" and ".join(f"Person {one.number}" for one in people)} are both called "{people[0].title}", and '
            "`visage prepare` takes them for one. Merge them, or give one another name."
            for people in same
        ),
        *(f"{path} is left alone: another photo has its name. Rename it." for path in places.left_alone),
    ]
