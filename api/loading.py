"""Loads the model when it is first needed. After each failure, waits longer before the next attempt."""

import math
import threading
import time
from typing import TYPE_CHECKING, Final

from api.errors import ModelUnavailableError
from model.errors import BundleError, BundleUnavailableError
from model.prefetch import Download, bundle_location, download
from model.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.recognizer import Recognizer

FIRST_WAIT_S: Final = 5
"""Seconds between the first failed load and the next one. The wait doubles with each failure that follows."""

MAX_WAIT_S: Final = 300
"""The longest wait. Each attempt downloads the bundle again, and a broken one stays broken until somebody acts."""

MAX_UNAVAILABLE_WAIT_S: Final = 30
"""The longest wait while S3 cannot be reached. That may end at any time, and such an attempt downloads nothing."""

SNAPSHOT_LIMIT_S: Final = 90
"""How long a snapshot waits for its model: a new role takes effect within a minute or so. With one more download it
stays below the 130 seconds that Lambda allows. Source:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html."""

_SNAPSHOT_PAUSE_S: Final = 2


class ModelLoader:
    """The model of one process. Safe to share between threads.

    During the first load, one thread loads and the others wait for its result. After a failure no thread waits: `get`
    fails at once until the next attempt is due, and while another thread makes it.
    """

    def __init__(self, load: "Callable[[], Recognizer]", clock: "Callable[[], float]" = time.monotonic) -> None:
        """Call `load` to get the model; `clock` returns seconds and never goes back."""
        self._load = load
        self._clock = clock
        self._lock = threading.Lock()
        self._recognizer: Recognizer | None = None
        self._failures = 0
        self._next_attempt = 0.0

    @property
    def loaded(self) -> bool:
        """Whether the model is loaded."""
        return self._recognizer is not None

    def get(self) -> "Recognizer":
        """Return the model, loaded.

        Raises:
            ModelUnavailableError: it cannot be loaded now. If this call tried to load it, the error is the cause;
                otherwise there is no cause.
        """
        if self._recognizer is not None:
            return self._recognizer
        self._fail_while_waiting()
        if not self._lock.acquire(blocking=self._failures == 0):
            raise ModelUnavailableError(FIRST_WAIT_S)  # another thread is trying again
        try:
            if self._recognizer is None:
                self._fail_while_waiting()  # the thread that held the lock may have failed
                self._recognizer = self._attempt()
            return self._recognizer
        finally:
            self._lock.release()

    def _fail_while_waiting(self) -> None:
        remaining = self._next_attempt - self._clock()
        if self._failures and remaining > 0:
            raise ModelUnavailableError(math.ceil(remaining))

    def _attempt(self) -> "Recognizer":
        try:
            recognizer = self._load()
        except Exception as error:  # the outermost edge of loading: the caller logs it, and the client gets a 503
            wait = self._wait_after(error)
            raise ModelUnavailableError(wait) from error
        self._failures = 0
        return recognizer

    def _wait_after(self, error: Exception) -> int:
        """Count a failure; return how many seconds to wait before the next attempt."""
        longest = MAX_UNAVAILABLE_WAIT_S if isinstance(error, BundleUnavailableError) else MAX_WAIT_S
        wait: int = min(FIRST_WAIT_S * 2 ** min(self._failures, 10), longest)
        self._next_attempt = self._clock() + wait
        self._failures += 1  # last: other threads read both without the lock
        return wait


def load_from_settings(settings: Settings, download: Download = download) -> "Recognizer":
    """Load the bundle that `settings` name; `download` makes its files available.

    Raises:
        BundleError: VISAGE_MODEL is not set, or there is no usable bundle at that location.
    """
    location = bundle_location(settings)
    from model.recognizer import Recognizer  # noqa: PLC0415  # torch takes a second; errors in a request need none

    return Recognizer.load(location, settings, download)


def load_for_snapshot(
    load: "Callable[[], Recognizer]",
    clock: "Callable[[], float]" = time.monotonic,
    sleep: "Callable[[float], None]" = time.sleep,
) -> "Recognizer":
    """Load the model that a snapshot will contain; try again for SNAPSHOT_LIMIT_S while there is no usable bundle.

    Raises:
        BundleError: there is none by then.
    """
    deadline = clock() + SNAPSHOT_LIMIT_S
    while True:
        try:
            return load()
        except BundleError:
            if clock() + _SNAPSHOT_PAUSE_S > deadline:
                raise
        sleep(_SNAPSHOT_PAUSE_S)
