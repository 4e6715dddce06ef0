"""How the bundle to serve gets here: which one, what of it, and beside what else.

Nothing is imported here that takes time, so that a function can fetch before it imports all the rest.

| variable | what it names |
| --- | --- |
| `VISAGE_MODEL` | the bundle: a folder or s3://bucket/prefix |
| `VISAGE_ENGINE` | what runs its network: `torchscript`, the default, or `onnx` |
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext
from typing import Final

from model import bundle as bundles
from model.bundle import Bundle
from model.errors import BundleError, BundleUnavailableError

NETWORKS: Final = {"torchscript": (bundles.MODEL,), "onnx": (bundles.ONNX, bundles.ONNX_WEIGHTS)}
"""The files of a bundle that each engine runs."""

SHARED: Final = (bundles.GALLERY, bundles.DETECTOR, bundles.LANDMARKS)
"""Those that are read whatever engine it is."""


def place() -> str:
    """Return where the bundle to serve is.

    Raises:
        BundleError: the environment does not say.
    """
    location = os.environ.get("VISAGE_MODEL")
    if not location:
        raise BundleError("VISAGE_MODEL is not set; it names the bundle: a folder or s3://bucket/prefix.")
    return location


def engine() -> str:
    """Return the name of the engine to serve with.

    Raises:
        BundleError: there is none of that name.
    """
    name = os.environ.get("VISAGE_ENGINE") or "torchscript"
    if name not in NETWORKS:
        raise BundleError(f'VISAGE_ENGINE is "{name}"; it may be {" or ".join(NETWORKS)}.')
    return name


def fetch(location: str) -> Iterator[Bundle]:
    """Yield the bundle at `location` twice: when what is `SHARED` is there, and when the engine's network is.

    Raises:
        BundleError: as `model.bundle.load` does, or there is no such engine.
    """
    return bundles.arrive(location, [SHARED, NETWORKS[engine()]])


class Prefetch:
    """The bundle to serve, fetched and verified by a process of its own while this one imports.

    A thread would not do: what fetches is as much Python as what is imported, and the two would take turns. The process
    is a fork, to begin at once; nothing may have started a thread before. What it tells comes through a pipe, because
    Lambda lacks the shared memory that multiprocessing's queues and pools are made of.
    """

    def __init__(self) -> None:
        """Begin."""
        context = ForkContext()
        receiver, sender = context.Pipe(duplex=False)
        self._process = context.Process(target=_send, args=(sender,), daemon=True)
        self._process.start()
        sender.close()
        self._receiver: Connection | None = receiver

    def fetch(self, location: str) -> Iterator[Bundle]:
        """Do as `model.prefetch.fetch` does; the first time with what is on its way.

        Raises:
            BundleError: as there; and where the process ended without the bundle, for a reason that is in the log.
        """
        receiver, self._receiver = self._receiver, None
        return self._arriving(receiver) if receiver else fetch(location)

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


def _send(sender: Connection) -> None:
    """Fetch the bundle that the environment names, and send it as often as it comes, or what is wrong with it."""
    try:
        for bundle in fetch(place()):
            sender.send(bundle)
    except BundleError as error:
        sender.send(error)
