"""Reads a request: the photo, which is the multipart part `image` or the body itself, and the number of the face.

Everything stays in memory: no photo is ever written to disk. So Flask's `files` is not used; it writes large files to
disk.
"""

import json
import re
import zlib
from dataclasses import dataclass
from typing import Any, Final

from flask import Request

from api.errors import (
    ImageMissingError,
    MalformedUploadError,
    SeveralImagesError,
    UnknownFaceError,
    UnsupportedContentTypeError,
)
from api.form import Part, read_parts
from preprocess.detect import MAX_FACES
from preprocess.errors import PhotoTooLargeError, UnsupportedFormatError

MAX_PHOTO_BYTES: Final = 4_500_000
"""Lambda accepts 6 MB per call, and API Gateway sends binary bodies as base64, which is a third longer."""

MAX_BODY_BYTES: Final = MAX_PHOTO_BYTES + 65_536
"""The size of a photo, and 64 KB for the boundaries, headers and other parts of a form."""

MAX_RECEIVED_BYTES: Final = 6_291_556
"""Lambda's limit for a call. More than MAX_BODY_BYTES is read only to say what is wrong with the body."""

_HOW_TO_SEND: Final = "Send the photo as multipart/form-data in a part named `image`, or by itself as image/jpeg."

_MANGLED: Final = (
    "This is not a photo any more: it was handled as text on the way, and bytes were replaced by U+FFFD. If this is a "
    "REST API of API Gateway, add `*/*` to its setting `binaryMediaTypes` and deploy it again. Otherwise your client "
    "reads the photo as text; read it as bytes."
)
_BASE64: Final = "The photo is base64 text. Send its bytes, without a data URL and without base64."

_TEXT_TYPES: Final = {
    "application/json": 'JSON is accepted only as {"upload": KEY}, with a key of POST /uploads, not with a photo in '
    "base64. Send the bytes of the photo.",
    "application/x-www-form-urlencoded": "A photo cannot be sent as application/x-www-form-urlencoded. With curl, use "
    "`-F image=@photo.jpg` instead of `-d` or `--data-binary`.",
}
"""Content types of frequent mistakes, and what to do instead."""

_DATA_URL: Final = re.compile(rb"\s*data:[\w/+.;=-]*,")
_BASE64_TEXT: Final = re.compile(rb"[A-Za-z0-9+/_-]{64,}={0,2}")


@dataclass(frozen=True, slots=True)
class UploadKey:
    """Stands for a photo that was sent to S3."""

    text: str


def read_face_number(request: Request) -> int:
    """Return the number in `?face=`, 1 to MAX_FACES; 1 without it. If it is given several times, the first counts.

    Raises:
        UnknownFaceError: it is not a number from 1 to MAX_FACES.
    """
    return face_number(request.args.get("face", "1"), "face")


def face_number(text: str, name: str) -> int:
    """Return the number of a face, which the request gives by this name.

    Raises:
        UnknownFaceError: it is not a number from 1 to MAX_FACES.
    """
    if not re.fullmatch("[1-9][0-9]?", text) or int(text) > MAX_FACES:
        raise UnknownFaceError(f"`{name}` must be a whole number from 1 to {MAX_FACES}. 1 is the most prominent face.")
    return int(text)


def check_face_number(number: int, faces: int, name: str = "face") -> None:
    """Check that a photo with `faces` faces has one of this number, which the request gave by this name.

    Raises:
        UnknownFaceError: it has fewer.
    """
    if number > faces:
        raise UnknownFaceError(
            f"There is no such face in the photo. `{name}` may be 1 to {faces}; 1 is the most prominent face."
        )


def read_photo(request: Request) -> bytes | UploadKey:
    """Return the bytes of the photo in `request`, or the key of the upload that it names.

    Raises:
        ImageMissingError, SeveralImagesError: there is no photo, or more than one.
        MalformedUploadError: the body is not what its headers say.
        UnsupportedContentTypeError: the body is neither a multipart form nor an image nor names an upload, or is
            compressed in a way that is not known.
        UnsupportedFormatError: the photo was turned into text on the way, so that it cannot be read.
        PhotoTooLargeError: the photo has more than MAX_PHOTO_BYTES, or the body more than MAX_BODY_BYTES.
    """
    body = read_body(request, _HOW_TO_SEND)
    key = _upload_key(body) if request.is_json else None
    return key or check_photo(photo_of(body, request), _HOW_TO_SEND)


def read_body(request: Request, how_to_send: str) -> bytes:
    """Return the body without its compression; `how_to_send` is the advice to whoever sent none.

    Raises:
        ImageMissingError, MalformedUploadError, UnsupportedContentTypeError, UnsupportedFormatError,
            PhotoTooLargeError: as `read_photo`.
    """
    body = _decompressed(request.get_data(cache=False), request.headers.get("Content-Encoding", ""))
    if not body:
        raise ImageMissingError(f"The request has no body. {how_to_send}")
    if _is_mangled(body):  # first: damaged bodies are larger than the photo was
        raise UnsupportedFormatError(_MANGLED)
    if len(body) > MAX_BODY_BYTES:
        raise PhotoTooLargeError(
            f"The upload has {len(body):,} bytes. A request may have {MAX_PHOTO_BYTES:,} bytes of photos."
        )
    return body


def check_photo(photo: bytes, how_to_send: str) -> bytes:
    """Return the bytes that were sent as a photo.

    Raises:
        ImageMissingError: there are none.
        PhotoTooLargeError: there are more than MAX_PHOTO_BYTES.
        UnsupportedFormatError: they are base64.
    """
    if not photo:
        raise ImageMissingError(f"The photo is empty. {how_to_send}")
    if len(photo) > MAX_PHOTO_BYTES:
        raise PhotoTooLargeError(f"The photo has {len(photo):,} bytes; at most {MAX_PHOTO_BYTES:,} are accepted.")
    if _is_base64(photo):
        raise UnsupportedFormatError(_BASE64)
    return photo


def photo_of(body: bytes, request: Request) -> bytes:
    """Return the photo in the body of a request: one part of a form, or all of it.

    Raises:
        ImageMissingError, SeveralImagesError: there is no photo, or more than one.
        MalformedUploadError: the form cannot be read.
        UnsupportedContentTypeError: the body is neither a form nor an image.
    """
    mimetype = request.mimetype
    if mimetype == "multipart/form-data":
        return photo_part(read_parts(body, request.content_type or ""), "image", _HOW_TO_SEND)
    if mimetype.startswith("image/") or mimetype in {"", "application/octet-stream", "binary/octet-stream"}:
        if body.startswith(b"--") and b"content-disposition:" in body[:1024].lower():
            raise MalformedUploadError(
                "The body is a form, but its content type is not multipart/form-data with the boundary. "
                "Let your client set this header."
            )
        return body
    raise UnsupportedContentTypeError(_TEXT_TYPES.get(mimetype, f"This content type is not accepted. {_HOW_TO_SEND}"))


def _upload_key(body: bytes) -> UploadKey | None:
    """Return the key in `{"upload": KEY}`, None of any other JSON."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        return None
    key = given.get("upload") if isinstance(given, dict) else None
    return UploadKey(key) if isinstance(key, str) else None


def read_json(body: bytes) -> Any:
    """Return what a body in JSON holds.

    Raises:
        MalformedUploadError: it is no JSON.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedUploadError("The body is declared to be JSON, and it is not.") from error


def photo_part(parts: list[Part], name: str, how_to_send: str) -> bytes:
    """Return the content of the one part with this name.

    Raises:
        ImageMissingError, SeveralImagesError: there is none, or it is text, or there is more than one.
    """
    photos = [part for part in parts if part.name.lower() == name]
    if len(photos) > 1:
        raise SeveralImagesError(f"There is more than one part named `{name}`. Send only one.")
    if not photos:
        raise ImageMissingError(f"There is no part named `{name}`. {how_to_send}")
    (photo,) = photos
    if not photo.is_file and _is_short_text(photo.content):
        raise ImageMissingError(
            f"The part `{name}` is text, not a photo. With curl, put an @ before the name of the file: "
            f"`-F {name}=@photo.jpg`."
        )
    return photo.content


def _decompressed(body: bytes, encoding: str) -> bytes:
    """Undo a `Content-Encoding`. A REST API has decompressed the body already, and may leave the header in place.

    At most MAX_RECEIVED_BYTES come out, however much a small body would decompress to.
    """
    coding = encoding.strip().lower()
    if coding in {"", "identity"}:
        return body
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise UnsupportedContentTypeError(
            "This content encoding is not accepted. Send the body without compression, or with gzip or deflate."
        )
    if not body.startswith((b"\x1f\x8b", b"\x78")):  # how gzip (RFC 1952) and zlib (RFC 1950) begin, and no photo
        return body
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS + 32)  # + 32: either of the two
    try:
        decompressed = decompressor.decompress(body, MAX_RECEIVED_BYTES)
    except zlib.error as error:
        raise MalformedUploadError(f"The body is declared to be compressed with {coding}, and it is not.") from error
    if decompressor.unconsumed_tail:
        raise PhotoTooLargeError(f"The decompressed upload is too large. A photo may have {MAX_PHOTO_BYTES:,} bytes.")
    if not decompressor.eof:
        raise MalformedUploadError("The compressed body is incomplete.")
    return decompressed


def _is_mangled(body: bytes) -> bool:
    """Return whether bytes were replaced by U+FFFD. The compressed pixels of a photo are never valid UTF-8."""
    if "\ufffd".encode() not in body:
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_base64(photo: bytes) -> bool:
    return bool(_DATA_URL.match(photo) or _BASE64_TEXT.fullmatch(b"".join(photo[:1024].split())))


def _is_short_text(content: bytes) -> bool:
    """Return whether a part is a text that somebody wrote, such as a file name or an address."""
    try:
        return len(content) < 4096 and content.decode().isprintable()
    except UnicodeDecodeError:
        return False
