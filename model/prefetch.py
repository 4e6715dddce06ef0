"""Downloads the bundle to serve in parallel with the imports.

Nothing is imported here that takes time, so that a function can begin the download before everything else.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext
from typing import Final, TypeAlias

from model import bundle as bundles
from model.bundle import Bundle
from model.engines import ENGINES, engine_named
from model.errors import BundleError, BundleUnavailableError, SharedError
from model.settings import Settings
from model.storage import Content, SharedObject

SHARED: Final = (bundles.COHORT, bundles.DETECTOR, bundles.LANDMARKS)
"""The files of a bundle that every engine needs."""

LIMIT_SECONDS: Final = 25.0
"""How long a download may take. It is less than the 29 seconds after which AWS ends a request, so that the client
still gets an answer."""

_LAST_SECONDS: Final = 1.0
"""How long the child process may take to end after it has sent the last part; it takes milliseconds."""

Download: TypeAlias = Callable[[str, str], AbstractContextManager[Iterator[Bundle]]]
"""Takes the location of a bundle and the name of an engine; see `download`."""


def bundle_location(settings: Settings) -> str:
    """Return where the bundle to serve is.

    Raises:
        BundleError: the environment does not say.
    """
    if not settings.location:
        raise BundleError("VISAGE_MODEL is not set; it names the bundle: a folder or s3://bucket/prefix.")
    return settings.location


@contextmanager
def download(location: str, engine: str) -> Iterator[Iterator[Bundle]]:
    """Give an iterator that yields the bundle twice: when `SHARED` and the engine's gallery are there, and at the end.

    Raises:
        BundleError: as `model.bundle.load` does, or there is no such engine.
    """
    with closing(bundles.load_parts(location, _parts(engine))) as parts:
        yield parts


class Prefetch:
    """In Lambda, downloads the bundle to serve in a child process while this process imports. Elsewhere, does nothing.

    It is a process, not a thread, because only one thread at a time can run Python code, and the imports do. It is
    forked, because a fork starts at once. Fork is safe here: no thread runs yet, and Lambda is Linux. The bundle's
    manifest comes through a pipe, because Lambda lacks the shared memory that multiprocessing's queues and pools need.
    """

    def __init__(self, settings: Settings, limit_seconds: float = LIMIT_SECONDS) -> None:
        """Begin the download of the bundle that `settings` name; kill it if it takes longer than `limit_seconds`."""
        self._child: _Child | None = None
        self._roster: Content | None = None
        if settings.in_lambda and settings.location and settings.engine in ENGINES:
            with suppress(OSError):  # without a child process, this process downloads the bundle
                self._child = _Child(settings, settings.location, limit_seconds)

    def roster(self) -> Content | None:
        """Return the roster that the child process has fetched, if it has; it is handed out once."""
        roster, self._roster = self._roster, None
        return roster

    @contextmanager
    def download(self, location: str, engine: str) -> Iterator[Iterator[Bundle]]:
        """Do as `model.prefetch.download` does. The first call uses the download that has begun.

        That download is killed if it is of another bundle or for another engine. When the block ends, the child process
        has ended too.

        Raises:
            BundleError: as `model.prefetch.download` does.
            BundleUnavailableError: the child process ended without the bundle, or was too slow. Its standard error,
                which Lambda logs, has the reason.
        """
        child, self._child = self._child, None
        with ExitStack() as stack:
            if child:
                stack.callback(child.end)
            if child and (location, engine) == (child.location, child.engine):
                yield child.bundles()
                self._roster = child.roster()
            else:
                if child:
                    child.end()
                yield stack.enter_context(download(location, engine))


class _Child:
    """A child process that downloads one bundle, and the pipe through which it sends the manifest."""

    def __init__(self, settings: Settings, location: str, limit_seconds: float) -> None:
        self.location, self.engine = location, settings.engine
        self._deadline = time.monotonic() + limit_seconds
        self._waiting = len(_parts(self.engine))
        context = ForkContext()
        self._receiver, sender = context.Pipe(duplex=False)
        self._process = context.Process(target=_send, args=(sender, location, settings, os.getpid()), daemon=True)
        with sender:
            try:
                self._process.start()
            except OSError:  # no memory for it, or too many processes
                self._receiver.close()
                raise

    def bundles(self) -> Iterator[Bundle]:
        """Yield the bundle each time that the child process sends it."""
        while self._waiting:
            outcome = self._receive()
            if isinstance(outcome, BundleError):
                raise outcome
            self._waiting -= 1
            if isinstance(outcome, Bundle):
                yield outcome

    def roster(self) -> Content | None:
        """Return the roster, after all bundles; None if there is none, or it cannot be read now."""
        outcome = self._receive() if not self._waiting else None
        return outcome if isinstance(outcome, Content) else None

    def end(self) -> None:
        """End the child process: wait for it if it has sent everything, else kill it."""
        if self._receiver.closed:
            return
        self._receiver.close()
        if not self._waiting:
            self._process.join(_LAST_SECONDS)
        self._process.kill()
        self._process.join()
        self._process.close()

    def _receive(self) -> Bundle | BundleError | Content | None:
        try:
            if self._receiver.poll(max(0, self._deadline - time.monotonic())):
                outcome: Bundle | BundleError | Content | None = self._receiver.recv()
                return outcome
        except (EOFError, OSError):
            return BundleUnavailableError("The process that downloads the bundle ended without it.")
        return BundleUnavailableError("The process that downloads the bundle was too slow.")


def _send(sender: Connection, location: str, settings: Settings, user: int) -> None:
    """Run in the child process: download the bundle, and send it after each part, or send the error.

    The roster, which is downloaded at the same time, comes last.
    """
    with ThreadPoolExecutor(1) as pool:
        roster = pool.submit(_roster, settings)
        try:
            for bundle in bundles.load_parts(location, _parts(settings.engine), user=user):
                sender.send(bundle)
        except BundleError as error:
            sender.send(error)
        else:
            sender.send(roster.result())


def _roster(settings: Settings) -> Content | None:
    """Return the roster at "s3://bucket/key". Where that fails, the first request tries again, and logs the reason.

    A snapshot must not hold it: it would keep people who are removed later.
    """
    if settings.for_snapshot or not (settings.roster or "").startswith("s3://"):
        return None
    with suppress(SharedError):
        return SharedObject(settings.roster or "").read()
    return None


def _parts(engine: str) -> list[tuple[str, ...]]:
    """Return the files that are needed first, and then those of the engine."""
    return [(engine_named(engine).gallery, *SHARED), engine_named(engine).files]
