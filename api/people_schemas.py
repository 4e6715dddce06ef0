"""The answers about people as JSON Schema, with examples."""

from typing import Any, Final, get_args

from api.people_answers import ADVICE
from api.schema import list_of, object_of, ref
from model.enrolment import ChosenBy
from preprocess.appearance import Advice

_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer", "minimum": 0}
_SHARE: Final = {"type": "number", "minimum": 0, "maximum": 1}
_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
_ID: Final = {"type": "string", "pattern": "^[a-z2-7]{12}$", "description": "It never changes."}

PEOPLE_SCHEMAS: Final[dict[str, Any]] = {
    "KnownPerson": object_of(
        "Somebody whom the service knows.",
        id=_ID,
        name=_TEXT,
        trained={
            "type": "boolean",
            "description": "Whether the network was trained on the person, who then cannot be renamed or removed here.",
        },
        photos=_COUNT | {"description": "How many photos were added here; 16 at most are kept of a person."},
        near_misses=_COUNT | {"description": "How many faces were said to be somebody else."},
        quality={
            "type": ["number", "null"],
            "minimum": 0,
            "maximum": 1,
            "description": "How well the person is known by these photos. Null for people on whom the network was "
            "trained, and where the quality of the photos is not known.",
        },
        advice={
            "type": "array",
            "items": {"enum": list(ADVICE)},
            "uniqueItems": True,
            "description": "What would help: more photos than `one_photo`, better ones than `poor_photos`, or photos "
            "that distinguish the person from somebody `alike`.",
        },
        lookalikes=list_of("Lookalike", "People with whom the person may be confused, the most similar first."),
        thumbnail={"type": "boolean", "description": "Whether `/people/{id}/thumbnail` has a picture."},
        created=_TIME | {"description": "When the person was added; null for people on whom the network was trained."},
        changed=_TIME,
    ),
    "Lookalike": object_of("Somebody who looks like the person.", id=_ID, name=_TEXT, similarity=_SHARE),
    "Roster": object_of("The version of the roster.", version=_COUNT),
    "RosterDetails": object_of(
        "The people who were added.",
        version=_COUNT | {"description": "It rises with every change."},
        space={"type": "string", "description": "What embeddings can be compared with those of the roster."},
        supported={
            "type": ["integer", "null"],
            "minimum": 1,
            "description": "For how many people on the roster the share of strangers was measured; null if for none.",
        },
        thumbnails={"type": "boolean", "description": "Whether pictures of people are kept."},
    ),
    "People": object_of(
        "Some of the people, by their names.",
        people=list_of("KnownPerson", "The people of this page."),
        next={"type": ["string", "null"], "description": "`after` of the next page; null on the last one."},
        count=_COUNT | {"description": "How many people there are on all pages."},
        roster=ref("RosterDetails"),
    ),
    "Added": object_of(
        "A person after photos were sent, and what became of the photos.",
        person=ref("KnownPerson"),
        photos=list_of("PhotoResult", "What became of each photo, in the order in which they were sent.", minItems=1),
        lookalikes=list_of("Lookalike", "People with whom the person may be confused."),
        remarks={"type": "array", "items": _TEXT, "description": "What the owner should know, in sentences."},
        roster=ref("Roster"),
    ),
    "PhotoResult": object_of(
        "What became of a photo.",
        photo={"type": "integer", "minimum": 1, "description": "Its number in the request."},
        used={"type": "boolean", "description": "Whether a face of it was added."},
        face={"type": ["integer", "null"], "minimum": 1, "description": "The number of that face."},
        chosen_by={
            "enum": [*ChosenBy, None],
            "description": "Why that face: it is the only one, the request says so, or it is like the person's other "
            "photos.",
        },
        advice={
            "type": "array",
            "items": {"enum": list(get_args(Advice))},
            "description": "Why the photo may be a poor one, as in a Recognition.",
        },
        faces=list_of("FoundFace", "The faces in the photo, the most prominent first."),
        image={
            "oneOf": [ref("Size"), {"type": "null"}],
            "description": "Null if the photo cannot be read, or has no face.",
        },
        problem={"oneOf": [ref("PhotoProblem"), {"type": "null"}], "description": "Why it was not used."},
    ),
    "FoundFace": object_of("A face in a photo.", box=ref("Box")),
    "Size": object_of("The size of a photo in pixels.", width=_COUNT, height=_COUNT),
    "PhotoProblem": object_of(
        "Why a photo was not used.",
        type=_TEXT | {"format": "uri", "description": "Identifies the kind of problem; it never changes."},
        title=_TEXT,
        detail=_TEXT,
    ),
    "Export": object_of(
        "Where the file of the roster can be downloaded, by whoever has the address.",
        url=_TEXT | {"format": "uri"},
        expires_in_s={"type": "integer", "minimum": 1, "description": "How long, in seconds."},
    ),
    "Imported": object_of(
        "A roster after a file was imported.",
        added=_COUNT | {"description": "How many people were added."},
        left_out=_COUNT | {"description": "How many were left out; `remarks` says why."},
        people=_COUNT | {"description": "How many people are on the roster now."},
        remarks={
            "type": "array",
            "items": _TEXT,
            "description": "Who was left out and why, and what else the owner should know.",
        },
        roster=ref("Roster"),
    ),
    "Removed": object_of(
        "Somebody who was removed.",
        id=_ID,
        name=_TEXT,
        gone_on={
            "type": "string",
            "format": "date",
            "description": "The day, in UTC, by which no former version of the roster has the person any more.",
        },
        roster=ref("Roster"),
    ),
}

_PERSON: Final = {
    "id": "q2qkszbddzwg",
    "name": "Ann Lee",
    "trained": False,
    "photos": 1,
    "near_misses": 0,
    "quality": 0.57,
    "advice": ["one_photo"],
    "lookalikes": [],
    "thumbnail": False,
    "created": "2026-11-26T19:21:30+00:00",
    "changed": "2026-11-26T19:21:30+00:00",
}
_BOXES: Final = (
    {"left": 466, "top": 270, "width": 108, "height": 145},
    {"left": 746, "top": 344, "width": 100, "height": 138},
)

PEOPLE_EXAMPLES: Final[dict[str, Any]] = {
    "KnownPerson": _PERSON,
    "People": {
        "people": [
            _PERSON,
            {
                "id": "llyi2l2izlr3",
                "name": "Eileen Collins",
                "trained": True,
                "photos": 0,
                "near_misses": 0,
                "quality": None,
                "advice": [],
                "lookalikes": [],
                "thumbnail": False,
                "created": None,
                "changed": None,
            },
        ],
        "next": None,
        "count": 2,
        "roster": {"version": 1, "space": "casia-webface-072b5190cd97", "supported": 400, "thumbnails": False},
    },
    "Added": {
        "person": _PERSON,
        "photos": [
            {
                "photo": 1,
                "used": True,
                "face": 1,
                "chosen_by": "face",
                "advice": [],
                "faces": [{"box": box} for box in _BOXES],
                "image": {"width": 1280, "height": 886},
                "problem": None,
            },
            {
                "photo": 2,
                "used": False,
                "face": None,
                "chosen_by": None,
                "advice": [],
                "faces": [],
                "image": None,
                "problem": {
                    "type": "urn:visage:problem:no-face",
                    "title": "No face in the photo",
                    "detail": "No face was found in the photo. Try one where the face is larger and less covered.",
                },
            },
        ],
        "lookalikes": [],
        "remarks": [],
        "roster": {"version": 1},
    },
    "Export": {
        "url": "https://visage-models.s3.eu-central-1.amazonaws.com/roster/casia-webface-4a1c9f3e2b70/roster.npz?X-Amz-Expires=300",
        "expires_in_s": 300,
    },
    "Imported": {
        "added": 2,
        "left_out": 1,
        "people": 17,
        "remarks": ['"Ann Lee" was left out: there is somebody else of this name.'],
        "roster": {"version": 18},
    },
    "Removed": {"id": "q2qkszbddzwg", "name": "Ann Lee", "gone_on": "2026-12-27", "roster": {"version": 2}},
}
