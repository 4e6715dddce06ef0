"""Reads requests about people: names, photos, and which face of a photo is meant."""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from flask import Request

from api.errors import (
    BadParameterError,
    ImageMissingError,
    MalformedUploadError,
    RosterFileError,
    SeveralImagesError,
    UnknownFaceError,
)
from api.form import MAX_PARTS, Part, read_parts
from api.upload import UploadKey, check_photo, face_number, photo_of, read_body, read_json
from model.errors import BadNameError, RosterUnreadableError
from model.roster import Roster, checked_name

MAX_PHOTOS: Final = 50
"""The most photos of one request."""

MAX_PAGE: Final = 200
"""The most people that one answer lists."""

_PAGE: Final = 100
_HOW_TO_IMPORT: Final = 'Send {"upload": KEY}, with a key of POST /uploads.'
_MISSING: Final = "There is no photo. Send each as a part named `image`, or the keys of POST /uploads as `uploads`."


@dataclass(frozen=True, slots=True)
class NewPhotos:
    """Photos of one person: `numbers` says which face of each is meant, None where the request does not say."""

    name: str | None
    photos: list[bytes | UploadKey] = field(repr=False)
    numbers: list[int | None]


@dataclass(frozen=True, slots=True)
class Import:
    """An upload that holds the file of a roster; `restore` says whether people who were removed here come back."""

    upload: UploadKey
    restore: bool


@dataclass(frozen=True, slots=True)
class Page:
    """At most `limit` people whose names contain `name`, after the one that `after` (key of the name, id) says."""

    limit: int
    after: tuple[str, str] | None
    name: str


def read_new_photos(request: Request, most: int = MAX_PHOTOS) -> NewPhotos:
    """Read a name and at most `most` photos: a form, JSON with keys of uploads, or one photo as the body.

    Raises:
        ImageMissingError, SeveralImagesError: there is no photo, or there are too many.
        MalformedUploadError: the body is not what its headers say.
        UnknownFaceError: a number of a face is none.
        UnsupportedContentTypeError, UnsupportedFormatError, PhotoTooLargeError: as for `api.upload.read_photo`.
    """
    body = read_body(request, _MISSING)
    if request.is_json:
        found = _of_json(body)
    elif request.mimetype == "multipart/form-data":
        found = _of_form(read_parts(body, request.content_type or "", 2 * MAX_PHOTOS + MAX_PARTS))
    else:
        found = NewPhotos(None, [check_photo(photo_of(body, request), _MISSING)], [])
    if not found.photos:
        raise ImageMissingError(_MISSING)
    if len(found.photos) > most:
        raise SeveralImagesError(f"There are {len(found.photos)} photos. At most {most} can be sent at once.")
    return NewPhotos(found.name or request.args.get("name"), found.photos, _numbers(found, request))


def _of_form(parts: list[Part]) -> NewPhotos:
    named = {name: [part for part in parts if part.name.lower() == name] for name in ("name", "image", "face")}
    if len(named["name"]) > 1:
        raise BadNameError("There is more than one `name`. Give one.")
    name = _text(named["name"][0]) if named["name"] else None
    photos: list[bytes | UploadKey] = [check_photo(part.content, _MISSING) for part in named["image"]]
    return NewPhotos(name, photos, [_number(_text(part).strip()) for part in named["face"]])


def _of_json(body: bytes) -> NewPhotos:
    given = read_json_object(body)
    name, uploads, faces = given.get("name"), given.get("uploads", []), given.get("faces", [])
    if not isinstance(uploads, list) or not all(isinstance(key, str) for key in uploads):
        raise MalformedUploadError("`uploads` must be a list of keys of POST /uploads.")
    if not isinstance(faces, list):
        raise UnknownFaceError("`faces` must be a list of numbers, in the order of the photos; null for none.")
    if name is not None and not isinstance(name, str):
        raise BadNameError("`name` must be text.")
    numbers = [None if face is None else _number(str(face)) for face in faces]
    return NewPhotos(name, [UploadKey(key) for key in uploads], numbers)


def read_json_object(body: bytes) -> dict[str, Any]:
    """Return the object that a JSON body holds.

    Raises:
        MalformedUploadError: it is something else.
    """
    given = read_json(body)
    if not isinstance(given, dict):
        raise MalformedUploadError("The body must be a JSON object.")
    return given


def _numbers(found: NewPhotos, request: Request) -> list[int | None]:
    """Return the number of the face for each photo; a single photo may also have it in `?face=`."""
    numbers = found.numbers
    if not numbers and len(found.photos) == 1 and "face" in request.args:
        numbers = [_number(request.args["face"])]
    if len(numbers) > len(found.photos):
        raise UnknownFaceError("There are more numbers of faces than photos. Give one for each photo, or none.")
    return [*numbers, *[None] * (len(found.photos) - len(numbers))]


def _number(text: str) -> int | None:
    return face_number(text, "face") if text else None


def _text(part: Part) -> str:
    try:
        return part.content.decode()
    except UnicodeDecodeError as error:
        raise MalformedUploadError(f"The part `{part.name[:40]}` is not text in UTF-8.") from error


def read_import(request: Request) -> Import:
    """Read which upload holds the file of a roster.

    Raises:
        MalformedUploadError: the body is no JSON object with a key of POST /uploads.
        BadParameterError: `restore` is neither true nor false.
    """
    given = read_json_object(request.get_data(cache=False))
    key, restore = given.get("upload"), given.get("restore", False)
    if not isinstance(key, str):
        raise MalformedUploadError(_HOW_TO_IMPORT)
    if not isinstance(restore, bool):
        raise BadParameterError("`restore` must be true or false.")
    return Import(UploadKey(key), restore)


def read_roster(content: bytes, space: str) -> Roster:
    """Read the file of a roster of an embedding space.

    Raises:
        RosterFileError: it is damaged, of a newer version, or of another embedding space.
    """
    try:
        roster = Roster.from_bytes(content)
        usable = all(checked_name(person.name) == person.name for person in roster.people)
    except RosterUnreadableError as error:
        raise RosterFileError(f"The file is no roster that can be read here. {error}") from error
    except BadNameError:
        usable = False
    if not usable:
        raise RosterFileError("The file is no roster that can be read here: it has a name that nobody can have.")
    if roster.space != space:
        raise RosterFileError(
            f"The people of this file were added for other pretrained weights or another geometry ({roster.space}) "
            f"than those of this service ({space}), so they cannot be recognised here. Add them again by their photos."
        )
    return roster


def read_page(request: Request) -> Page:
    """Read which people are asked for.

    Raises:
        BadParameterError: `limit` or `after` cannot be understood.
    """
    text = request.args.get("limit", str(_PAGE))
    if not re.fullmatch("[1-9][0-9]{0,3}", text) or int(text) > MAX_PAGE:
        raise BadParameterError(f"`limit` must be a whole number from 1 to {MAX_PAGE}.")
    after = request.args.get("after")
    return Page(int(text), None if after is None else _place(after), request.args.get("name", ""))


def place_after(key: str, identity: str) -> str:
    """Return the text for `after` that stands for the place behind a person in the list."""
    return base64.urlsafe_b64encode(json.dumps([key, identity]).encode()).decode()


def _place(after: str) -> tuple[str, str]:
    try:
        key, identity = json.loads(base64.urlsafe_b64decode(after))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise BadParameterError("`after` must be what `next` of the former page was.") from error
    return str(key), str(identity)
