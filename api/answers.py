"""Converts the model's results to the API's answers: JSON and JPEG."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from model.face_json import face_json, rounded, seen_json
from model.uploads import LIFETIME_S, MAX_UPLOAD_BYTES, Invitation
from preprocess.photo import RGBArray

if TYPE_CHECKING:
    from model.recognizer import Detection, Embedding, Recognition, Recognizer
    from model.verification import Verification

_DECIMALS_OF_EMBEDDINGS: Final = 6
"""An embedding's values are about 0.04, and float32 has seven digits."""

JPEG_QUALITY: Final = 95
"""Pillow's documentation advises against higher values: files grow with hardly any gain in quality."""


THUMBNAIL_SIDE: Final = 160
THUMBNAIL_QUALITY: Final = 85


@dataclass(frozen=True, slots=True)
class Compared:
    """One side of a comparison: a face, its number in the photo, and how many faces the photo has."""

    embedding: "Embedding"
    number: int
    faces: int


def recognition_json(recognition: "Recognition") -> dict[str, Any]:
    """Return the JSON of a Recognition; its top level repeats the most prominent face."""
    first = recognition.faces[0]
    return {
        "label": first.label,
        "probability": rounded(first.probability),
        "known": first.known,
        "enrolled": first.enrolled,
        "faces": [face_json(face) for face in recognition.faces],
        **_photo(recognition),
        "model": {"version": recognition.version, "roster": recognition.roster},
    }


def detection_json(detection: "Detection") -> dict[str, Any]:
    """Return the JSON of a Detection."""
    faces = map(seen_json, detection.boxes, detection.appearances)
    return {"faces": list(faces), **_photo(detection)}


def embedding_json(embedding: "Embedding", space: str) -> dict[str, Any]:
    """Return the JSON of a photo's faces and their embeddings, which are of this space."""
    answer = detection_json(embedding.detection)
    values = np.round(embedding.embeddings.astype(np.float64), _DECIMALS_OF_EMBEDDINGS).tolist()
    faces = [{**face, "embedding": own} for face, own in zip(answer["faces"], values, strict=True)]
    return {**answer, "faces": faces, "space": space}


def verification_json(verification: "Verification", sides: Mapping[str, Compared], version: str) -> dict[str, Any]:
    """Return the JSON of a comparison of two photos, by the names of their parts."""
    return {
        "same": verification.same,
        "similarity": rounded(verification.similarity),
        "score": rounded(verification.score),
        "threshold": rounded(verification.threshold),
        "false_accept_rate": verification.false_accept_rate and rounded(verification.false_accept_rate),
        **{name: _compared(side) for name, side in sides.items()},
        "model": {"version": version},
        "timing_ms": _summed([side.embedding.detection.timing_ms for side in sides.values()]),
    }


def labels_json(model: "Recognizer") -> dict[str, Any]:
    """Return the JSON of the people whom a model knows, and of the figures measured at its export."""
    manifest, known = model.manifest, model.known
    people = [{"label": name, "enrolled": number >= known.trained} for number, name in enumerate(known.names)]
    return {
        "labels": list(known.names),
        "people": people,
        "threshold": rounded(manifest.threshold),
        "measured": {
            "held_out": manifest.metrics.get("held_out"),
            "false_accept_rate": manifest.metrics.get("false_accept_rate"),
            "measured_on": manifest.calibration.get("measured_on"),
        },
        "model": {"version": manifest.version, "roster": known.version},
    }


def invitation_json(invitation: Invitation) -> dict[str, Any]:
    """Return the JSON of an invitation to upload a photo."""
    return {
        "upload": invitation.key,
        "url": invitation.url,
        "fields": invitation.fields,
        "expires_in_s": LIFETIME_S,
        "max_bytes": MAX_UPLOAD_BYTES,
    }


def jpeg(chip: RGBArray) -> bytes:
    """Return a (S, S, 3) uint8 RGB chip as a JPEG file."""
    return _jpeg(Image.fromarray(chip), JPEG_QUALITY)


def thumbnail(chip: RGBArray) -> bytes:
    """Return a (S, S, 3) uint8 RGB chip as a JPEG file of THUMBNAIL_SIDE pixels a side, about 5 kB."""
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    return _jpeg(Image.fromarray(chip).resize(side, Image.Resampling.LANCZOS), THUMBNAIL_QUALITY)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _photo(answer: "Recognition | Detection") -> dict[str, Any]:
    return {
        "image": {
            "width": answer.width,
            "height": answer.height,
            "complete": answer.complete,
            "rotation": answer.rotation,
        },
        "model": {"version": answer.version},
        "timing_ms": {step: round(float(ms), 1) for step, ms in answer.timing_ms.items()},
    }


def _compared(side: Compared) -> dict[str, Any]:
    (seen,) = map(seen_json, side.embedding.detection.boxes, side.embedding.detection.appearances)
    return {**seen, "face": side.number, "faces": side.faces}


def _summed(timings: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the milliseconds of each step, in all photos."""
    return {step: round(sum(float(timing[step]) for timing in timings), 1) for step in timings[0]}
