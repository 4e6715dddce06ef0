"""Lists the photos that a command was given: files, and folders of them."""

import stat
from collections.abc import Iterable
from pathlib import Path

from dataset.errors import PrepareError
from dataset.folders import listing
from scripts.console import note


def list_photos(given: Iterable[Path]) -> dict[Path, str]:
    """Return every photo, also those in folders, and why it cannot be used, "" where it can.

    Folders and files that cannot be read are among them.
    """
    listed: dict[Path, str] = {}
    for path in given:
        listed |= _found(path)
    return listed


def _found(path: Path) -> dict[Path, str]:
    """Return what `list_photos` does, for one path. It is not opened: what is no file may never end."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        reason = "The name - does not stand for standard input here" if path == Path("-") else error.strerror
        return {path: f"The file cannot be read: {reason}."}
    if stat.S_ISDIR(mode):
        return _in_folder(path)
    return {path: "" if stat.S_ISREG(mode) else "It is neither a file nor a folder."}


def _in_folder(folder: Path) -> dict[Path, str]:
    """Return what `list_photos` does, for a folder, and say what in it is left out."""
    try:
        found = listing(folder)
    except PrepareError as error:  # it is gone by now
        return {folder: str(error)}
    except OSError as error:
        return {folder: f"The folder cannot be read: {error.strerror or error}."}
    note(found.remarks)
    unreadable = {path: f"It cannot be read: {reason}." for path, reason in found.unreadable.items()}
    return dict.fromkeys(found.photos, "") | unreadable or {folder: "The folder holds no photos."}
