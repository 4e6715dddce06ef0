"""Finds the photo in a request: the one multipart part `image`, or the body itself."""

import io
from typing import IO, Any, Final

from flask import Request
from werkzeug.formparser import FormDataParser

from api.errors import (
    ImageMissingError,
    MalformedUploadError,
    SeveralImagesError,
    UnknownFaceError,
    UnsupportedContentTypeError,
)
from preprocess.errors import PhotoTooLargeError

MAX_PHOTO_BYTES: Final = 4_500_000
"""Lambda takes 6 MB a call, and API Gateway hands binary bodies over as base64, four bytes for three."""

MAX_BODY_BYTES: Final = MAX_PHOTO_BYTES + 65_536
"""A photo and what multipart puts around it."""

MAX_PARTS: Final = 16
"""Parts of a multipart body; one of them is the photo."""

_HOW: Final = "Send the photo as multipart/form-data in a part named `image`, or by itself as image/jpeg."


class _StrictFormParser(FormDataParser):
    """Raises ValueError for a body that is not multipart, where Werkzeug's own would find it empty."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "silent": False})


class PhotoRequest(Request):
    """A request whose upload stays in memory: nothing of a photo is ever written to disk."""

    form_data_parser_class = _StrictFormParser

    def _get_file_stream(self, *_args: Any, **_kwargs: Any) -> IO[bytes]:
        """Replace Werkzeug's, which spools larger files to a temporary one."""
        return io.BytesIO()


def read_number(request: Request, faces: int) -> int:
    """Return the number, from 1, of the face that `request` asks for with `?face=`, where a photo has so many `faces`.

    Raises:
        UnknownFaceError: it is none of those.
    """
    asked = request.args.get("face", "1")
    if asked not in map(str, range(1, faces + 1)):
        raise UnknownFaceError(
            f"There is no such face in the photo. `face` may be 1 to {faces}, the most prominent first."
        )
    return int(asked)


def read_photo(request: Request) -> bytes:
    """Return the bytes of the photo that `request` uploads.

    Raises:
        ImageMissingError, SeveralImagesError, MalformedUploadError: not exactly one photo.
        UnsupportedContentTypeError: neither multipart nor an image.
        PhotoTooLargeError, RequestEntityTooLarge: more than MAX_PHOTO_BYTES.
    """
    if not request.content_length:
        raise ImageMissingError(f"The request has no body. {_HOW}")
    photo = _body(request)
    if not photo:
        raise ImageMissingError(f"The photo is empty. {_HOW}")
    if len(photo) > MAX_PHOTO_BYTES:
        raise PhotoTooLargeError(f"The photo has {len(photo):,} bytes; at most {MAX_PHOTO_BYTES:,} are accepted.")
    return photo


def _body(request: Request) -> bytes:
    if request.mimetype == "multipart/form-data":
        return _image_part(request)
    if request.mimetype.startswith("image/") or request.mimetype == "application/octet-stream":
        return request.get_data()
    raise UnsupportedContentTypeError(f"The content type is not one that is accepted. {_HOW}")


def _image_part(request: Request) -> bytes:
    """Return the content of the one part named `image`."""
    try:
        parts, values = request.files.getlist("image"), request.form.getlist("image")
    except ValueError as error:
        raise MalformedUploadError(
            f"The body is not multipart/form-data with the boundary announced. {_HOW}"
        ) from error
    if len(parts) + len(values) > 1:
        raise SeveralImagesError("There is more than one part named `image`. Send one photo a request.")
    if values:
        raise ImageMissingError("The part `image` has no filename, so it is text and no photo. Send it as a file.")
    if not parts:
        raise ImageMissingError(f"There is no part named `image`. {_HOW}")
    photo: bytes = parts[0].read()
    return photo
