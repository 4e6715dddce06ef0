"""The routes of the API. Each is a thin layer over the model."""

import time
from typing import Any

from flask import Blueprint, Response, g, request

from api.answers import detection_json, jpeg, labels_json, recognition_json
from api.loading import ModelLoader
from api.openapi import openapi
from api.upload import check_face_number, read_face_number, read_photo
from model.version import VERSION


def routes(model: ModelLoader) -> Blueprint:
    """Return the routes; `model` answers them."""
    blueprint = Blueprint("visage", __name__)
    started = time.monotonic()

    @blueprint.post("/recognize")
    def recognize() -> dict[str, Any]:
        """Name the people in the photo."""
        photo = read_photo(request)
        recognition = model.get().recognize(photo)
        g.faces, g.timing_ms = len(recognition.faces), recognition.timing_ms
        return recognition_json(recognition)

    @blueprint.post("/detect")
    def detect() -> dict[str, Any]:
        """Find the faces in the photo, and recognise nobody."""
        photo = read_photo(request)
        detection = model.get().detect(photo)
        g.timing_ms = detection.timing_ms
        return detection_json(detection)

    @blueprint.post("/align")
    def align() -> Response:
        """Return one aligned face, by default the most prominent one."""
        number = read_face_number(request)
        photo = read_photo(request)
        chips = model.get().align(photo)
        check_face_number(number, len(chips))
        return Response(jpeg(chips[number - 1]), mimetype="image/jpeg")

    @blueprint.get("/labels")
    def labels() -> dict[str, Any]:
        """List the people whom the model knows, and the figures that were measured at its export."""
        return labels_json(model.get().manifest)

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
        return openapi()

    return blueprint
