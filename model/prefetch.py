"""Downloads the bundle to serve in parallel with the imports.

Nothing is imported here that takes time, so that a function can begin the download before everything else.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext
from typing import Final, TypeAlias

from model import bundle as bundles
from model.bundle import Bundle
from model.engines import engine_named
from model.errors import BundleError, BundleUnavailableError
from model.settings import Settings

SHARED: Final = (bundles.GALLERY, bundles.DETECTOR, bundles.LANDMARKS)
"""The files of a bundle that are read whatever the engine."""

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
    """Give an iterator that yields the bundle twice: when the `SHARED` files are there, and when the engine's are.

    Raises:
        BundleError: as `model.bundle.load` does, or there is no such engine.
    """
    yield bundles.load_parts(location, [SHARED, engine_named(engine).files])


class Prefetch:
    """The bundle to serve, fetched and verified by a process of its own while this one imports."""

    def __init__(self, settings: Settings) -> None:
        """Begin, in Lambda; elsewhere `download` does all."""
        self._receiver: Connection | None = None
        if not settings.in_lambda:
            return
        context = ForkContext()
        receiver, sender = context.Pipe(duplex=False)
        self._process = context.Process(target=_send, args=(sender, settings), daemon=True)
        self._process.start()
        sender.close()
        self._receiver = receiver

    @contextmanager
    def download(self, location: str, engine: str) -> Iterator[Iterator[Bundle]]:
        """Do as `model.prefetch.download` does; the first time with what is on its way.

        Raises:
            BundleError: as there; and where the process ended without the bundle, for a reason that is in the log.
        """
        receiver, self._receiver = self._receiver, None
        if receiver:
            yield self._arriving(receiver)
        else:
            with download(location, engine) as found:
                yield found

    def _arriving(self, receiver: Connection) -> Iterator[Bundle]:
        with receiver, suppress(EOFError):
            while True:
                outcome: Bundle | BundleError = receiver.recv()
                if isinstance(outcome, BundleError):
                    raise outcome
                yield outcome
        self._process.join()
        if self._process.exitcode:
            raise BundleUnavailableError("The process that fetches the bundle ended without it.")


def _send(sender: Connection, settings: Settings) -> None:
    """Fetch the bundle that the environment names, and send it as often as it comes, or what is wrong with it."""
    try:
        with download(bundle_location(settings), settings.engine) as parts:
            for bundle in parts:
                sender.send(bundle)
    except BundleError as error:
        sender.send(error)
