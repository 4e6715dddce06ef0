"""Decodes the pixels that a file holds, and measures how much of the picture is missing where the file ends early."""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import ImageFile

from preprocess.errors import UnreadablePhotoError
from preprocess.formats import Encoded, translate_errors

MAX_MISSING: Final = 0.1
"""The largest share of a picture that may be missing, at whichever side: see docs/decoding.md for the measurement."""

_UNTOUCHED: Final = 0
"""What Pillow fills an image with before it decodes."""

_FILLINGS: Final = (b"\0", b"\x80", b"\xff", b"\x55")
"""What completes a file that ends early. Decoders show different pixels for each, from the first missing one on."""

_GREY: Final = {"L": 128, "RGB": 128, "CMYK": 127}
"""What libjpeg shows where data is missing: the middle of the range of every component. Pillow inverts CMYK."""


def load(image: ImageFile.ImageFile, encoded: Encoded) -> tuple[ImageFile.ImageFile, bool]:
    """Decode the pixels of `image`, which `encoded` was opened as; return it, and whether all pixels are there.

    If the decoder fails on the way, the rows before the failure count.

    Raises:
        UnreadablePhotoError: the image is damaged, and more than MAX_MISSING of its rows are missing.
    """
    if encoded.container.completed:
        image, other = _completed(encoded)
        missing = _share_below(_changed_rows(image, other))
    elif not _is_decoded(image):
        rows = _plain_rows(image, _UNTOUCHED)
        missing = max(_share_below(rows), _share_below(rows[::-1]) if encoded.format == "BMP" else 0)
    elif encoded.container.complete:
        return image, True
    else:
        missing = _share_below(_plain_rows(image, _GREY[image.mode])) if encoded.format == "JPEG" else 0
    if missing > MAX_MISSING:
        raise UnreadablePhotoError(
            f"The photo is incomplete: {missing:.0%} of it is missing, and there may be faces in that part."
        )
    return image, False


def _is_decoded(image: ImageFile.ImageFile) -> bool:
    """Decode the pixels; return whether the decoder got to the end.

    Raises:
        UnreadablePhotoError: it did not get to the first pixel.
    """
    try:
        with translate_errors():
            image.load()
    except UnreadablePhotoError:
        image.tile = []  # keeps the pixels so far, and fails again if there are none
        with translate_errors():
            image.load()
        return False
    return True


def _completed(encoded: Encoded) -> tuple[ImageFile.ImageFile, ImageFile.ImageFile]:
    """Return the image of a file that ends early as two completions of the file give it."""
    images = []
    for filling in _FILLINGS:
        image = encoded.open(filling)
        try:
            with translate_errors():
                image.load()
        except UnreadablePhotoError:  # the filling means something that cannot be
            continue
        images.append(image)
        if len(images) == 2:
            return images[0], images[1]
    raise UnreadablePhotoError("The photo is damaged or incomplete and cannot be decoded.")


def _plain_rows(image: ImageFile.ImageFile, value: int) -> npt.NDArray[np.bool_]:
    """Return which rows have `value` in all channels of all pixels."""
    rows: npt.NDArray[np.bool_] = (np.asarray(image).reshape(image.height, -1) == value).all(axis=1)
    return rows


def _changed_rows(image: ImageFile.ImageFile, other: ImageFile.ImageFile) -> npt.NDArray[np.bool_]:
    """Return the first row that differs between two images, and all rows below it."""
    changed: npt.NDArray[np.bool_] = (np.asarray(image) != np.asarray(other)).reshape(image.height, -1).any(axis=1)
    return np.logical_or.accumulate(changed)


def _share_below(rows: npt.NDArray[np.bool_]) -> float:
    """Return the share of the picture from the row on below which at least half of all rows are missing.

    Only every second row is missing where an interlaced picture ends early.
    """
    shares = np.cumsum(rows[::-1])[::-1] / np.arange(len(rows), 0, -1)
    first = np.flatnonzero(rows & (shares >= 0.5))
    return 1 - first[0] / len(rows) if first.size else 0.0
