"""Where the roster of a bundle is, and how it is changed: in S3, or in a file beside the folder of the bundle."""

import random
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol, TypeVar

from model.bundle import Bundle
from model.errors import (
    RosterBusyError,
    RosterUnreadableError,
    SharedChangedError,
    SharedMissingError,
)
from model.roster import FILE, Roster
from model.shared_file import SharedFile
from model.space import embedding_space
from model.storage import Connect, Content, SharedObject

T = TypeVar("T")

Change = Callable[[Roster], tuple[Roster, T]]
"""Returns the roster after a change, and what the caller wants to know of it. It may be called several times."""

PREFIX: Final = "roster"
"""Where rosters are in the bucket of models; each has a folder named after its embedding space."""

THUMBNAILS: Final = "thumbnails"
"""The folder, beside a roster, of the pictures of its people."""

FORMER_DAYS: Final = 30
"""How long the bucket keeps former versions of a roster: `NoncurrentDays` in serverless.yml."""

_ATTEMPTS: Final = 100
_LONGEST_PAUSE_S: Final = 0.4
"""Of eight writers who change it without pause, the slowest needed 31 attempts."""


class Shared(Protocol):
    """What a roster is kept in."""

    def read(self) -> Content:
        """Return the newest version."""

    def newer(self, known: str) -> Content | None:
        """Return the newest version, or None if it is still the one with this ETag."""

    def replace(self, body: bytes, seen: str = "") -> str:
        """Replace the version with this ETag, and return that of the new one."""

    def sibling(self, name: str) -> "Shared":
        """Return what has another name at the same place."""

    def put(self, body: bytes, content_type: str) -> None:
        """Write it, whether or not it exists."""

    def delete(self) -> None:
        """Delete it, if it exists."""

    def link(self) -> str | None:
        """Return an address from which it can be downloaded for a while, None if it has none."""


class RosterStorage:
    """The roster of one embedding space. Safe to share between processes and threads.

    `former_days` says for how many days former versions are kept.
    """

    def __init__(self, connect: Callable[[], Shared], space: str, former_days: int = 0) -> None:
        """Keep the roster of the embedding space `space` in what `connect` returns, which is called on first use."""
        self._connect, self.space, self.former_days = connect, space, former_days

    @cached_property
    def shared(self) -> Shared:
        """What the roster is kept in.

        Raises:
            SharedError: the AWS settings cannot be used.
        """
        return self._connect()

    @classmethod
    def at(cls, location: str, space: str, connect: Connect | None = None, patience_s: float = 5) -> "RosterStorage":
        """Return the storage in the object "s3://bucket/key", or in the file at the path `location`."""
        if location.startswith("s3://"):
            return cls(lambda: SharedObject(location, connect, patience_s), space, FORMER_DAYS)
        return cls(lambda: SharedFile(Path(location)), space)

    def thumbnail(self, identity: str) -> Shared:
        """Return where the thumbnail of a person is kept. Former versions stay as long as those of the roster."""
        return self.shared.sibling(f"{THUMBNAILS}/{identity}.jpg")

    def make(self) -> None:
        """Make a roster without people.

        Raises:
            SharedChangedError: there is one.
            SharedError: it cannot be written.
        """
        self.shared.replace(Roster(self.space).to_bytes())

    def read(self) -> tuple[Roster, str]:
        """Return the newest roster and its ETag; an empty one, and "", if there is none yet.

        Raises:
            RosterUnreadableError: it is damaged, of a newer version, or of another embedding space.
            SharedError: it cannot be read.
        """
        try:
            content = self.shared.read()
        except SharedMissingError:
            return Roster(self.space), ""
        return self.parse(content.body), content.etag

    def newer(self, known: str) -> Content | None:
        """Return the content of the newest roster, or None if it is still the one with the ETag `known`, "" for none.

        Raises:
            SharedError: it cannot be read, or is gone.
        """
        try:
            return self.shared.newer(known)
        except SharedMissingError:
            if not known:
                return None
            raise

    def parse(self, content: bytes) -> Roster:
        """Read a roster of this embedding space.

        Raises:
            RosterUnreadableError: it is damaged, of a newer version, or of another embedding space.
        """
        roster = Roster.from_bytes(content)
        if roster.space != self.space:
            raise RosterUnreadableError(
                f"The roster is of other pretrained weights or another geometry ({roster.space}) than the bundle "
                f"({self.space}): its embeddings cannot be compared with the bundle's. Enrol the people again, with "
                "`visage enroll BUNDLE PHOTOS`, after you have moved that file away."
            )
        return roster

    def change(self, change: "Change[T]", at_hand: tuple[Roster, str] | None = None) -> tuple[Roster, str, T]:
        """Change the newest roster, and return the new one, its ETag, and what `change` returned of it.

        If somebody else changes it at the same time, `change` is called again with what they made. A change that
        returns the same roster writes nothing. `at_hand`, a roster and its ETag, is tried before the newest is read.

        Raises:
            RosterBusyError: others have changed it again and again; or whatever `change` raises.
            SharedError: it cannot be read or written.
        """
        for attempt in range(_ATTEMPTS):
            roster, etag = at_hand if at_hand and not attempt else self.read()
            changed, result = change(roster)
            if changed is roster:
                return roster, etag, result
            changed = changed.numbered(roster.version + 1)
            try:
                return changed, self.shared.replace(changed.to_bytes(), etag), result
            except SharedChangedError:
                time.sleep(random.uniform(0, min(_LONGEST_PAUSE_S, 0.02 * 2**attempt)))  # no secret
        raise RosterBusyError("Others change the roster all the time. Try again in a moment.")


def roster_key(space: str) -> str:
    """Return the key of the roster of an embedding space in the bucket of models."""
    return f"{PREFIX}/{space}/{FILE}"


def in_bucket(bucket: str, space: str) -> str:
    """Return its address."""
    return f"s3://{bucket}/{roster_key(space)}"


def of_bundle(bundle: Bundle) -> RosterStorage:
    """Return the storage of the roster of a bundle in a folder.

    Raises:
        BundleError: the bundle does not say how it was trained.
    """
    return RosterStorage.at(str(beside(bundle.directory)), embedding_space(bundle.manifest))


def beside(bundle: Path) -> Path:
    """Return where the roster of a bundle in a folder is."""
    bundle = bundle.resolve()
    return bundle.with_name(f"{bundle.name}.{FILE}")
