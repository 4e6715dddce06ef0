"""The roster of a running service: follows the newest version, and changes it."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from model.errors import ModelError, RosterError, RosterUnreadableError
from model.roster import Roster
from model.roster_storage import Change, RosterStorage, Shared, beside
from model.settings import Settings
from model.space import embedding_space
from model.storage import Content
from model.watched import OnFailure, Watched

if TYPE_CHECKING:
    from model.recognizer import Recognizer

T = TypeVar("T")

_PATIENCE_S: Final = 2
"""How long S3 may take to connect, and to answer. It takes some hundredths of a second; a visitor waits meanwhile."""

Fetched = Callable[[], Content | None]
"""Returns what another process has fetched at the start of this one, if anything."""


class Rosters:
    """The roster of the bundle that a process serves. Safe to share between threads.

    Where none can be read, the people of the bundle alone are known. A version at hand is kept whatever happens to the
    object: answers go on, and say which version they are by.
    """

    def __init__(
        self,
        settings: Settings,
        on_failure: OnFailure,
        fetched: Fetched = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Use the roster that `settings` name; report each failure to `on_failure`."""
        self._location = settings.roster or _beside(settings.location)
        self._seconds, self._clock = settings.roster_seconds, clock
        self._on_failure, self._fetched = on_failure, fetched
        self._lock = threading.Lock()
        self._storage: RosterStorage | None = None
        self._watched: Watched[Roster] | None = None

    def show(self, model: "Recognizer", *, fresh: bool = False) -> None:
        """Let the model know the people of the newest roster; if `fresh`, after asking for a newer one."""
        if self._location is not None:
            watched = self._watch(model)
            if watched is not None:
                model.know(watched.get(fresh=fresh))

    def require(self, model: "Recognizer") -> None:
        """Let the model know the people of the newest roster; go on with the one at hand if S3 does not answer.

        Raises:
            RosterError, SharedError: there is none at hand, and it cannot be read.
        """
        watched = self._watch(model)
        if watched is None:
            raise RosterUnreadableError("This service has no roster.")
        model.know(watched.get(fresh=True))
        if watched.failure and watched.at_hand() is None:
            raise watched.failure

    def change(self, model: "Recognizer", change: Change[T]) -> T:
        """Change the newest roster, let the model know its people, and return what `change` returned of it.

        Raises:
            RosterError: there is no roster here, it is damaged, others change it all the time, or whatever `change`
                raises.
            SharedError: it cannot be read or written.
        """
        watched, storage = self._open(model)
        roster, etag, result = storage.change(change, watched.at_hand())
        watched.put(roster, etag)
        model.know(roster)
        return result

    def thumbnail(self, model: "Recognizer", identity: str) -> Shared:
        """Return where the thumbnail of a person is kept.

        Raises:
            RosterUnreadableError: there is no roster here.
            SharedError: the AWS settings cannot be used.
        """
        return self._open(model)[1].thumbnail(identity)

    def backup(self, model: "Recognizer") -> bytes | str:
        """Return the content of the newest roster's file; of one in S3, the address for a download.

        Raises:
            RosterError: there is no roster here, or it is damaged.
            SharedError: it cannot be read.
        """
        _, storage = self._open(model)
        return storage.shared.link() or storage.read()[0].to_bytes()

    @property
    def former_days(self) -> int:
        """For how many days former versions are kept."""
        return self._storage.former_days if self._storage else 0

    def prepare(self, model: "Recognizer") -> None:
        """Do what the first request would have to wait for."""
        watched = self._watch(model)
        if watched is not None:
            watched.prepare()

    def _open(self, model: "Recognizer") -> tuple[Watched[Roster], RosterStorage]:
        watched = self._watch(model)
        if watched is None or self._storage is None:
            raise RosterUnreadableError("This service has no roster.")
        return watched, self._storage

    def _watch(self, model: "Recognizer") -> Watched[Roster] | None:
        with self._lock:
            if self._watched is None and self._location is not None:
                try:
                    self._watched = self._made(self._location, embedding_space(model.manifest))
                except ModelError as error:
                    self._on_failure(error)
            return self._watched

    def _made(self, location: str, space: str) -> Watched[Roster]:
        storage = RosterStorage.at(location, space, patience_s=_PATIENCE_S)
        watched = Watched(
            lambda: storage.newer, storage.parse, self._seconds, self._on_failure, keeps=True, clock=self._clock
        )
        content = self._fetched()
        if content is not None:
            try:
                watched.put(storage.parse(content.body), content.etag)
            except RosterError as error:
                self._on_failure(error)
        self._storage = storage
        return watched


def _beside(location: str | None) -> str | None:
    """Return where the roster of a bundle in a folder is; None for one in S3."""
    return None if location is None or location.startswith("s3://") else str(beside(Path(location)))
