"""Holds the model: loads it once, when it is first needed, and tries again after a failure."""

import threading
from typing import TYPE_CHECKING

from api.errors import ModelUnavailableError
from model.prefetch import fetch, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model.bundle import Bundle
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


def load_from_environment(fetch: "Callable[[str], Iterator[Bundle]]" = fetch) -> "Recognizer":
    """Load the bundle that the environment names, which `fetch` brings here.

    Raises:
        BundleError: the variable is not set, or there is no sound bundle at that place.
    """
    location = place()
    from model.recognizer import Recognizer  # noqa: PLC0415  # torch takes a second; health and errors need none

    return Recognizer.load(location, fetch)
