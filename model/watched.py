"""The newest version of an object in S3, or of a file, as this process knows it."""

import math
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from model.errors import ModelError, SharedUnavailableError
from model.storage import Content

T = TypeVar("T")

Read = Callable[[str], Content | None]
"""Returns the object, or None if its ETag is still the given one."""

OnFailure = Callable[[ModelError], None]


class Watched(Generic[T]):
    """Asks for a newer version at most every `seconds`. Safe to share between threads.

    While the object cannot be reached, the version at hand is used. If it is refused, gone or damaged, that is
    forgotten, unless `keeps`. Time is that of the system: while Lambda freezes a process, its other clocks may stand
    still.
    """

    def __init__(
        self,
        connect: Callable[[], Read],
        parse: Callable[[bytes], T],
        seconds: int,
        on_failure: OnFailure,
        *,
        keeps: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`connect` returns what reads the object; `parse` reads its content; each failure goes to `on_failure`."""
        self._connect, self._parse = connect, parse
        self._seconds, self._keeps = seconds, keeps
        self._on_failure, self._clock = on_failure, clock
        self._lock = threading.Lock()
        self._read: Read | None = None
        self._value: T | None = None
        self._etag = ""
        self._failure: ModelError | None = None
        self._confirmed = self._asked = -math.inf

    def get(self, *, fresh: bool = False, within: int | None = None) -> T | None:
        """Return the newest version that is known, None if there is none; if `fresh`, after asking for a newer one.

        With `within`, it must have been confirmed in so many seconds.
        """
        with self._lock:
            if fresh or not self._is_within(self._seconds, self._asked):
                self._ask()
            return self._value if within is None or self._is_within(within, self._confirmed) else None

    def at_hand(self) -> tuple[T, str] | None:
        """Return the version at hand and its ETag, if there is one."""
        with self._lock:
            return None if self._value is None else (self._value, self._etag)

    @property
    def failure(self) -> ModelError | None:
        """Why the last attempt to ask for a newer version failed; None if it succeeded."""
        return self._failure

    def prepare(self) -> None:
        """Make the connection's client, which takes some tenths of a second, before the first request needs it."""
        with self._lock:
            try:
                self._reader()
            except ModelError as error:
                self._on_failure(error)

    def put(self, value: T, etag: str) -> None:
        """Use a version that this process has written itself."""
        with self._lock:
            self._value, self._etag = value, etag
            self._confirmed = self._asked = self._clock()

    def _is_within(self, seconds: float, since: float) -> bool:
        """Tell whether so many seconds have not passed; time that goes back tells nothing, so they count as passed."""
        return 0 <= self._clock() - since < seconds

    def _reader(self) -> Read:
        if self._read is None:
            self._read = self._connect()
        return self._read

    def _ask(self) -> None:
        self._asked = self._clock()
        try:
            content = self._reader()(self._etag)
            if content is not None:
                self._value, self._etag = self._parse(content.body), content.etag
            self._confirmed, self._failure = self._clock(), None
        except ModelError as error:
            if not (self._keeps or isinstance(error, SharedUnavailableError)):
                self._value, self._etag = None, ""
            self._failure = error
            self._on_failure(error)
