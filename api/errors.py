"""Turns errors into HTTP answers: problem details (RFC 9457). No other module does that.

Exception                             status  type, after urn:visage:problem:
├── ApiError
│   ├── MalformedUploadError            400   malformed-upload
│   ├── ImageMissingError               400   image-missing
│   ├── SeveralImagesError              400   several-images
│   ├── UnknownFaceError                400   unknown-face
│   ├── UnsupportedContentTypeError     415   unsupported-content-type
│   ├── NoUploadsError                  404   no-uploads
│   ├── BadParameterError               400   bad-parameter
│   ├── NoThumbnailError                404   no-thumbnail
│   ├── RequestReusedError              409   request-reused
│   ├── NoPhotoUsedError                422   no-photo-used
│   ├── RosterFileError                 422   unusable-roster
│   ├── RosterUnavailableError          503   roster-unavailable
│   ├── AccessError
│   │   ├── KeyMissingError             401   key-missing
│   │   ├── KeyUnknownError             401   key-unknown
│   │   ├── KeyRevokedError             401   key-revoked
│   │   ├── KeyOverError                401   key-over
│   │   ├── KeyOfAnotherStageError      401   key-of-another-stage
│   │   ├── KeyScopeError               403   key-scope
│   │   ├── TooManyRequestsError        429   too-many-requests
│   │   └── KeysUnavailableError        503   keys-unavailable
│   └── ModelUnavailableError           503   model-unavailable
├── model.errors
│   ├── RosterError                     409   roster
│   │   ├── BadNameError                400   bad-name
│   │   ├── NameTakenError              409   name-taken
│   │   ├── TrainedPersonError          409   trained-person
│   │   ├── PersonChangedError          412   changed-meanwhile
│   │   └── UnknownPersonError          404   unknown-person
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

API Gateway itself answers 429 when it throttles, and 401 or 403 where its own authorizers refuse a request, without
calling the function. Those answers are in api/openapi.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from model.errors import (
    BadNameError,
    NameTakenError,
    PersonChangedError,
    RosterError,
    TrainedPersonError,
    UnknownPersonError,
    UploadMissingError,
    UploadUnavailableError,
)
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


class BadParameterError(ApiError):
    """A parameter or a header of the request has a value that it cannot have."""


class NoThumbnailError(ApiError):
    """No thumbnail is kept of the person."""


class RequestReusedError(ApiError):
    """Two different requests have the same Idempotency-Key."""


class NoPhotoUsedError(ApiError):
    """No photo of a request can be used; `photos` says why, for each."""

    def __init__(self, photos: Sequence[Mapping[str, Any]] = ()) -> None:
        """Name the reason, if there is one photo."""
        reason = photos[0]["problem"]["detail"] if len(photos) == 1 else ""
        super().__init__(reason or "None of the photos can be used. Each of `photos` has its reason.")
        self.photos = list(photos)


class RosterFileError(ApiError):
    """The file is no roster, or one whose people cannot be recognised here."""


class LaterError(ApiError):
    """A request that may succeed after some seconds."""

    def __init__(self, retry_after_s: int = 5) -> None:
        """Ask the client to come back in `retry_after_s` seconds."""
        super().__init__()
        self.retry_after_s = retry_after_s


class ModelUnavailableError(LaterError):
    """The model could not be loaded. Its cause is logged and is not told to the client."""


class RosterUnavailableError(LaterError):
    """The roster cannot be read or written now. Its cause is logged and is not told to the client."""


class AccessError(ApiError):
    """A request that is refused for its key, or because keys cannot be checked.

    `challenge` is the header WWW-Authenticate that HTTP requires with it (RFC 6750, section 3), "" for none.
    """

    challenge = ""


class KeyMissingError(AccessError):
    """The request has no key, or not in the form of RFC 6750."""

    challenge = "Bearer"


class KeyUnknownError(AccessError):
    """Nobody has made this key."""

    challenge = 'Bearer error="invalid_token"'


class KeyRevokedError(KeyUnknownError):
    """The key was revoked."""


class KeyOverError(KeyUnknownError):
    """The last day of the key has passed."""


class KeyOfAnotherStageError(KeyUnknownError):
    """The key says that it is of another stage. That it is a real one is not known here."""


class KeyScopeError(AccessError):
    """The key is for other requests."""

    def __init__(self, scope: str = "recognize") -> None:
        """Say that the request needs a key with this scope."""
        super().__init__(f"This request needs a key with the scope `{scope}`, and this key does not have it.")
        self.challenge = f'Bearer error="insufficient_scope", scope="{scope}"'


class TooManyRequestsError(LaterError, AccessError):
    """The key has made as many requests as it may."""


class KeysUnavailableError(LaterError, AccessError):
    """The keys cannot be read now. The reason is logged and is not told to the client."""


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

_OF_OWNERS: Final[dict[type[Exception], Problem]] = {
    BadParameterError: Problem(400, "bad-parameter", "A parameter cannot be used"),
    NoThumbnailError: Problem(
        404,
        "no-thumbnail",
        "There is no thumbnail",
        "No thumbnail is kept of this person. `visage deploy --thumbnails owner` keeps those of photos that are added.",
    ),
    RequestReusedError: Problem(
        409,
        "request-reused",
        "The request differs from an earlier one",
        "Another request had this Idempotency-Key. Use a new key for each request that is not a repetition.",
    ),
    NoPhotoUsedError: Problem(422, "no-photo-used", "No photo can be used"),
    RosterFileError: Problem(422, "unusable-roster", "The file cannot be imported"),
    RosterUnavailableError: Problem(
        503,
        "roster-unavailable",
        "The roster is not available",
        "The people cannot be read or changed now. Nothing was changed. Try again in a moment.",
    ),
    RosterError: Problem(409, "roster", "The roster cannot be changed so"),
    BadNameError: Problem(400, "bad-name", "Nobody can have this name"),
    NameTakenError: Problem(409, "name-taken", "Somebody has this name"),
    TrainedPersonError: Problem(409, "trained-person", "The network was trained on this person"),
    PersonChangedError: Problem(412, "changed-meanwhile", "The person was changed in the meantime"),
    UnknownPersonError: Problem(404, "unknown-person", "There is no such person"),
}
"""Problems of requests that only owners make: visitors never meet them."""

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
    **_OF_OWNERS,
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
    KeyMissingError: Problem(
        401,
        "key-missing",
        "A key is needed",
        "This service needs a key. Send it in the header `Authorization: Bearer KEY`. Its owner gives out keys.",
    ),
    KeyUnknownError: Problem(
        401,
        "key-unknown",
        "The key is not valid",
        "This service does not know this key. Check that all of it was copied, or ask the owner for a key.",
    ),
    KeyRevokedError: Problem(
        401, "key-revoked", "The key is not valid", "This key was revoked. Ask the owner for another one."
    ),
    KeyOverError: Problem(
        401, "key-over", "The key is not valid", "The last day of this key has passed. Ask the owner for another one."
    ),
    KeyOfAnotherStageError: Problem(
        401,
        "key-of-another-stage",
        "The key is not valid",
        "This key is for another stage of the service. Use the address of that stage, or ask the owner for a key.",
    ),
    KeyScopeError: Problem(403, "key-scope", "The key is for other requests"),
    TooManyRequestsError: Problem(
        429,
        "too-many-requests",
        "Too many requests",
        "This key has made too many requests. Wait as many seconds as the header `Retry-After` says.",
    ),
    KeysUnavailableError: Problem(
        503,
        "keys-unavailable",
        "Keys cannot be checked",
        "The service cannot check keys now. Try again in a moment.",
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
    text = str(error) if isinstance(error, ApiError | PhotoError | RosterError) else ""
    return {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": text or problem.detail,
        "request_id": request_id,
        **_members(error),
    }


def _members(error: Exception) -> dict[str, Any]:
    """Return what else the document of some errors has."""
    if isinstance(error, NameTakenError):
        return {"id": error.id}
    return {"photos": error.photos} if isinstance(error, NoPhotoUsedError) else {}


def headers(error: Exception) -> dict[str, str]:
    """Return the headers that HTTP requires with the document, such as `Allow` for a 405."""
    if isinstance(error, MethodNotAllowed):
        return {"Allow": ", ".join(sorted(error.valid_methods or ()))}
    if isinstance(error, LaterError):
        return {"Retry-After": str(error.retry_after_s)}
    if isinstance(error, AccessError):
        return {"WWW-Authenticate": error.challenge}
    if isinstance(error, UploadUnavailableError):
        return {"Retry-After": str(_UPLOADS_RETRY_S)}
    return {}
