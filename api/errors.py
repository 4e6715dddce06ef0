"""Turns errors into HTTP answers: problem details (RFC 9457). No other module does that.

Exception                             status  type, after urn:visage:problem:
├── ApiError
│   ├── MalformedUploadError            400   malformed-upload
│   ├── ImageMissingError               400   image-missing
│   ├── SeveralImagesError              400   several-images
│   ├── UnknownFaceError                400   unknown-face
│   ├── UnsupportedContentTypeError     415   unsupported-content-type
│   ├── NoUploadsError                  404   no-uploads
│   └── ModelUnavailableError           503   model-unavailable
├── model.errors
│   ├── UploadMissingError              404   unknown-upload
│   └── UploadUnavailableError          503   uploads-unavailable
├── preprocess.errors.PhotoError
│   ├── PhotoTooLargeError              413   too-large
│   ├── UnsupportedFormatError          415   unsupported-format
│   ├── UnreadablePhotoError            422   unreadable-photo
│   └── NoFaceError                     422   no-face
├── werkzeug.exceptions.HTTPException   400   bad-request
│   ├── NotFound                        404   not-found
│   ├── MethodNotAllowed                405   method-not-allowed
│   └── RequestEntityTooLarge           413   too-large
└── anything else                       500   internal-error

API Gateway itself answers 429 when it throttles, without calling the function. That answer is in api/openapi.py.
"""

from dataclasses import dataclass
from typing import Any, Final

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from model.errors import UploadMissingError, UploadUnavailableError
from preprocess.errors import (
    NoFaceError,
    PhotoError,
    PhotoTooLargeError,
    UnreadablePhotoError,
    UnsupportedFormatError,
)

MEDIA_TYPE: Final = "application/problem+json"


class ApiError(Exception):
    """A request that cannot be answered; its text is a sentence for whoever sent it."""


class MalformedUploadError(ApiError):
    """The body is not what its headers say: broken base64 or compression, or a multipart form that cannot be read."""


class ImageMissingError(ApiError):
    """The request holds no photo."""


class SeveralImagesError(ApiError):
    """The request holds more than one photo."""


class UnknownFaceError(ApiError):
    """The number of the face is not a number, or the photo has no face of that number."""


class UnsupportedContentTypeError(ApiError):
    """The body is neither multipart nor declared to be an image, or has an unknown content encoding."""


class NoUploadsError(ApiError):
    """Uploads are not set up, as on a machine without S3."""


class ModelUnavailableError(ApiError):
    """The model could not be loaded. Its cause is logged and is not told to the client."""

    def __init__(self, retry_after_s: int = 5) -> None:
        """Say that the next attempt to load the model is due in `retry_after_s` seconds."""
        super().__init__()
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of problem: status, name, title, and a detail for errors without a text."""

    status: int
    name: str
    title: str
    detail: str = ""

    @property
    def type(self) -> str:
        """The URI that identifies the problem for programs; it never changes."""
        return f"urn:visage:problem:{self.name}"


_UPLOADS_RETRY_S: Final = 5

_TOO_LARGE: Final = Problem(
    413,
    "too-large",
    "The photo is too large",
    "The upload is too large. A photo may have 4.5 MB. Send a smaller one, or use POST /uploads.",
)

PROBLEMS: Final[dict[type[Exception], Problem]] = {
    MalformedUploadError: Problem(400, "malformed-upload", "The upload cannot be read"),
    ImageMissingError: Problem(400, "image-missing", "The request holds no photo"),
    SeveralImagesError: Problem(400, "several-images", "The request holds more than one photo"),
    UnknownFaceError: Problem(400, "unknown-face", "There is no such face in the photo"),
    UnsupportedContentTypeError: Problem(415, "unsupported-content-type", "Not an accepted content type"),
    ModelUnavailableError: Problem(
        503,
        "model-unavailable",
        "The model is not available",
        "The model is not available now. Try again in a moment.",
    ),
    NoUploadsError: Problem(
        404,
        "no-uploads",
        "No uploads here",
        "This service takes no uploads. Send the photo itself.",
    ),
    UploadMissingError: Problem(
        404,
        "unknown-upload",
        "No such upload",
        "There is no such upload, or it was used. Ask POST /uploads again, and send the photo there.",
    ),
    UploadUnavailableError: Problem(
        503,
        "uploads-unavailable",
        "Uploads are not available",
        "Uploads are not available now. Try again in a moment.",
    ),
    PhotoTooLargeError: _TOO_LARGE,
    UnsupportedFormatError: Problem(415, "unsupported-format", "Not an accepted image format"),
    UnreadablePhotoError: Problem(422, "unreadable-photo", "The photo cannot be read"),
    NoFaceError: Problem(422, "no-face", "No face in the photo"),
    NotFound: Problem(
        404,
        "not-found",
        "Not found",
        "There is nothing at this address. GET /openapi.json lists all addresses.",
    ),
    MethodNotAllowed: Problem(
        405,
        "method-not-allowed",
        "Method not allowed",
        "This address does not support this method. The header `Allow` lists those that it supports.",
    ),
    RequestEntityTooLarge: _TOO_LARGE,
    HTTPException: Problem(400, "bad-request", "Bad request", "The request cannot be understood."),
    Exception: Problem(
        500,
        "internal-error",
        "Internal error",
        "Something went wrong in the service. Its log has the details under the request id.",
    ),
}


def problem_of(error: Exception) -> Problem:
    """Return the kind of problem of `error`: that of its class, or of the nearest base class that has one."""
    return next(PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS)


def document(error: Exception, request_id: str) -> dict[str, Any]:
    """Return the problem document that answers `error`. It has no internal details."""
    problem = problem_of(error)
    text = str(error) if isinstance(error, ApiError | PhotoError) else ""
    return {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": text or problem.detail,
        "request_id": request_id,
    }


def headers(error: Exception) -> dict[str, str]:
    """Return the headers that HTTP requires with the document: `Allow` for a 405, `Retry-After` for a 503."""
    if isinstance(error, MethodNotAllowed):
        return {"Allow": ", ".join(sorted(error.valid_methods or ()))}
    if isinstance(error, ModelUnavailableError):
        return {"Retry-After": str(error.retry_after_s)}
    if isinstance(error, UploadUnavailableError):
        return {"Retry-After": str(_UPLOADS_RETRY_S)}
    return {}
