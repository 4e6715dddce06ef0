"""Example photos for the website: upright, small, and without a word on where and when they were taken."""

import io
from pathlib import Path
from typing import Final

from PIL import Image

from deploy.errors import DeployError
from preprocess.errors import PhotoError
from preprocess.photo import Photo

_SIZE: Final = 1024
"""Long side in pixels, at most: what the network makes of a face needs no more, and a phone has it in a moment."""

_QUALITY: Final = 85


def shrunk(photo: Path) -> bytes:
    """Return the photo as a JPEG of 1024 pixels at most, made of its pixels alone.

    Raises:
        DeployError: the file is no photo that can be read.
    """
    try:
        opened = Photo(photo.read_bytes(), size=_SIZE)
        image = Image.fromarray(opened.pixels(_SIZE / max(opened.width, opened.height)))
    except PhotoError as error:
        raise DeployError(f"{photo} cannot be an example: {error}") from error
    image.thumbnail((_SIZE, _SIZE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, progressive=True)
    return file.getvalue()
