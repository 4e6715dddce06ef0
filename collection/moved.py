"""Reads from the folders what the owner did there: renamed a folder, moved a photo, made a folder, removed a photo.

These are decisions, as those that are given to `visage sort`. A photo that is gone from everywhere changes nothing: it
may come back.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from collection.sorting import NOBODY, FaceOf, Person, Sorting, file_key, is_numbered, numbered
from dataset.errors import UnusableNameError
from dataset.folders import UNSORTED
from dataset.labels import label_of

Choose = Callable[[Sorting, str, int], int | None]
"""Of a state, a photo and a person: the face in the photo that is likely to be theirs; None without a face."""


def with_owners_moves(sorting: Sorting, folders: Mapping[str, AbstractSet[str]], choose: Choose) -> Sorting:
    """Return the state as the folders are, by name, with the names of their photos; "" is the folder of all folders."""
    own = {folder: names for folder, names in folders.items() if folder not in {"", UNSORTED}}
    matched = _matched(sorting, own)
    sorting, matched = _with_new_people(sorting, own, matched)
    sorting = _renamed(sorting, matched)
    homes: dict[str, set[int]] = {name: set() for names in folders.values() for name in names}
    for number, folder in matched.items():
        for name in own[folder]:
            homes[name].add(number)
    for name, numbers in homes.items():
        sorting = _placed(sorting, name, numbers, choose)
    return sorting


def _matched(sorting: Sorting, folders: Mapping[str, AbstractSet[str]]) -> dict[int, str]:
    """Return each person's folder: that of the same name, else the one with the most of the person's photos."""
    by_name = {file_key(folder): folder for folder in folders}
    matched = {number: by_name[person.folder] for number, person in sorting.people.items() if person.folder in by_name}
    photos = sorting.photos_of(sorting.photos)
    left = folders.keys() - set(matched.values())
    shared = sorted(
        (-len(folders[folder] & set(photos[number])), number, folder)
        for number in sorting.people.keys() - matched.keys()
        for folder in left
    )
    for count, number, folder in shared:
        if count and number not in matched and folder not in matched.values():
            matched[number] = folder
    return matched


def _with_new_people(
    sorting: Sorting, folders: Mapping[str, AbstractSet[str]], matched: Mapping[int, str]
) -> tuple[Sorting, dict[int, str]]:
    """Return the state with a person for each folder that the owner made."""
    everybody = dict(matched)
    for folder in sorted(folders.keys() - set(matched.values())):
        if folders[folder]:
            sorting, number = sorting.with_person(folder=file_key(folder))
            everybody[number] = folder
    return sorting, everybody


def _renamed(sorting: Sorting, matched: Mapping[int, str]) -> Sorting:
    """Return the state in which people are called as their folders are."""
    people = dict(sorting.people)
    for number, folder in matched.items():
        name = _name(folder)
        people[number] = Person(number, name, file_key(folder) if name else numbered(number))
    return replace(sorting, people=people)


def _name(folder: str) -> str | None:
    """Return the name that a folder gives to a person; one like `person-003` is no name."""
    try:
        return None if is_numbered(folder) else label_of(folder)
    except UnusableNameError:
        return None


def _placed(sorting: Sorting, name: str, homes: AbstractSet[int], choose: Choose) -> Sorting:
    """Return the state in which a photo is in the folders of these people."""
    before = sorting.photos[name].people
    if homes == before:
        return sorting
    gained, lost = sorted(homes - before), before - homes
    photo = replace(sorting.photos[name], also=sorting.photos[name].also & homes)
    faces = list(photo.faces or ())
    for place, number in enumerate(faces):
        if number in lost:
            faces[place] = gained.pop(0) if gained else NOBODY
    sorting = replace(sorting, photos={**sorting.photos, name: replace(photo, faces=photo.faces and tuple(faces))})
    for number in gained:
        sorting = with_photo(sorting, name, number, choose(sorting, name, number))
    return sorting


def with_photo(sorting: Sorting, name: str, number: int, face: int | None) -> Sorting:
    """Return the state in which a photo is a person's, by a face of it if it has one that is nobody's yet."""
    if face is not None:
        return sorting.with_owners({FaceOf(name, face): number})
    photo = sorting.photos[name]
    return replace(sorting, photos={**sorting.photos, name: replace(photo, also=photo.also | {number})})
