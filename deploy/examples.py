"""Example photos for the website: upright, small, and without metadata such as place and time."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from deploy.errors import DeployError
from preprocess.errors import PhotoError
from preprocess.files import read_photo
from preprocess.photo import Photo

_SIZE: Final = 1024
"""Largest long side in pixels. The network needs no more, and a phone downloads it quickly."""

_QUALITY: Final = 85

_THUMBNAIL_SIDE: Final = 144
"""Twice the 72 CSS pixels that the website shows, for screens with small pixels."""

_THUMBNAIL_QUALITY: Final = 60
"""2.4 to 3.9 kB for seventeen sample photos, 3.0 kB on average. Quality 70 takes 17 % more."""


@dataclass(frozen=True, slots=True)
class Example:
    """A photo for visitors to try, and the small picture that they tap; both are JPEGs without metadata."""

    photo: bytes
    thumbnail: bytes


def example(path: Path) -> Example:
    """Return the photo at 1024 pixels at most, with a square thumbnail of its middle.

    Raises:
        DeployError: the file cannot be read, or is not a photo.
    """
    try:
        opened = Photo(read_photo(path), size=_SIZE)
        image = Image.fromarray(opened.pixels(_SIZE / max(opened.width, opened.height)))
    except PhotoError as error:
        raise DeployError(f"{path} cannot be an example: {error}") from error
    except OSError as error:
        raise DeployError(f"{path} cannot be an example: {error.strerror or error}.") from error
    image.thumbnail((_SIZE, _SIZE), Image.Resampling.LANCZOS)
    side = min(_THUMBNAIL_SIDE, *image.size)
    square = ImageOps.fit(image, (side, side), Image.Resampling.LANCZOS)
    return Example(_jpeg(image, _QUALITY), _jpeg(square, _THUMBNAIL_QUALITY))


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, progressive=True, optimize=True)
    return file.getvalue()
