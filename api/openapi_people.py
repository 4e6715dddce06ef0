"""The contract of the routes of people."""

from typing import Any, Final

from api.errors import (
    BadParameterError,
    ImageMissingError,
    MalformedUploadError,
    ModelUnavailableError,
    NoPhotoUsedError,
    NoThumbnailError,
    NoUploadsError,
    RequestReusedError,
    RosterFileError,
    RosterUnavailableError,
    SeveralImagesError,
    UnknownFaceError,
    UnsupportedContentTypeError,
)
from api.openapi_parts import Json, answer_headers, ok
from api.people_form import MAX_PAGE, MAX_PHOTOS
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
from model.roster import MAX_CHARACTERS
from preprocess.detect import MAX_FACES
from preprocess.errors import PhotoTooLargeError, UnsupportedFormatError

Operation = tuple[Json, tuple[Exception, ...]]

_ALWAYS: Final = (ModelUnavailableError(), RosterUnavailableError(), RuntimeError())
_UNKNOWN: Final = UnknownPersonError("k3vq2m7xw5ta")
_CHANGED: Final = PersonChangedError("Ann Lee")
_TAKEN: Final = NameTakenError("Ann Lee", "k3vq2m7xw5ta")
_FULL: Final = RosterError("The roster has 50,000 people, and it can have no more.")
_PHOTOS: Final = (
    MalformedUploadError("The form is incomplete, or one of its parts has no name."),
    ImageMissingError("There is no photo."),
    SeveralImagesError(f"There are 51 photos. At most {MAX_PHOTOS} can be sent at once."),
    UnknownFaceError("`face` must be a whole number from 1 to 20. 1 is the most prominent face."),
    UnsupportedContentTypeError("This content type is not accepted."),
    UnsupportedFormatError("The photo is base64 text. Send its bytes."),
    PhotoTooLargeError("The photo has 5,000,000 bytes."),
    NoPhotoUsedError(),
    BadParameterError("The header `Idempotency-Key` may have 200 characters."),
    RequestReusedError(),
)
_IMPORTS: Final = (
    *_PHOTOS[:2],
    BadParameterError("`restore` must be true or false."),
    NoUploadsError(),
    UploadMissingError(),
    UploadUnavailableError(),
    RosterFileError("The file is no roster that can be read here. The roster is damaged."),
)
_NAMES: Final = (BadNameError("The name is empty. Give one that can be seen."), _TAKEN)

_JSON: Final = (MalformedUploadError("The body must be a JSON object."), PhotoTooLargeError("The body is too large."))

_ID: Final = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of the person. If somebody else has changed the person, the answer is 412.",
    "schema": {"type": "string"},
}
_IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "description": "An ETag. If nothing has changed since, the answer is 304.",
    "schema": {"type": "string"},
}
_IDEMPOTENCY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Any text that is new for each request. A request that is sent again with it, within a day, changes "
    "nothing and gets the same answer.",
    "schema": {"type": "string", "maxLength": 200},
}


def people_operations() -> dict[str, dict[str, Operation]]:
    """Return the operations by path and method, each with the errors that it may answer."""
    return {
        "/people": {
            "get": (_list(), (BadParameterError(f"`limit` must be from 1 to {MAX_PAGE}."), *_ALWAYS)),
            "post": (_add(), (*_NAMES, *_PHOTOS, _FULL, *_ALWAYS)),
        },
        "/people/export": {"get": (_export(), _ALWAYS)},
        "/people/import": {"post": (_import(), (*_IMPORTS, _FULL, *_ALWAYS))},
        "/people/{id}": {
            "get": (_show(), (_UNKNOWN, *_ALWAYS)),
            "patch": (_rename(), (*_NAMES, *_JSON, _UNKNOWN, TrainedPersonError("Ann Lee"), _CHANGED, *_ALWAYS)),
            "delete": (_remove(), (_UNKNOWN, TrainedPersonError("Ann Lee"), _CHANGED, *_ALWAYS)),
        },
        "/people/{id}/photos": {"post": (_add_photos(), (*_PHOTOS, _UNKNOWN, _CHANGED, *_ALWAYS))},
        "/people/{id}/thumbnail": {"get": (_thumbnail(), (NoThumbnailError(), *_ALWAYS))},
        "/people/{id}/near-misses": {
            "post": (_add_near_miss(), (*_PHOTOS, _UNKNOWN, _CHANGED, *_ALWAYS)),
            "delete": (_forget_near_misses(), (_UNKNOWN, _CHANGED, *_ALWAYS)),
        },
    }


def _list() -> Json:
    return {
        "operationId": "listPeople",
        "summary": "The people",
        "description": "Those on whom the network was trained, and those who were added, by their names.",
        "parameters": [
            _query("limit", "How many people a page has.", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE}),
            _query("after", "`next` of the former page.", {"type": "string"}),
            _query("name", "A part of the name, in any case.", {"type": "string"}),
            _IF_NONE_MATCH,
        ],
        "responses": _tagged("A page of people.", "People"),
    }


def _show() -> Json:
    return {
        "operationId": "showPerson",
        "summary": "One person",
        "parameters": [_ID, _IF_NONE_MATCH],
        "responses": _tagged("The person.", "KnownPerson"),
    }


def _add() -> Json:
    return {
        "operationId": "addPerson",
        "summary": "Add a person",
        "description": "By up to 50 photos. A photo is used if one face is in it, if `face` says which is meant, or if "
        "one face is clearly that of the other photos. The answer says what became of each photo.",
        "parameters": [_IDEMPOTENCY],
        "requestBody": _photos_of({"name": {"type": "string", "maxLength": MAX_CHARACTERS}}),
        "responses": {"201": _with_etag(ok("The person.", "Added"))},
    }


def _add_photos() -> Json:
    return {
        "operationId": "addPhotos",
        "summary": "Add photos of a person",
        "description": "For instance one in which the person was not recognised. At most 16 embeddings are kept of a "
        "person: those that differ most.",
        "parameters": [_ID, _IDEMPOTENCY, _IF_MATCH],
        "requestBody": _photos_of({}),
        "responses": {"200": _with_etag(ok("The person.", "Added"))},
    }


def _add_near_miss() -> Json:
    return {
        "operationId": "addNearMiss",
        "summary": "Say that a face is somebody else",
        "description": "The face was taken for the person, and is not. Faces that are more like it than like the "
        "person's photos are then not taken for the person any more.",
        "parameters": [_ID, _IDEMPOTENCY, _IF_MATCH],
        "requestBody": _photos_of({}),
        "responses": {"200": _with_etag(ok("The person.", "Added"))},
    }


def _thumbnail() -> Json:
    image = {"image/jpeg": {"schema": {"type": "string", "contentMediaType": "image/jpeg"}}}
    return {
        "operationId": "showThumbnail",
        "summary": "A picture of a person",
        "description": "The best face of the first photos that were added. It is kept only if the owner wants that, "
        "and deleted with the person.",
        "parameters": [_ID],
        "responses": {"200": {"description": "The picture.", "headers": answer_headers(), "content": image}},
    }


def _forget_near_misses() -> Json:
    return {
        "operationId": "forgetNearMisses",
        "summary": "Forget all near misses of a person",
        "parameters": [_ID, _IF_MATCH],
        "responses": {"200": _with_etag(ok("The person.", "KnownPerson"))},
    }


def _rename() -> Json:
    schema = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS}},
    }
    return {
        "operationId": "renamePerson",
        "summary": "Rename a person",
        "parameters": [_ID, _IF_MATCH],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"200": _with_etag(ok("The person.", "KnownPerson"))},
    }


def _remove() -> Json:
    return {
        "operationId": "removePerson",
        "summary": "Remove a person for good",
        "description": "Name and embeddings leave the roster at once. Former versions of it, by which a mistake "
        "can be undone, have them until `gone_on`.",
        "parameters": [_ID, _IF_MATCH],
        "responses": {"200": ok("The person is removed.", "Removed")},
    }


def _export() -> Json:
    file: Json = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
    answer = ok("Where the file can be downloaded; or, of a service with a bundle in a folder, the file.", "Export")
    return {
        "operationId": "exportPeople",
        "summary": "A backup of the roster",
        "description": "The file has the embeddings of everybody who was added: keep it as privately as photos.",
        "responses": {"200": {**answer, "content": {**answer["content"], "application/octet-stream": file}}},
    }


def _import() -> Json:
    schema = _required(
        {
            "upload": {
                "type": "string",
                "description": "A key of `POST /uploads`; the file of a roster was sent there.",
            },
            "restore": {"type": "boolean", "description": "Whether people who were removed here come back, too."},
        },
        "upload",
    )
    return {
        "operationId": "importPeople",
        "summary": "Add the people of a backup",
        "description": "Those who are missing here. Whoever is here stays as they are, and nobody who was removed here "
        "comes back unless `restore` says so.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"200": ok("What was added.", "Imported")},
    }


def _query(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _photos_of(properties: Json) -> Json:
    """Describe a form with photos, and the same by keys of uploads."""
    number = {"type": "integer", "minimum": 1, "maximum": MAX_FACES}
    photos = {"type": "array", "items": {"type": "string", "contentMediaType": "image/*"}, "minItems": 1}
    faces = "Which face of each photo is the person, in the order of the photos; empty where that is clear."
    form = {
        **properties,
        "image": photos | {"maxItems": MAX_PHOTOS, "description": f"1 to {MAX_PHOTOS} photos."},
        "face": {"type": "array", "items": {"type": "string"}, "description": faces},
    }
    keys = {
        **properties,
        "uploads": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": MAX_PHOTOS,
            "description": "Keys of `POST /uploads`.",
        },
        "faces": {"type": "array", "items": {"oneOf": [number, {"type": "null"}]}, "description": faces},
    }
    return {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _required(form, *properties, "image")},
            "application/json": {"schema": _required(keys, *properties, "uploads")},
        },
    }


def _required(properties: Json, *names: str) -> Json:
    return {"type": "object", "required": list(names), "properties": properties}


def _tagged(description: str, schema: str) -> Json:
    unchanged: Any = {"description": "Nothing has changed.", "headers": answer_headers()}
    return {"200": _with_etag(ok(description, schema)), "304": unchanged}


def _with_etag(answer: Json) -> Json:
    return {**answer, "headers": {**answer["headers"], "ETag": {"$ref": "#/components/headers/ETag"}}}
