"""The addresses of the API, each a few lines over what the model does."""

import time
from typing import Any

from flask import Blueprint, Response, g, request

from api.answers import jpeg, labels_json, recognition_json
from api.loading import ModelLoader
from api.openapi import openapi
from api.upload import read_number, read_photo


def routes(model: ModelLoader) -> Blueprint:
    """Return the routes, answered by `model`."""
    blueprint = Blueprint("visage", __name__)
    started = time.monotonic()

    @blueprint.post("/recognize")
    def recognize() -> dict[str, Any]:
        """Who is in the photo."""
        photo = read_photo(request)
        recognition = model.get().recognize(photo)
        g.faces, g.timing_ms = len(recognition.faces), recognition.timing_ms
        return recognition_json(recognition)

    @blueprint.post("/align")
    def align() -> Response:
        """One face, aligned: by default the most prominent."""
        photo = read_photo(request)
        chips = model.get().align(photo)
        return Response(jpeg(chips[read_number(request, len(chips)) - 1]), mimetype="image/jpeg")

    @blueprint.get("/labels")
    def labels() -> dict[str, Any]:
        """The people this model knows, and how well it does."""
        return labels_json(model.get().manifest)

    @blueprint.get("/health")
    def health() -> dict[str, Any]:
        """Whether the model is loaded; loads it where it is not."""
        loaded = model.get()
        engine = loaded.engine
        return {
            "status": "ok",
            "model": {"version": loaded.version},
            "engine": {"name": engine.name, "precision": engine.precision, "threads": engine.threads},
            "uptime_s": round(time.monotonic() - started, 1),
        }

    @blueprint.get("/openapi.json")
    def contract() -> dict[str, Any]:
        """The API, described for programs."""
        return openapi()

    return blueprint
