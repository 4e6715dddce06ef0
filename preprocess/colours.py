"""Converts decoded images of any of Pillow's modes to eight bits of red, green and blue.

Greys and colours of more than eight bits are scaled by the values that occur in the image: files of 16 bits often hold
10, 12 or 14, and floating-point numbers have no white. Colour profiles are not applied: see docs/decoding.md.
"""

import math
import sys
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from preprocess.decoding import load
from preprocess.errors import UnreadablePhotoError
from preprocess.formats import Encoded, rawmode, translate_errors

RGBArray = npt.NDArray[np.uint8]
"""(H, W, 3) uint8 RGB."""

Levels = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.number]

_Box = tuple[int, int, int, int]
"""Left, top, right and bottom of a part of an image."""

_EXTREMES: Final = (0.1, 99.9)
"""Percentiles of the values that become black and white: single pixels of a sensor may be dead or hot."""

_SAMPLE_SIDE: Final = 1000
"""Pixels of so many rows and columns are enough for the percentiles."""

_BAND_PIXELS: Final = 4_000_000
"""Larger images are converted in bands of so many pixels, which takes less memory."""

_DEEP_GREYS: Final = ("I", "I;16", "I;16L", "I;16B", "I;16N", "F")
"""Pillow's modes of one channel with more than eight bits."""

_BRIGHT: Final = 128
"""If the upper eight bits of 16 reach this level, the lower eight are not needed."""

_DEEP_GREY_ALPHA: Final = "LA;16B"
_SWAPPED: Final = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}
"""The other order of two bytes, for each name that Pillow has for an order."""


def rgb(image: Image.Image, encoded: Encoded, turn: Image.Transpose | None = None) -> RGBArray:
    """Return the pixels of a decoded image, which `encoded` was opened as, turned; what is transparent becomes white.

    Raises:
        UnreadablePhotoError: its palette or transparency is damaged.
    """
    image = _deep_colours(image, encoded) or image
    image = image if turn is None else image.transpose(turn)
    convert = _deep_grey(image, encoded) if image.mode in _DEEP_GREYS else _eight_bits
    first, *others = _bands(image)
    if not others:
        return convert(image)
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for box in (first, *others):
        pixels[box[1] : box[3]] = convert(image.crop(box))
    return pixels


def _bands(image: Image.Image) -> Iterator[_Box]:
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield 0, top, image.width, min(top + rows, image.height)


def _eight_bits(image: Image.Image) -> RGBArray:
    """Convert an image of eight bits a channel."""
    if image.mode in {"P", "PA"} and image.palette is None:
        raise UnreadablePhotoError("The photo is damaged: it has no palette for its colours.")
    with translate_errors():  # the palette or the transparency of the file may be damaged
        if image.mode == "LAB":
            return np.asarray(_from_lab(image))
        if not image.has_transparency_data:
            return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
        rgba = image.convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB"))


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms  # noqa: PLC0415  # its import takes time, and hardly any photo needs it

    lab, srgb = (ImageCms.ImageCmsProfile(ImageCms.createProfile(space)) for space in ("LAB", "sRGB"))
    return ImageCms.ImageCmsTransform(lab, srgb, "LAB", "RGB").apply(image)


def _deep_grey(whole: Image.Image, encoded: Encoded) -> Callable[[Image.Image], RGBArray]:
    """Return the conversion of images of one channel with more than eight bits, scaled as `whole` needs it."""

    def numbers(image: Image.Image) -> Numbers:
        values = np.asarray(image)
        return values.view(np.uint32) if encoded.container.unsigned else values

    scaled = _levels(numbers(whole))

    def convert(image: Image.Image) -> RGBArray:
        grey = scaled(numbers(image))
        return np.repeat((255 - grey if encoded.container.inverted else grey)[:, :, None], 3, axis=2)

    return convert


def _deep_colours(image: Image.Image, encoded: Encoded) -> Image.Image | None:
    """Return an image of 16 bits a channel, of which it uses only the lower ones, with eight; None for other images."""
    if image.mode not in ("RGB", "RGBA") or encoded.format not in ("PNG", "TIFF") or _is_bright(image):
        return None
    lower = _lower_bytes(encoded)
    if lower is None:
        return None
    size = min(image.width, _SAMPLE_SIDE), min(image.height, _SAMPLE_SIDE)
    sample = _joined(*(half.resize(size, Image.Resampling.NEAREST) for half in (image, lower)))
    scaled, opaque = _levels(sample[..., :3]), sample[..., 3:].max(initial=1)
    pixels = np.empty((image.height, image.width, sample.shape[2]), np.uint8)
    for box in _bands(image):
        values = _joined(image.crop(box), lower.crop(box))
        band = pixels[box[1] : box[3]]
        band[..., :3] = scaled(values[..., :3])
        band[..., 3:] = np.minimum(values[..., 3:] / opaque, 1) * 255
    return Image.fromarray(pixels)


def _is_bright(image: Image.Image) -> bool:
    """Return whether the upper eight bits of the colours tell enough."""
    counts = np.array(image.histogram()[: 3 * 256]).reshape(3, 256).sum(axis=0)
    return bool(np.searchsorted(counts.cumsum(), counts.sum() * _EXTREMES[1] / 100) >= _BRIGHT)


def _lower_bytes(encoded: Encoded) -> Image.Image | None:
    """Decode the lower eight bits of channels with 16; None if the channels have eight.

    Pillow decodes the upper eight only. It decodes the lower if it is told that the bytes have the other order.
    """
    image = encoded.open()
    layout = rawmode(image)
    if layout == _DEEP_GREY_ALPHA:
        other = "RGBA"  # upper and lower byte of the grey, upper and lower byte of its opacity
    elif layout[:-1] in ("RGB;16", "RGBX;16", "RGBA;16"):
        other = layout[:-1] + _SWAPPED[layout[-1]]
    else:
        return None
    image.tile = [
        part._replace(args=(other, *part.args[1:]) if isinstance(part.args, tuple) else other) for part in image.tile
    ]
    image, _ = load(image, encoded)
    if layout == _DEEP_GREY_ALPHA:
        _, grey, _, alpha = image.split()
        return Image.merge("RGBA", (grey, grey, grey, alpha))
    return image


def _joined(upper: Image.Image, lower: Image.Image) -> npt.NDArray[np.uint16]:
    """Return the numbers whose upper and lower eight bits two images hold."""
    joined: npt.NDArray[np.uint16] = np.asarray(upper).astype(np.uint16) << 8 | np.asarray(lower)
    return joined


def _finite(values: Numbers) -> npt.NDArray[np.float64]:
    """Return numbers as float64: NaN as 0, and infinity as the largest number that float32 has."""
    largest = float(np.finfo(np.float32).max)
    with np.errstate(invalid="ignore"):  # numpy warns of signalling NaNs, which a damaged file may have
        return np.nan_to_num(values.astype(np.float64), posinf=largest, neginf=-largest)


def _levels(values: Numbers) -> Callable[[Numbers], Levels]:
    """Return a function that scales numbers so that most `values` span 0 to 255; NaN counts as 0.

    Integers that span all of 16 bits lose their lower eight.
    """
    flat = values.reshape(-1)
    sample = _finite(flat[:: math.ceil(flat.size / _SAMPLE_SIDE**2)])
    low = np.percentile(sample, _EXTREMES[0], method="lower")
    high = np.percentile(sample, _EXTREMES[1], method="higher")
    whole = np.issubdtype(values.dtype, np.integer)
    factor = 256 / (high - low + 1) if whole else 255 / ((high - low) or 1)

    def scaled(numbers: Numbers) -> Levels:
        brightness = (_finite(numbers) - low) * factor
        return brightness.clip(0, 255).astype(np.uint8)

    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return scaled(np.arange(1 << 16)).__getitem__  # a table is faster
    return scaled
