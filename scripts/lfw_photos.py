"""Downloads Labeled Faces in the Wild for the commands that measure on it."""

import shutil
import warnings
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.error import URLError

from scripts import checks
from scripts.console import CACHE, CommandError, console

_MEGABYTES: Final = 500
"""The download, and the photos in it."""

_HOME: Final = CACHE / "scikit-learn"
_PHOTOS: Final = _HOME / "lfw_home" / "lfw_funneled"
_ARCHIVE: Final = _PHOTOS.with_name("lfw-funneled.tgz")
"""scikit-learn deletes it when it is unpacked, so that a file here means an interrupted download."""


def fetch(instead: str) -> Path:
    """Return scikit-learn's copy of LFW, 233 MB, downloading it the first time; `instead` says what to do without it.

    Raises:
        CommandError: it cannot be downloaded.
    """
    if _ARCHIVE.exists():
        shutil.rmtree(_PHOTOS, ignore_errors=True)
    if not _PHOTOS.is_dir():
        checks.target(CACHE, _MEGABYTES)
        console.print("Downloading Labeled Faces in the Wild, 233 MB.")
        from sklearn.datasets import fetch_lfw_pairs

        try:
            with warnings.catch_warnings(action="ignore"):
                # scikit-learn also reads the photos; one pixel of each is enough, because only the files are needed.
                corner = slice(0, 1), slice(0, 1)
                fetch_lfw_pairs(subset="10_folds", data_home=_HOME, funneled=True, resize=None, slice_=corner)
        except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
            raise CommandError(f"Labeled Faces in the Wild cannot be downloaded: {error}. {instead}") from error
    return _PHOTOS
