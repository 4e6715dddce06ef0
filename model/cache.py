"""The folder on disk that bundles are downloaded to. It is private to the user, and versions that are not used go.

| name in the folder | content |
| --- | --- |
| `VERSION/` | the files of a bundle of that version |
| `VERSION/NAME.PID.part` | a file that a process is downloading |
| `VERSION.PID.user` | empty; its name says which process uses which version |
"""

import os
import re
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from model.errors import BundleUnavailableError
from preprocess.temporary import process_lives

_PRIVATE: Final = 0o700

_VERSION: Final = re.compile(r"[0-9a-f]{12}")
_OWNER: Final = re.compile(r".+\.([1-9][0-9]*)\.(?:user|part)")


def version_folder(cache: Path | None, version: str, user: int) -> Path:
    """Return the folder of a bundle's version in `cache`, which is made if it is missing. Tidy the cache.

    The default cache is a folder in the system's temporary directory. `user` is the number of the process that will use
    the files: the version stays in the cache as long as that process lives.

    Raises:
        BundleUnavailableError: the folder cannot be made.
    """
    try:
        home = _private_folder(cache)
        (home / f"{version}.{user}.user").touch()
        (home / version).mkdir(mode=0o700, exist_ok=True)
        _tidy(home, version)
    except OSError as error:
        raise BundleUnavailableError(f"There is no folder to download the bundle to: {error}") from error
    return home / version


def _private_folder(cache: Path | None) -> Path:
    """Return `cache`, by default a folder in the temporary directory, or a new folder if others can change that.

    Otherwise another user could replace a file after it was verified and before it is loaded.
    """
    temporary = Path(tempfile.gettempdir())
    choices = [cache] if cache else [temporary / "visage", temporary / f"visage-{os.getuid()}"]
    return next(filter(_made_private, choices), None) or Path(tempfile.mkdtemp(prefix="visage-"))


def _made_private(folder: Path) -> bool:
    """Make `folder` private if it is missing; return whether it is a folder that only this user could ever change."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()  # not stat: a link may later lead elsewhere
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        return False
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):  # others may have put files into it, and may still change them
        return False
    if stat.S_IMODE(found.st_mode) != _PRIVATE:
        folder.chmod(_PRIVATE)
    return True


def _tidy(home: Path, version: str) -> None:
    """Remove versions that no process uses, and unfinished files of processes that have ended."""
    for path in [*home.glob("*.user"), *home.glob("*/*.part")]:
        owner = _OWNER.fullmatch(path.name)
        if owner and not process_lives(int(owner[1])):
            path.unlink(missing_ok=True)
    for folder in home.iterdir():
        if _VERSION.fullmatch(folder.name) and folder.name != version and not any(home.glob(f"{folder.name}.*.user")):
            shutil.rmtree(folder, ignore_errors=True)
