"""Example photos for the website: upright, small, and without metadata such as place and time."""

import io
from pathlib import Path
from typing import Final

from PIL import Image

from deploy.errors import DeployError
from preprocess.errors import PhotoError
from preprocess.photo import Photo

_SIZE: Final = 1024
"""Largest long side in pixels. The network needs no more, and a phone downloads it quickly."""

_QUALITY: Final = 85


def example_jpeg(photo: Path) -> bytes:
    """Return the photo as a JPEG of 1024 pixels at most, without metadata.

    Raises:
        DeployError: the file cannot be read, or is not a photo.
    """
    try:
        opened = Photo(photo.read_bytes(), size=_SIZE)
        image = Image.fromarray(opened.pixels(_SIZE / max(opened.width, opened.height)))
    except PhotoError as error:
        raise DeployError(f"{photo} cannot be an example: {error}") from error
    except OSError as error:
        raise DeployError(f"{photo} cannot be an example: {error.strerror or error}.") from error
    image.thumbnail((_SIZE, _SIZE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, progressive=True)
    return file.getvalue()
