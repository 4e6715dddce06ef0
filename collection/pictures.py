"""Small pictures of faces for a page, cut from the photos of a source."""

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from PIL import Image

from batch.contract import Listed
from batch.errors import BatchError
from batch.sources import Source
from preprocess.errors import PhotoError
from preprocess.photo import FULL_SIZE, Photo

SIDE: Final = 96
_MARGIN: Final = 0.2
"""The share of a face's box that is shown around it."""

_QUALITY: Final = 80


@dataclass(frozen=True, slots=True)
class Picture:
    """A face in a photo: `box` is that of the row, in pixels of the photo."""

    listed: Listed
    box: dict[str, int]


def pictures_of(source: Source, pictures: Iterable[Picture]) -> list[tuple[str, str]]:
    """Return each picture as a photo's key and a data URL; photos that cannot be read any more are left out."""
    found = []
    for picture in pictures:
        try:
            cut = _cut(source.read(picture.listed), picture.box)
        except (BatchError, PhotoError, OSError, ValueError):
            continue
        found.append((picture.listed.key, f"data:image/jpeg;base64,{base64.b64encode(cut).decode()}"))
    return found


def _cut(data: bytes, box: dict[str, int]) -> bytes:
    """Return a face as a JPEG file of SIDE pixels a side."""
    photo = Photo(data, size=FULL_SIZE)
    pixels = photo.pixels()
    scale = pixels.shape[1] / photo.width
    side = (1 + 2 * _MARGIN) * max(box["width"], box["height"]) * scale
    middle_x, middle_y = ((box[a] + box[b] / 2) * scale for a, b in (("left", "width"), ("top", "height")))
    area = tuple(round(middle + sign * side / 2) for sign in (-1, 1) for middle in (middle_x, middle_y))
    file = io.BytesIO()
    picture = Image.fromarray(pixels).crop((area[0], area[1], area[2], area[3]))
    picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
