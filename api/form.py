"""Reads a multipart form: its parts as bytes, whether they were sent as files or as text.

Werkzeug's own form parser decodes parts without a filename as text, which destroys a photo that was sent that way
(`curl -F "image=<photo.jpg"`). So this module uses the decoder below that parser.
"""

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Final

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from api.errors import MalformedUploadError

MAX_PARTS: Final = 16
"""The most parts of a form, including the photo."""

_CHUNK_BYTES: Final = 65_536
"""The decoder searches smaller buffers faster: a form of 4.5 MB takes 5 ms in such chunks, and 20 ms in one piece."""

_MAX_BUFFER_BYTES: Final = 4 * _CHUNK_BYTES
"""The most bytes before the first part, or in the headers of one. Werkzeug needs 330 MB for 4.5 MB of headers."""

_HEADERS_OF_PARTS: Final = re.compile(rb"(?im)^content-[a-z-]+:.*$")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a form. A file has a filename, even if it is empty; a text field has none."""

    name: str
    is_file: bool
    content: bytes


def read_parts(body: bytes, content_type: str, most: int = MAX_PARTS) -> list[Part]:
    """Return the parts of the form `body`, which are `most` at most.

    Raises:
        MalformedUploadError: the body is not a form with the boundary of its content type, or has more than `most`
            parts or too long headers, or a part is not in its content transfer encoding.
    """
    boundary = _boundary(body, content_type)
    try:
        return _parts_with_any_names(body, boundary, most)
    except ValueError as error:
        raise MalformedUploadError("The form is incomplete, or one of its parts has no name.") from error
    except RequestEntityTooLarge as error:  # the limits of the decoder, not that of the request
        raise MalformedUploadError(f"The form has more than {most} parts, or parts with huge headers.") from error


def _boundary(body: bytes, content_type: str) -> bytes:
    """Return the boundary that the header names and the body has.

    Two parsers read the header. That of Werkzeug follows RFC 9110, and would cut an unquoted `----=_Part_1` after the
    dashes. That of Python's `email` takes everything up to the next semicolon.
    """
    header = Message()
    header["Content-Type"] = content_type
    for boundary in (header.get_boundary(), parse_options_header(content_type)[1].get("boundary")):
        encoded = (boundary or "").encode("latin-1", "replace")  # WSGI gives the bytes of a header in this encoding
        if encoded and b"--" + encoded in body:
            return encoded
    raise MalformedUploadError(
        "The body is not multipart/form-data with the boundary in its content type. "
        "Let your client set this header: it knows the boundary."
    )


def _parts_with_any_names(body: bytes, boundary: bytes, most: int) -> list[Part]:
    try:
        return list(_parts(body, boundary, most))
    except UnicodeDecodeError:  # an old client sent a filename in another encoding than UTF-8
        return list(_parts(_HEADERS_OF_PARTS.sub(_as_utf8, body), boundary, most))


def _parts(body: bytes, boundary: bytes, most: int) -> Iterator[Part]:
    head: Field | File | None = None
    content: list[bytes] = []
    for event in _events(body, boundary, most):
        if isinstance(event, Field | File):
            head, content = event, []
        elif isinstance(event, Data) and head is not None:
            content.append(event.data)
            if not event.more_data:
                encoding = head.headers.get("Content-Transfer-Encoding", "")
                yield Part(head.name or "", isinstance(head, File), _decoded(b"".join(content), encoding))


def _events(body: bytes, boundary: bytes, most: int) -> Iterator[Event]:
    decoder = MultipartDecoder(boundary, _MAX_BUFFER_BYTES, max_parts=most)
    chunks = (body[start : start + _CHUNK_BYTES] for start in range(0, len(body), _CHUNK_BYTES))
    for chunk in (*chunks, None):
        decoder.receive_data(chunk)
        while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
            yield event


def _as_utf8(header: re.Match[bytes]) -> bytes:
    return header[0].decode(errors="replace").encode()


def _decoded(content: bytes, encoding: str) -> bytes:
    """Undo a content transfer encoding (RFC 2045). RFC 7578 deprecates them for forms; e-mail libraries still use them.

    Unknown encodings are ignored, as those that change nothing: 7bit, 8bit, binary.
    """
    match encoding.strip().lower():
        case "base64":
            try:
                return binascii.a2b_base64(content)
            except binascii.Error as error:
                raise MalformedUploadError("A part of the form is declared to be base64, and it is not.") from error
        case "quoted-printable":
            return quopri.decodestring(content)
        case _:
            return content
