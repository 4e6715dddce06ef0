"""Holds the model: loads it once, when it is first needed, and tries again after a failure."""

import threading
from typing import TYPE_CHECKING

from api.errors import ModelUnavailableError
from model.prefetch import Download, bundle_location, download
from model.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.recognizer import Recognizer


class ModelLoader:
    """The model of one process. Safe to share between threads: one of them loads, the others wait."""

    def __init__(self, load: "Callable[[], Recognizer]") -> None:
        self._load = load
        self._lock = threading.Lock()
        self._recognizer: Recognizer | None = None

    def get(self) -> "Recognizer":
        """Return the model, loaded.

        Raises:
            ModelUnavailableError: it cannot be loaded just now; the next call tries again.
        """
        with self._lock:
            if self._recognizer is None:
                self._recognizer = self._attempt()
            return self._recognizer

    def _attempt(self) -> "Recognizer":
        try:
            return self._load()
        except Exception as error:  # storage, network and deserialisation fail in many ways; all mean 503
            raise ModelUnavailableError from error


def load_from_settings(settings: Settings, download: Download = download) -> "Recognizer":
    """Load the bundle that `settings` name; `download` makes its files available.

    Raises:
        BundleError: the variable is not set, or there is no sound bundle at that place.
    """
    location = bundle_location(settings)
    from model.recognizer import Recognizer  # noqa: PLC0415  # torch takes a second; health and errors need none

    return Recognizer.load(location, settings, download)
