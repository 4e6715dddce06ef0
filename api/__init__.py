"""The HTTP surface: a Flask app that answers who is in a photo, and its place behind API Gateway."""

from api.app import create_app
from api.gateway import answer
from api.loading import ModelLoader, load_from_settings
from api.telemetry import Telemetry
from api.upload import MAX_PHOTO_BYTES

__all__ = [
    "MAX_PHOTO_BYTES",
    "ModelLoader",
    "Telemetry",
    "answer",
    "create_app",
    "load_from_settings",
]
