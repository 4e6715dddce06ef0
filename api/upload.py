"""Reads a request: the photo, which is the multipart part `image` or the body itself, and the number of the face."""

import io
import re
from typing import IO, Any, Final

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from api.errors import (
    ImageMissingError,
    MalformedUploadError,
    SeveralImagesError,
    UnknownFaceError,
    UnsupportedContentTypeError,
)
from preprocess.detect import MAX_FACES
from preprocess.errors import PhotoTooLargeError

MAX_PHOTO_BYTES: Final = 4_500_000
"""Lambda accepts 6 MB per call, and API Gateway sends binary bodies as base64, which is a third longer."""

MAX_BODY_BYTES: Final = MAX_PHOTO_BYTES + 65_536
"""The size of a photo, and 64 KB for the boundaries, headers and other parts of a form."""

MAX_PARTS: Final = 16
"""The most parts of a multipart form, including the photo."""

_HOW_TO_SEND: Final = "Send the photo as multipart/form-data in a part named `image`, or by itself as image/jpeg."


class _StrictFormParser(FormDataParser):
    """Raises ValueError for a body that is not multipart; Werkzeug's parser would return an empty form."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "silent": False})


class PhotoRequest(Request):
    """A request whose upload stays in memory: no photo is ever written to disk."""

    form_data_parser_class = _StrictFormParser

    def _get_file_stream(self, *_args: Any, **_kwargs: Any) -> IO[bytes]:
        """Return a file in memory; Werkzeug's method writes large uploads to a temporary file."""
        return io.BytesIO()


def read_face_number(request: Request) -> int:
    """Return the number in `?face=`, 1 to MAX_FACES; 1 without it. If it is given several times, the first counts.

    Raises:
        UnknownFaceError: it is not a number from 1 to MAX_FACES.
    """
    text = request.args.get("face", "1")
    if not re.fullmatch("[1-9][0-9]?", text) or int(text) > MAX_FACES:
        raise UnknownFaceError(f"`face` must be a whole number from 1 to {MAX_FACES}. 1 is the most prominent face.")
    return int(text)


def check_face_number(number: int, faces: int) -> None:
    """Check that a photo with `faces` faces has one of this number.

    Raises:
        UnknownFaceError: it has fewer.
    """
    if number > faces:
        raise UnknownFaceError(
            f"There is no such face in the photo. `face` may be 1 to {faces}; 1 is the most prominent face."
        )


def read_photo(request: Request) -> bytes:
    """Return the bytes of the photo in `request`.

    Raises:
        ImageMissingError, SeveralImagesError: there is no photo, or more than one.
        MalformedUploadError: the multipart form cannot be read, or has more than MAX_PARTS parts.
        UnsupportedContentTypeError: the body is neither a multipart form nor an image.
        PhotoTooLargeError: the photo has more than MAX_PHOTO_BYTES, or the body more than MAX_BODY_BYTES.
    """
    if not request.content_length:
        raise ImageMissingError(f"The request has no body. {_HOW_TO_SEND}")
    if request.content_length > MAX_BODY_BYTES:
        raise PhotoTooLargeError(
            f"The upload has {request.content_length:,} bytes. A photo may have {MAX_PHOTO_BYTES:,}."
        )
    photo = _body(request)
    if not photo:
        raise ImageMissingError(f"The photo is empty. {_HOW_TO_SEND}")
    if len(photo) > MAX_PHOTO_BYTES:
        raise PhotoTooLargeError(f"The photo has {len(photo):,} bytes; at most {MAX_PHOTO_BYTES:,} are accepted.")
    return photo


def _body(request: Request) -> bytes:
    if request.mimetype == "multipart/form-data":
        return _image_part(request)
    if request.mimetype.startswith("image/") or request.mimetype == "application/octet-stream":
        return request.get_data()
    raise UnsupportedContentTypeError(f"This content type is not accepted. {_HOW_TO_SEND}")


def _image_part(request: Request) -> bytes:
    """Return the content of the one part named `image`."""
    try:
        parts, values = request.files.getlist("image"), request.form.getlist("image")
    except ValueError as error:
        raise MalformedUploadError(
            f"The body is not multipart/form-data with the boundary in its content type. {_HOW_TO_SEND}"
        ) from error
    except RequestEntityTooLarge as error:  # the size was checked before, so it is the number of parts
        raise MalformedUploadError(f"The form has more than {MAX_PARTS} parts. {_HOW_TO_SEND}") from error
    if len(parts) + len(values) > 1:
        raise SeveralImagesError("There is more than one part named `image`. Send one photo per request.")
    if values:
        raise ImageMissingError("The part `image` has no filename, so it is text, not a photo. Send it as a file.")
    if not parts:
        raise ImageMissingError(f"There is no part named `image`. {_HOW_TO_SEND}")
    photo: bytes = parts[0].read()
    return photo
