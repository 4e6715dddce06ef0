"""What an owner decides about sorted photos: who is one person, whose a face is, and what people are called.

Each function returns another state; `visage sort` then makes the folders as it says.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from collection.errors import SortError
from collection.sorting import NOBODY, FaceOf, Person, Sorting, numbered, usable_name
from dataset.labels import found_as
from preprocess.names import same, shown


def merge(sorting: Sorting, numbers: Sequence[int]) -> Sorting:
    """Return the state in which people are one: the first of them, or whoever of them has a name first.

    Raises:
        SortError: there is no such person, or there are fewer than two.
    """
    people = [sorting.person(number) for number in dict.fromkeys(numbers)]
    if len(people) < 2:
        raise SortError("Give two people who are one.")
    kept = next((person for person in people if person.name), people[0]).number
    gone = {person.number for person in people} - {kept}
    photos = {
        name: replace(
            photo,
            faces=photo.faces and tuple(kept if number in gone else number for number in photo.faces),
            also=frozenset(kept if number in gone else number for number in photo.also),
        )
        for name, photo in sorting.photos.items()
    }
    apart = {frozenset(kept if number in gone else number for number in pair) for pair in sorting.apart}
    pairs = frozenset(pair for pair in apart if len(pair) == 2)
    return replace(sorting, photos=photos, people=_without(sorting, gone), apart=pairs)


def tell_apart(sorting: Sorting, numbers: Sequence[int]) -> Sorting:
    """Return the state in which two people are not suggested to be one, now or when more photos are sorted.

    Raises:
        SortError: there is no such person, or these are not two.
    """
    pair = frozenset(sorting.person(number).number for number in numbers)
    if len(pair) != 2:
        raise SortError("Give two people who are not one.")
    apart = sorting.apart | {pair}
    return replace(sorting, apart=apart, alike=[each for each in sorting.alike if frozenset(each) not in apart])


def move(sorting: Sorting, faces: Iterable[FaceOf], to: int | None) -> tuple[Sorting, int]:
    """Return the state in which faces are a person's, `NOBODY`'s, or, without a number, a new person's; and the number.

    Raises:
        SortError: there is no such person or face.
    """
    wanted = list(faces)
    if not wanted:
        raise SortError("Give the faces that are somebody else's.")
    if to is None:
        sorting, to = sorting.with_person()
    elif to != NOBODY:
        sorting.person(to)
    before = {sorting.owners(face) for face in wanted}
    moved = sorting.with_owners(dict.fromkeys(wanted, to))
    left = {number for photo in moved.photos.values() for number in photo.people}
    empty = {number for number in before if number and number not in left}
    return replace(moved, people=_without(moved, empty)), to


def rename(sorting: Sorting, number: int, name: str) -> Sorting:
    """Return the state in which a person has a name, or none where it is empty.

    Raises:
        SortError: there is no such person, another person has the name, or no folder can be called so.
    """
    person = sorting.person(number)
    label = usable_name(name) if name.strip() else None
    for other in sorting.people.values():
        if label and other.number != number and same(other.title, label):
            raise SortError(f'Person {other.number} is "{other.title}". If it is one person, merge {number} and them.')
    renamed = replace(person, name=label, folder=label or numbered(number))
    return replace(sorting, people={**sorting.people, number: renamed})


def faces_in(sorting: Sorting, number: int, photos: Iterable[str]) -> list[FaceOf]:
    """Return a person's faces in photos, which are given by file name.

    Raises:
        SortError: a photo does not show the person.
    """
    faces = []
    for typed in photos:
        name = found_as(typed, sorting.photos)
        own = [place for place, owner in enumerate((name and sorting.photos[name].faces) or ()) if owner == number]
        if name is None or not own:
            raise SortError(f"{shown(typed)} is no photo of person {number}. Give the name of a file in the folder.")
        faces += [FaceOf(name, place) for place in own]
    return faces


def _without(sorting: Sorting, gone: Collection[int]) -> dict[int, Person]:
    return {number: person for number, person in sorting.people.items() if number not in gone}
