"""The HTTP API: a Flask app that names the people in a photo, and an adapter from the events of AWS to it."""

from api.access import guard_for
from api.app import create_app
from api.gateway import answer
from api.loading import ModelLoader, load_for_snapshot, load_from_settings
from api.telemetry import Telemetry
from api.upload import MAX_PHOTO_BYTES

__all__ = [
    "MAX_PHOTO_BYTES",
    "ModelLoader",
    "Telemetry",
    "answer",
    "create_app",
    "guard_for",
    "load_for_snapshot",
    "load_from_settings",
]
