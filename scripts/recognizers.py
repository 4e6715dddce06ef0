"""Loads a bundle for the commands that recognise people, with the roster beside it."""

from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import BundleError, RosterError, SharedError
from model.roster import Roster
from model.roster_storage import RosterStorage, beside
from scripts.console import SETTINGS, note

if TYPE_CHECKING:
    from model.recognizer import Recognizer


def recognizer_at(location: str) -> "Recognizer":
    """Return the recognizer of the bundle at `location`, a folder or "s3://bucket/prefix".

    It knows the people of the roster beside a folder, too. If that cannot be used, a note says so.

    Raises:
        BundleError: the bundle cannot be used.
    """
    from model.recognizer import Recognizer

    recognizer = Recognizer.load(location, SETTINGS)
    if not location.startswith("s3://"):
        recognizer.know(_roster_in(beside(Path(location)), recognizer))
    return recognizer


def _roster_in(file: Path, recognizer: "Recognizer") -> Roster | None:
    try:
        return RosterStorage.at(str(file), recognizer.space).read()[0]
    except (BundleError, RosterError, SharedError) as error:
        if file.exists():
            note([f"{error} The people of {file} are not recognised."])
    return None
