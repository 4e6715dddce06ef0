"""The routes of the API. Each is a thin layer over the model."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, request

from api.answers import (
    detection_json,
    embedding_json,
    invitation_json,
    jpeg,
    labels_json,
    recognition_json,
)
from api.errors import NoUploadsError
from api.loading import ModelLoader
from api.openapi import openapi
from api.pair import compare, read_pair
from api.people import people_routes
from api.upload import UploadKey, check_face_number, read_face_number, read_photo
from model.rosters import Rosters
from model.settings import AccessSettings
from model.uploads import Uploads
from model.version import VERSION

if TYPE_CHECKING:
    from model.recognizer import Recognizer

ModelAndPhoto = Callable[[], "tuple[Recognizer, bytes]"]


def routes(model: ModelLoader, uploads: Uploads | None, access: AccessSettings, rosters: Rosters) -> Blueprint:
    """Return the routes; `model` answers them, and large photos come through `uploads`, if there are any.

    `access` is what the contract says of keys. The people of `rosters` are known besides those of the model.
    """
    blueprint = Blueprint("visage", __name__)

    def require_uploads() -> Uploads:
        if uploads is None:
            raise NoUploadsError
        return uploads

    def taken(given: bytes | UploadKey) -> bytes:
        return require_uploads().take(given.text) if isinstance(given, UploadKey) else given

    def known_model() -> "Recognizer":
        """Return the model, which knows the newest roster. Owners see changes at once."""
        loaded = model.get()
        rosters.show(loaded, fresh=g.is_owner)
        return loaded

    def model_and_photo() -> "tuple[Recognizer, bytes]":
        """Return the model and the photo of the request. An upload comes last, because it can be taken only once."""
        given = read_photo(request)
        return known_model(), taken(given)

    _add_answers(blueprint, model_and_photo)
    _add_embeddings(blueprint, model, model_and_photo, taken)
    _add_descriptions(blueprint, model, known_model, access)
    blueprint.register_blueprint(
        people_routes(model, rosters, lambda key: require_uploads().take(key), thumbnails=access.thumbnails != "none")
    )

    @blueprint.post("/uploads")
    def invite() -> tuple[dict[str, Any], int]:
        """Say where one large photo may be sent, and by which key it is then recognised."""
        return invitation_json(require_uploads().invite()), HTTPStatus.CREATED

    return blueprint


def _add_answers(blueprint: Blueprint, model_and_photo: ModelAndPhoto) -> None:
    """Add the routes that take a photo."""

    @blueprint.post("/recognize")
    def recognize() -> dict[str, Any]:
        """Name the people in the photo."""
        model, photo = model_and_photo()
        recognition = model.recognize(photo)
        g.faces, g.timing_ms = len(recognition.faces), recognition.timing_ms
        return recognition_json(recognition)

    @blueprint.post("/detect")
    def detect() -> dict[str, Any]:
        """Find the faces in the photo, and recognise nobody."""
        model, photo = model_and_photo()
        detection = model.detect(photo)
        g.timing_ms = detection.timing_ms
        return detection_json(detection)

    @blueprint.post("/align")
    def align() -> Response:
        """Return one aligned face, by default the most prominent one."""
        number = read_face_number(request)
        model, photo = model_and_photo()
        chips = model.align(photo)
        check_face_number(number, len(chips))
        return Response(jpeg(chips[number - 1]), mimetype="image/jpeg")


def _add_embeddings(
    blueprint: Blueprint,
    model: ModelLoader,
    model_and_photo: ModelAndPhoto,
    taken: Callable[[bytes | UploadKey], bytes],
) -> None:
    """Add the routes about faces of which nobody need be known."""

    @blueprint.post("/embed")
    def embed() -> dict[str, Any]:
        """Return the embeddings of the faces in the photo."""
        model, photo = model_and_photo()
        embedding = model.embed(model.find(photo))
        g.timing_ms = embedding.detection.timing_ms
        return embedding_json(embedding, model.space)

    @blueprint.post("/verify")
    def verify() -> dict[str, Any]:
        """Say whether two photos show one person."""
        sent = read_pair(request)
        answer = compare(model.get(), ((side, taken(photo)) for side, photo in sent))
        g.timing_ms = answer["timing_ms"]
        return answer


def _add_descriptions(
    blueprint: Blueprint, model: ModelLoader, known_model: "Callable[[], Recognizer]", access: AccessSettings
) -> None:
    """Add the routes that say what is here."""
    started = time.monotonic()

    @blueprint.get("/labels")
    def labels() -> dict[str, Any]:
        """List the people whom the model knows, and the figures that were measured at its export."""
        return labels_json(known_model())

    @blueprint.get("/health")
    def health() -> dict[str, Any]:
        """Load the model if it is not loaded, and describe it."""
        loaded = model.get()
        engine = loaded.engine
        return {
            "status": "ok",
            "version": VERSION,
            "model": {"version": loaded.version},
            "engine": {"name": engine.name, "precision": engine.precision, "threads": engine.threads},
            "uptime_s": round(time.monotonic() - started, 1),
        }

    @blueprint.get("/openapi.json")
    def contract() -> dict[str, Any]:
        """Describe the API for programs."""
        return openapi(access)
