"""The API's answers about people."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from api.errors import problem_of
from model.enrolment import Choice, Refusal
from model.face_json import box_json
from model.known import KnownPeople
from model.roster import Person
from model.space import embedding_space
from preprocess.errors import PhotoError

ENOUGH_PHOTOS: Final = 3
"""From so many good photos on, a person is known as well as can be."""

GOOD: Final = 0.6
"""Quality of a photo from which it is a good reference."""

ADVICE: Final = ("one_photo", "poor_photos", "alike")
"""What may be wrong with the photos of a person."""

_FEW: Final = (0.0, 0.75, 0.9, 1.0)
"""How well somebody is known by no, one, two and more good photos."""

DETAILS: Final = {
    Refusal.SEVERAL: "There are {faces} faces in this photo. Say by `face` which one is the person.",
    Refusal.UNLIKE: "The face is unlike the person's other photos. If it is the person all the same, say `face`.",
    Refusal.SAME: "This is the same picture as another one of the person. It adds nothing.",
    Refusal.NO_SUCH_FACE: "There is no face of this number. The photo has {faces}; 1 is the most prominent one.",
}
TITLES: Final = {
    Refusal.SEVERAL: "Several faces are in the photo",
    Refusal.UNLIKE: "The face is unlike the others",
    Refusal.SAME: "The same photo",
    Refusal.NO_SUCH_FACE: "There is no such face in the photo",
}


def person_json(known: KnownPeople, identity: str) -> dict[str, Any]:
    """Return the JSON of a person who is known."""
    roster = known.roster
    entry = roster.find(identity)
    number = known.number_of(identity)
    trained = number < known.trained
    photos, misses = (roster.count(identity), roster.count(identity, near=True)) if entry else (0, 0)
    rows = known.gallery.embeddings[known.gallery.people == number] if trained else roster.rows(identity)
    lookalikes = [asdict(one) | {"similarity": round(one.similarity, 4)} for one in known.lookalikes(rows, identity)]
    quality = None if trained or entry is None else how_well_known(entry, photos)
    return {
        "id": identity,
        "name": known.names[number],
        "trained": trained,
        "photos": photos,
        "near_misses": misses,
        "quality": quality,
        "advice": [] if trained or entry is None else _advice(entry, photos, alike=bool(lookalikes)),
        "lookalikes": lookalikes,
        "thumbnail": bool(entry and entry.thumbnail),
        "created": entry.created if entry else None,
        "changed": entry.changed if entry else None,
    }


def how_well_known(person: Person, photos: int) -> float | None:
    """Return how well somebody is known, 0 to 1, by the quality of their best photos and by how many there are.

    None where the quality of the photos is not known: they were enrolled by the command line.
    """
    if not person.qualities:
        return None
    best = sorted(person.qualities, reverse=True)[:ENOUGH_PHOTOS]
    return round(sum(best) / len(best) * _FEW[min(photos, ENOUGH_PHOTOS)], 2)


def _advice(person: Person, photos: int, *, alike: bool) -> list[str]:
    """Return what would help to recognise somebody."""
    good = sum(quality >= GOOD for quality in person.qualities)
    holds = (photos < 2, bool(person.qualities) and good == 0, alike)
    return [advice for advice, is_given in zip(ADVICE, holds, strict=True) if is_given]


def page_json(
    known: KnownPeople, people: Sequence[str], after: str | None, count: int, *, thumbnails: bool
) -> dict[str, Any]:
    """Return the JSON of some of the people: those with the ids `people`, of `count` in all.

    `thumbnails` says whether pictures are kept of people.
    """
    return {
        "people": [person_json(known, identity) for identity in people],
        "next": after,
        "count": count,
        "roster": {
            "version": known.roster.version,
            "space": embedding_space(known.manifest),
            "supported": known.supported,
            "thumbnails": thumbnails,
        },
    }


def added_json(known: KnownPeople, identity: str, choices: Sequence[Choice]) -> dict[str, Any]:
    """Return the JSON of a person who was added or got photos, and of what became of each photo."""
    person = person_json(known, identity)
    return {
        "person": person,
        "photos": [photo_json(choice) for choice in choices],
        "lookalikes": person["lookalikes"],
        "remarks": [*_remarks(person), *size_remarks(known)],
        "roster": {"version": known.roster.version},
    }


def imported_json(known: KnownPeople, added: int, gone: int, left_out: Sequence[str]) -> dict[str, Any]:
    """Return the JSON of a roster into which a file was imported.

    `left_out` has a sentence on each person who was left out, but for the `gone` ones, who were removed here.
    """
    who = "1 person of the file was" if gone == 1 else f"{gone} people of the file were"
    removed = [f"{who} removed here and did not come back; `restore` brings them back."] if gone else []
    return {
        "added": added,
        "left_out": len(left_out),
        "people": len(known.roster.people),
        "remarks": [*left_out, *removed, *size_remarks(known)],
        "roster": {"version": known.roster.version},
    }


def photo_json(choice: Choice) -> dict[str, Any]:
    """Return the JSON of what became of a photo."""
    seen, look = choice.seen, choice.appearance
    return {
        "photo": choice.photo,
        "used": choice.face is not None,
        "face": choice.face,
        "chosen_by": choice.chosen_by,
        "advice": list(look.advice) if look else [],
        "faces": [{"box": box_json(box)} for box in seen.boxes] if seen else [],
        "image": {"width": seen.width, "height": seen.height} if seen else None,
        "problem": _problem(choice),
    }


def _problem(choice: Choice) -> dict[str, str] | None:
    if choice.error is not None:
        problem = problem_of(choice.error)
        text = str(choice.error) if isinstance(choice.error, PhotoError) else ""
        return {"type": problem.type, "title": problem.title, "detail": text or problem.detail}
    if choice.refusal is None:
        return None
    faces = len(choice.seen.boxes) if choice.seen else 0
    return {
        "type": f"urn:visage:problem:{choice.refusal}",
        "title": TITLES[choice.refusal],
        "detail": DETAILS[choice.refusal].format(faces=faces),
    }


def _remarks(person: Mapping[str, Any]) -> list[str]:
    """Return a remark on each person with whom this one may be confused."""
    return [
        f'"{person["name"]}" looks like "{other["name"]}" (similarity {other["similarity"]:.2f}). If they are one '
        "person, remove one of the two and add its photos to the other; else they may be confused with each other."
        for other in person["lookalikes"]
    ]


def size_remarks(known: KnownPeople) -> list[str]:
    """Return a remark if the roster has more people than its threshold was measured for."""
    count = len(known.roster.people)
    if known.supported is None or count <= known.supported:
        return []
    remark = (
        f"The roster has {count:,} people. The share of strangers who are taken for somebody was measured for "
        f"{known.supported:,} at most: it may be larger than was asked for."
    )
    return [remark]
