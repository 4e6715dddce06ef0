"""A request about two photos: the parts `a` and `b` of a form, or the keys of two uploads in JSON; and its answer.

`face_a` and `face_b` say which faces are meant.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask import Request

from api.answers import Compared, verification_json
from api.errors import ImageMissingError, UnknownFaceError, UnsupportedContentTypeError
from api.form import Part, read_parts
from api.upload import UploadKey, check_face_number, check_photo, face_number, photo_part, read_body, read_json
from preprocess.errors import PhotoError

if TYPE_CHECKING:
    from model.recognizer import Recognizer

SIDES: Final = ("a", "b")
"""The names of the two photos."""

HOW_TO_SEND: Final = "Send two photos as multipart/form-data in parts named `a` and `b`."

_OTHER_JSON: Final = 'JSON is accepted only as {"a": KEY, "b": KEY}, with keys of POST /uploads.'


@dataclass(frozen=True, slots=True)
class Side:
    """One of two photos: its name, and the number of the face that is meant."""

    name: str
    number: int

    @property
    def number_name(self) -> str:
        """The name by which the request gives the number."""
        return f"face_{self.name}"


def read_pair(request: Request) -> list[tuple[Side, bytes | UploadKey]]:
    """Return the two photos of a request, `a` first.

    Raises:
        ImageMissingError, SeveralImagesError: a photo is missing, or there is more than one of a name.
        MalformedUploadError: the body is not what its headers say.
        UnsupportedContentTypeError: the body is neither a multipart form nor names uploads.
        UnsupportedFormatError: a photo was turned into text on the way.
        PhotoTooLargeError: the body has more than MAX_BODY_BYTES.
        UnknownFaceError: the number of a face is not one.
    """
    body = read_body(request, HOW_TO_SEND)
    if request.is_json:
        return _of_uploads(body)
    if request.mimetype != "multipart/form-data":
        raise UnsupportedContentTypeError(f"This content type is not accepted. {HOW_TO_SEND}")
    parts = read_parts(body, request.content_type or "")
    return [_of_form(parts, name) for name in SIDES]


def compare(model: "Recognizer", photos: Iterable[tuple[Side, bytes]]) -> dict[str, Any]:
    """Return the answer to whether two photos show one person. The second is taken only if the first can be used.

    Raises:
        PhotoError: a photo is unusable or has no face.
        UnknownFaceError: a photo has no face of the number that is meant.
    """
    compared = {side.name: _face_of(model, side, photo) for side, photo in photos}
    verification = model.verify(*(face.embedding for face in compared.values()))
    return verification_json(verification, compared, model.version)


def _face_of(model: "Recognizer", side: Side, photo: bytes) -> Compared:
    with _about(side.name):
        found = model.find(photo)
        check_face_number(side.number, len(found.boxes), side.number_name)
        return Compared(model.embed(found, side.number), side.number, len(found.boxes))


@contextmanager
def _about(name: str) -> Iterator[None]:
    """Say in the text of an error with a photo which of the two it is."""
    try:
        yield
    except (PhotoError, ImageMissingError, UnknownFaceError) as error:
        raise type(error)(f"Photo `{name}`: {error}") from error


def _of_form(parts: list[Part], name: str) -> tuple[Side, bytes]:
    photo, number = photo_part(parts, name, HOW_TO_SEND), f"face_{name}"
    given = [part.content.decode(errors="replace").strip() for part in parts if part.name.lower() == number]
    with _about(name):
        return Side(name, _number(given[0] if given else "", number)), check_photo(photo, HOW_TO_SEND)


def _of_uploads(body: bytes) -> list[tuple[Side, bytes | UploadKey]]:
    given = read_json(body)
    if not isinstance(given, dict) or not all(isinstance(given.get(name), str) for name in SIDES):
        raise UnsupportedContentTypeError(f"{_OTHER_JSON} {HOW_TO_SEND}")
    return [(Side(name, _number_of(given, f"face_{name}")), UploadKey(given[name])) for name in SIDES]


def _number_of(given: Mapping[str, Any], name: str) -> int:
    number = given.get(name)
    if isinstance(number, float) and number.is_integer():  # a whole number, as JSON Schema sees it
        number = int(number)
    return _number("" if number is None else str(number), name)


def _number(text: str, name: str) -> int:
    """Return the number of a face; an empty field of a form stands for the most prominent one."""
    return face_number(text or "1", name)
