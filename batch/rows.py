"""The row of one photo: what `visage batch` says of it.

| member | content |
| --- | --- |
| `photo` | its key, relative to the source |
| `etag`, `bytes` | its version and size as they were listed, see `batch.contract.Listed` |
| `sha256` | of its bytes, null if they were not read |
| `status` | one of `STATUSES` |
| `detail` | why, where the status alone does not say it; absent otherwise |
| `width`, `height`, `rotation`, `complete` | as in an answer of the API, null without a face |
| `faces` | the faces, as in an answer of the API |
| `model`, `roster` | the versions of the bundle and of the roster; the latter is null without a face or roster |
"""

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from batch.contract import Listed
from batch.errors import ArchivedError, ChangedError, ForbiddenError, MissingError
from model.face_json import face_json
from preprocess.names import shown

if TYPE_CHECKING:
    from model.recognizer import Recognition

Row: TypeAlias = dict[str, Any]

RECOGNISED: Final = "recognised"
UNKNOWN: Final = "unknown"
NO_FACE: Final = "no_face"
UNREADABLE: Final = "unreadable"
TOO_LARGE: Final = "too_large"
NOT_A_PHOTO: Final = "not_a_photo"
UNAVAILABLE: Final = "unavailable"
FAILED: Final = "failed"

STATUSES: Final = {
    RECOGNISED: "at least one face is of somebody known",
    UNKNOWN: "there are faces, and none is of anybody known",
    NO_FACE: "there is no face",
    UNREADABLE: "the photo is damaged",
    TOO_LARGE: "the photo has too many bytes or pixels",
    NOT_A_PHOTO: "the file is not a photo in an accepted format",
    ForbiddenError.status: "there is no permission to read it",
    MissingError.status: "it was removed while the batch ran",
    ChangedError.status: "it was replaced while the batch ran",
    ArchivedError.status: "it is in an archive of S3",
    UNAVAILABLE: "it could not be read in several attempts",
    FAILED: "Visage failed on it, which is an error of Visage",
}
"""Every status, and what it means."""

ANSWERED: Final = frozenset({RECOGNISED, UNKNOWN, NO_FACE})
"""The statuses of photos that could be looked at."""

AGAIN: Final = frozenset(
    {ForbiddenError.status, MissingError.status, ChangedError.status, ArchivedError.status, UNAVAILABLE, FAILED}
)
"""The statuses of photos that the next run tries again, although they have not changed."""


def row_of(
    listed: Listed,
    model: str,
    status: str,
    *,
    detail: str | None = None,
    sha256: str | None = None,
    recognition: "Recognition | None" = None,
) -> Row:
    """Return the row of a photo, in the order of its members; `recognition` is given if it has faces."""
    seen = recognition
    return {
        "photo": text_of(listed.key),
        "etag": listed.etag,
        "bytes": listed.size,
        "sha256": sha256,
        "status": status,
        **({"detail": detail} if detail else {}),
        "width": seen and seen.width,
        "height": seen and seen.height,
        "rotation": seen and seen.rotation,
        "complete": seen and seen.complete,
        "faces": [face_json(face) for face in seen.faces] if seen else [],
        "model": model,
        "roster": seen and seen.roster,
    }


def text_of(key: str) -> str:
    """Return a key as rows show it: itself, or with escapes where a file's name is not valid Unicode."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return shown(key)
    return key


def line_of(row: Row) -> bytes:
    """Return the line of a row in a part."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
