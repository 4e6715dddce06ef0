"""Sound photos in every accepted format, which the mutations damage. Each shows a face, and is small: detection is
what takes most time."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image, ImageCms

from bench.limits import encoded
from dataset.centerface import network
from preprocess.detect import Detector
from preprocess.photo import Photo

SMALL, LARGE = (96, 96), (700, 700)
"""A detector enlarges small photos four times at most, so that one pass over a small photo takes milliseconds."""


@dataclass(frozen=True)
class Seed:
    """A sound photo: `container` names its structure, see `tests.fuzz.containers`."""

    name: str
    container: str
    data: bytes


def portrait_in(data):
    """Return a square picture of the most prominent face in a photo: seeds are made of it."""
    photo = Photo(data)
    face = Detector(network()).detect(photo)[0]
    left, top = max(0, face.left - face.width // 2), max(0, face.top - face.height // 2)
    return Image.fromarray(photo.pixels()).crop((left, top, left + 2 * face.width, top + 2 * face.height))


def seeds(portrait):
    """Return seeds by name; `portrait` is a square photo of one face."""
    small, large = portrait.resize(SMALL), portrait.resize(LARGE)
    made = {name: (container, save(small)) for name, container, save in _WAYS}
    made |= {f"large {name}": (container, save(large)) for name, container, save in _WAYS if name in _ALSO_LARGE}
    return {name: Seed(name, container, data) for name, (container, data) in made.items()}


def _save(kind, image, *, mode="RGB", **options):
    return encoded(image.convert(mode), kind, **options)


def _animated(kind, image, **options):
    return _save(kind, image, save_all=True, append_images=[image.rotate(9), image.rotate(18)], **options)


def _deep(kind, image, kind_of_number, **options):
    grey = np.asarray(image.convert("L")).astype(kind_of_number)
    return encoded(Image.fromarray(grey * kind_of_number(257)), kind, **options)  # 0 to 65535


def _exif():
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x011A] = 1, "A camera", 72.0
    exif.get_ifd(0x8769)[0x9003] = "2026:11:26 12:00:00"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.5)
    return exif.tobytes()


_METADATA = {"exif": _exif(), "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}

_WAYS = (
    ("jpeg", "JPEG", partial(_save, "JPEG", quality=85, **_METADATA)),
    ("jpeg progressive", "JPEG", partial(_save, "JPEG", progressive=True)),
    ("jpeg restart markers", "JPEG", partial(_save, "JPEG", restart_marker_rows=1)),
    ("jpeg grey", "JPEG", partial(_save, "JPEG", mode="L")),
    ("jpeg cmyk", "JPEG", partial(_save, "JPEG", mode="CMYK")),
    ("mpo", "JPEG", partial(_animated, "MPO")),
    ("png", "PNG", partial(_save, "PNG", **_METADATA)),
    ("png palette", "PNG", partial(_save, "PNG", mode="P", transparency=3)),
    ("png transparent", "PNG", partial(_save, "PNG", mode="RGBA")),
    ("png 16 bits", "PNG", partial(_deep, "PNG", kind_of_number=np.uint16)),
    ("png animated", "PNG", partial(_animated, "PNG")),
    ("webp", "WebP", partial(_save, "WEBP", **_METADATA)),
    ("webp lossless", "WebP", partial(_save, "WEBP", lossless=True, mode="RGBA")),
    ("webp animated", "WebP", partial(_animated, "WEBP")),
    ("gif", "GIF", partial(_save, "GIF", comment="A comment.")),
    ("gif animated", "GIF", partial(_animated, "GIF", transparency=3, disposal=2)),
    ("bmp", "BMP", partial(_save, "BMP")),
    ("bmp palette", "BMP", partial(_save, "BMP", mode="P")),
    ("tiff", "TIFF", partial(_save, "TIFF", **_METADATA)),
    *(
        (f"tiff {compression}", "TIFF", partial(_save, "TIFF", compression=compression))
        for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "lzma", "zstd")
    ),
    ("tiff fax", "TIFF", partial(_save, "TIFF", mode="1", compression="group4")),
    ("tiff cmyk", "TIFF", partial(_save, "TIFF", mode="CMYK", compression="tiff_lzw")),
    ("tiff 16 bits", "TIFF", partial(_deep, "TIFF", kind_of_number=np.uint16)),
    ("tiff 32 bits", "TIFF", partial(_deep, "TIFF", kind_of_number=np.int32)),
    ("tiff floating point", "TIFF", partial(_deep, "TIFF", kind_of_number=np.float32)),
    ("tiff pages", "TIFF", partial(_animated, "TIFF")),
    ("tiff big", "TIFF", partial(_save, "TIFF", big_tiff=True)),
    ("avif", "AVIF", partial(_save, "AVIF", speed=10, **_METADATA)),
    ("avif animated", "AVIF", partial(_animated, "AVIF", speed=10)),
    ("heic", "HEIC", partial(_save, "HEIF", quality=60, exif=_METADATA["exif"])),
)

_ALSO_LARGE = ("jpeg", "jpeg progressive", "png", "webp", "tiff tiff_lzw", "avif", "heic")
