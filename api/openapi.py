"""The OpenAPI 3.1 document: every request that the API accepts, and every answer."""

from collections import defaultdict
from typing import Final

from api.access import BY_GATEWAY, NEEDS, needed_scope
from api.errors import (
    MEDIA_TYPE,
    ImageMissingError,
    KeyMissingError,
    KeyOfAnotherStageError,
    KeyOverError,
    KeyRevokedError,
    KeyScopeError,
    KeysUnavailableError,
    KeyUnknownError,
    MalformedUploadError,
    ModelUnavailableError,
    NoUploadsError,
    SeveralImagesError,
    TooManyRequestsError,
    UnknownFaceError,
    UnsupportedContentTypeError,
    document,
    problem_of,
)
from api.openapi_parts import Json, answer_headers, ok
from api.openapi_people import people_operations
from api.pair import SIDES
from api.schemas import SCHEMAS
from api.upload import MAX_PHOTO_BYTES
from model.errors import UploadMissingError, UploadUnavailableError
from model.settings import AccessSettings
from model.uploads import MAX_UPLOAD_BYTES
from model.version import VERSION
from preprocess.detect import MAX_FACES
from preprocess.errors import (
    NoFaceError,
    PhotoTooLargeError,
    UnreadablePhotoError,
    UnsupportedFormatError,
)
from preprocess.formats import FORMAT_NAMES

REQUEST_ID: Final = "5f3c6a52-8d55-4c0e-a6c5-0d1f6f2b7a10"

UPLOAD_ERRORS: Final = (
    MalformedUploadError("The form is incomplete, or one of its parts has no name."),
    ImageMissingError("There is no part named `image`."),
    SeveralImagesError("There is more than one part named `image`. Send one photo per request."),
    PhotoTooLargeError(f"The photo has 5,000,000 bytes; at most {MAX_PHOTO_BYTES:,} are accepted."),
    UnsupportedContentTypeError("This content type is not accepted."),
    UnsupportedFormatError(f"This is not a photo in an accepted format: {FORMAT_NAMES}."),
    UnreadablePhotoError("The photo is damaged or incomplete and cannot be decoded."),
    NoFaceError("No face was found in the photo."),
    UploadMissingError(),
)
NO_SUCH_FACE: Final = UnknownFaceError(
    "There is no such face in the photo. `face` may be 1 to 3; 1 is the most prominent face."
)
UPLOADS_ERRORS: Final = (NoUploadsError(), UploadUnavailableError(), RuntimeError())
MODEL_ERRORS: Final = (ModelUnavailableError(), RuntimeError())
KEY_ERRORS: Final = (
    KeyMissingError(),
    KeyUnknownError(),
    KeyRevokedError(),
    KeyOverError(),
    KeyOfAnotherStageError(),
    KeyScopeError(),
    TooManyRequestsError(),
    KeysUnavailableError(),
)

STATUSES: Final = {
    400: "The request is malformed, has no photo or more than one, or asks for a face that does not exist.",
    401: "There is no key in the request, or it is not valid.",
    403: "The key is for other requests.",
    404: "There is no such upload or person, or the service takes no uploads.",
    409: "The request does not go together with what is there.",
    412: "The person was changed in the meantime.",
    413: f"The photo has more than {MAX_PHOTO_BYTES:,} bytes, or needs too much time or memory to decode. `detail` "
    "says how many pixels a photo of its kind may have. A body of more than about 4.7 MB never reaches the API: AWS "
    f"refuses it, with an answer of another form. `POST /uploads` takes photos of up to {MAX_UPLOAD_BYTES:,} bytes.",
    415: "The body is not an image of an accepted format.",
    422: "The image is damaged, or has no face that can be used.",
    500: "Something went wrong in the service.",
    429: "Too many requests. API Gateway answers without calling the function, or the key has made too many.",
    503: "The model or the people cannot be read now, or S3 does not answer.",
}

SCHEMES: Final[dict[str, Json]] = {
    "key": {"type": "http", "scheme": "bearer", "description": "A key of this service, from its owner."},
    "jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "iam": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "description": "A signature by AWS's Signature Version 4 for the service `execute-api`.",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
}
"""How a request says who sends it."""

_CHALLENGE: Final = {"WWW-Authenticate": {"$ref": "#/components/headers/Challenge"}}
_RETRY: Final = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}

HEADERS_OF: Final = {401: _CHALLENGE, 403: _CHALLENGE, 429: _RETRY, 503: _RETRY}
"""The headers of some answers, by their status."""

GATEWAY_REFUSALS: Final = {
    401: ("Unauthorized", "API Gateway does not accept the token, or there is none."),
    403: ("Forbidden", "API Gateway does not accept the signature, there is none, or the sender may not do this."),
}

DESCRIPTION: Final = """\
Upload a photo and get the names of the people in it, or `null` for people whom the model does not know.

A photo comes in a form, in one part named `image`, with or without a filename; or as the body itself, with an image's \
content type, `application/octet-stream` or none. The body may be compressed with gzip or deflate. Base64 is refused.

A photo that is too large for a request goes to S3 first: `POST /uploads` says where, and `{"upload": key}` stands \
for it then.

Every error is a problem document (RFC 9457); its `type` identifies the kind of error. An address that is not listed \
here answers 404, an unsupported method 405, in the same form. Requests that never reach the API are answered by API \
Gateway as `{"message": ...}`: 429 when there are too many, 413 for bodies that are too large for API Gateway (10 MB) \
or Lambda (6 MB in base64, about 4.7 MB), and 401 or 403 where it checks itself who sends a request.

Pages of any website may call the API (CORS). The API keeps no photo. Of a photo by which its owner adds a person it \
keeps the embedding of that person's face, until the person is removed.
"""


def openapi(access: AccessSettings) -> Json:
    """Return the document of an API with these settings."""
    paths = _paths(access)
    used = {name for item in paths.values() for each in item.values() for name in _schemes(each)}
    schemes = {name: scheme for name, scheme in SCHEMES.items() if name in used}
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Visage",
            "summary": "Who is in the photo?",
            "description": DESCRIPTION,
            "version": VERSION,
        },
        "paths": paths,
        "components": {"schemas": SCHEMAS, "headers": _headers(), "securitySchemes": schemes},
    }


def _paths(access: AccessSettings) -> Json:
    people = _read("labels", "The people whom the model knows", "Labels")
    health = _read("health", "Whether the model is loaded", "Health")
    routes: dict[str, dict[str, tuple[Json, tuple[Exception, ...]]]] = {
        "/recognize": {"post": (_recognize(), (*UPLOAD_ERRORS, *MODEL_ERRORS))},
        "/detect": {"post": (_detect(), (*UPLOAD_ERRORS, *MODEL_ERRORS))},
        "/align": {"post": (_align(), (*UPLOAD_ERRORS, NO_SUCH_FACE, *MODEL_ERRORS))},
        "/verify": {"post": (_verify(), (*UPLOAD_ERRORS, NO_SUCH_FACE, *MODEL_ERRORS))},
        "/embed": {"post": (_embed(), (*UPLOAD_ERRORS, *MODEL_ERRORS))},
        "/uploads": {"post": (_invite(), UPLOADS_ERRORS)},
        "/labels": {"get": (people, MODEL_ERRORS)},
        **people_operations(),
        "/health": {"get": (health, MODEL_ERRORS)},
        "/openapi.json": {"get": (_contract(), ())},
    }
    return {
        path: {method: _complete(path, *described, access=access) for method, described in operations.items()}
        for path, operations in routes.items()
    }


def _complete(path: str, operation: Json, errors: tuple[Exception, ...], access: AccessSettings) -> Json:
    """Return an operation with the answers to its errors, and with what it needs to be admitted."""
    scope = needed_scope(path, access)
    if scope is not None:
        return _with(operation, _failures(*errors, *KEY_ERRORS), [{"key": [scope]}])
    if access.auth in BY_GATEWAY and NEEDS[path] is not None:
        refusals = {str(status): _by_gateway(*texts) for status, texts in GATEWAY_REFUSALS.items()}
        return _with(operation, {**_failures(*errors), **refusals}, [{access.auth: []}])
    return _with(operation, _failures(*errors), [])


def _with(operation: Json, failures: Json, security: list[Json]) -> Json:
    return {**operation, "responses": {**operation["responses"], **failures}, "security": security}


def _schemes(operation: Json) -> list[str]:
    return [name for each in operation["security"] for name in each]


def _recognize() -> Json:
    return {
        "operationId": "recognize",
        "summary": "Who is in the photo",
        "description": "Every face, the most prominent first; the top level of the answer repeats that one.",
        "requestBody": _photo(),
        "responses": {"200": ok("The faces and their names.", "Recognition")},
    }


def _detect() -> Json:
    return {
        "operationId": "detect",
        "summary": "The faces in the photo",
        "description": "Where they are and how they look, the most prominent first. Nobody is recognised.",
        "requestBody": _photo(),
        "responses": {"200": ok("The faces.", "Detection")},
    }


def _align() -> Json:
    image = {"image/jpeg": {"schema": {"type": "string", "contentMediaType": "image/jpeg"}}}
    return {
        "operationId": "align",
        "summary": "One aligned face",
        "description": "A face as the network gets it: a square image with level eyes.",
        "parameters": [
            {
                "name": "face",
                "in": "query",
                "description": "The number of the face, in the order of a Recognition.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_FACES, "default": 1},
            }
        ],
        "requestBody": _photo(),
        "responses": {"200": {"description": "The face.", "headers": answer_headers(), "content": image}},
    }


def _verify() -> Json:
    return {
        "operationId": "verify",
        "summary": "Whether two photos show one person",
        "description": "Compares the most prominent face of each photo, or those whose numbers are given. Nobody is "
        f"recognised. Both photos together may have {MAX_PHOTO_BYTES:,} bytes.",
        "requestBody": _pair(),
        "responses": {"200": ok("Whether they do, and how sure that is.", "Verification")},
    }


def _embed() -> Json:
    return {
        "operationId": "embed",
        "summary": "The embeddings of the faces in the photo",
        "description": "Vectors for comparisons of your own, such as a search among many photos. They are biometric "
        "data.",
        "requestBody": _photo(),
        "responses": {"200": ok("The faces and their embeddings.", "Embeddings")},
    }


def _invite() -> Json:
    return {
        "operationId": "invite",
        "summary": "Where to send a large photo",
        "description": "POST the `fields` and the photo, as the last part `file`, to `url` as multipart/form-data. "
        'Then send `{"upload": key}` instead of a photo. The photo is deleted when it is read, and after a day in any '
        "case.",
        "responses": {"201": ok("Where the photo may be sent.", "Upload")},
    }


def _read(operation: str, summary: str, schema: str) -> Json:
    return {"operationId": operation, "summary": summary, "responses": {"200": ok(f"{summary}.", schema)}}


def _contract() -> Json:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": "openapi",
        "summary": "This document",
        "responses": {"200": {"description": "This document.", "headers": answer_headers(), "content": content}},
    }


def _photo() -> Json:
    """Describe the upload: a form with one file, the file's bytes, or a key."""
    form = {
        "type": "object",
        "required": ["image"],
        "properties": {
            "image": {
                "type": "string",
                "contentMediaType": "image/*",
                "description": f"One photo of at most {MAX_PHOTO_BYTES:,} bytes: {FORMAT_NAMES}. Of an animation, the "
                "first frame is used.",
            }
        },
    }
    return {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": form, "encoding": {"image": {"contentType": "image/*"}}},
            "image/*": {"schema": {}},
            "application/octet-stream": {"schema": {}},
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["upload"],
                    "properties": {"upload": {"type": "string", "description": "A key of `POST /uploads`."}},
                }
            },
        },
    }


def _pair() -> Json:
    """Describe two photos: a form with two files, or the keys of two uploads."""
    numbers = {
        f"face_{name}": {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_FACES,
            "default": 1,
            "description": f"The number of the face in photo `{name}`. 1 is the most prominent face.",
        }
        for name in SIDES
    }
    files = {name: {"type": "string", "contentMediaType": "image/*"} for name in SIDES}
    keys = {name: {"type": "string", "description": "A key of `POST /uploads`."} for name in SIDES}
    encoding = {name: {"contentType": "image/*"} for name in SIDES}
    form, uploads = (
        {"type": "object", "required": list(SIDES), "properties": {**photos, **numbers}} for photos in (files, keys)
    )
    return {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": form, "encoding": encoding},
            "application/json": {"schema": uploads},
        },
    }


def _failures(*errors: Exception) -> Json:
    """Describe the answers to `errors`, one per status with an example per error, and API Gateway's own 429."""
    by_status: defaultdict[int, list[Exception]] = defaultdict(list)
    for error in errors:
        by_status[problem_of(error).status].append(error)
    described = {str(status): _failure(status, kinds) for status, kinds in by_status.items()}
    throttled = _by_gateway("Too Many Requests", "Too many requests. API Gateway answers without calling the function.")
    if "429" in described:
        described["429"]["content"].update(throttled["content"])
    return {**described, "429": described.get("429", throttled)}


def _failure(status: int, errors: list[Exception]) -> Json:
    examples = {problem_of(error).name: {"value": document(error, REQUEST_ID)} for error in errors}
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
    return {
        "description": STATUSES[status],
        "headers": {**answer_headers(), **HEADERS_OF.get(status, {})},
        "content": {MEDIA_TYPE: content},
    }


def _by_gateway(message: str, description: str) -> Json:
    content = {"schema": {"$ref": "#/components/schemas/GatewayMessage"}, "example": {"message": message}}
    return {"description": description, "content": {"application/json": content}}


def _headers() -> Json:
    return {
        "RequestId": {
            "description": "The id of the request in the service's log.",
            "schema": {"type": "string"},
            "example": REQUEST_ID,
        },
        "ETag": {
            "description": "The version of what the answer describes, for `If-Match` and `If-None-Match`.",
            "schema": {"type": "string"},
            "example": '"17"',
        },
        "RetryAfter": {
            "description": "Seconds after which the same request may succeed.",
            "schema": {"type": "integer"},
            "example": 5,
        },
        "Challenge": {
            "description": "How a request is admitted, and what is wrong with its key (RFC 6750).",
            "schema": {"type": "string"},
            "example": 'Bearer error="invalid_token"',
        },
    }
