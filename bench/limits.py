"""Measures what large photos cost: `python -m bench.limits BUNDLE PHOTO`.

A photo of each kind is made of PHOTO: enlarged, with some noise, as large as its kind may be. A fresh process loads the
bundle and recognises it. The table has the seconds of one core, and the process's memory before the photo and at its
peak. docs/decoding.md has the results.
"""

import io
import math
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pillow_heif
from PIL import Image

from bench.memory import memory, require_linux
from model.recognizer import Recognizer
from model.settings import Settings
from preprocess.errors import PhotoError

_NOISE: Final = 3
"""Levels, the standard deviation of the noise. Without noise, enlarged photos would have fewer bytes than real ones."""


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the image as a file; `kind` is Pillow's name of the format, and `options` are those of its encoder."""
    file = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(file, **options)
    else:
        image.save(file, kind, **options)
    return file.getvalue()


KINDS: Final = {
    "JPEG": (200, "RGB", partial(encoded, kind="JPEG", quality=85)),
    "JPEG, progressive": (50, "RGB", partial(encoded, kind="JPEG", quality=85, progressive=True)),
    "JPEG, progressive, 4:4:4": (26, "RGB", partial(encoded, kind="JPEG", quality=90, progressive=True, subsampling=0)),
    "PNG": (27, "RGB", partial(encoded, kind="PNG", compress_level=3)),
    "PNG, transparent": (21, "RGBA", partial(encoded, kind="PNG", compress_level=3)),
    "WebP": (22, "RGB", partial(encoded, kind="WEBP", method=0)),
    "WebP, transparent": (22, "RGBA", partial(encoded, kind="WEBP", method=0)),
    "GIF": (46, "P", partial(encoded, kind="GIF")),
    "BMP": (36, "RGB", partial(encoded, kind="BMP")),
    "TIFF": (23, "RGB", partial(encoded, kind="TIFF")),
    "TIFF, LZW": (23, "RGB", partial(encoded, kind="TIFF", compression="tiff_lzw")),
    "AVIF": (36, "RGB", partial(encoded, kind="AVIF", speed=10, quality=60)),
    "HEIC": (24.5, "RGB", partial(encoded, kind="HEIF", quality=55)),
}
"""Megapixels, Pillow's mode, and how a photo of each kind is saved."""


def main(bundle: Path, photo: Path) -> None:
    """Print a row for each kind."""
    require_linux()
    _print("| kind | megapixels | MB | seconds of one core | memory before, MB | at its peak, MB |")
    _print(6 * "| --- " + "|")
    with Image.open(photo) as image, tempfile.TemporaryDirectory() as folder:
        rgb = image.convert("RGB")
        for kind, (megapixels, mode, save) in KINDS.items():
            file = Path(folder) / "photo"
            file.write_bytes(save(enlarged(rgb, megapixels).convert(mode)))
            command = [sys.executable, "-m", "bench.limits", str(bundle), str(file), "--one"]
            row = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
            _print(f"| {kind} | {megapixels} | {file.stat().st_size / 1e6:.1f} | {row} |")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def enlarged(image: Image.Image, megapixels: float) -> Image.Image:
    """Return the image with so many pixels, and noise."""
    factor = math.sqrt(megapixels * 1e6 / (image.width * image.height))
    size = int(image.width * factor), int(image.height * factor)
    pixels = np.asarray(image.resize(size, Image.Resampling.BICUBIC)).copy()
    noise = np.random.default_rng(0).normal(0, _NOISE, (256, size[0], 3)).astype(np.int16)
    for top in range(0, size[1], 256):
        band = pixels[top : top + 256]
        band[:] = (band + noise[: len(band)]).clip(0, 255)
    return Image.fromarray(pixels)


def _measure(bundle: Path, photo: Path) -> str:
    """Recognise one photo in this process; return the last cells of its row."""
    recognizer = Recognizer.load(str(bundle), Settings.read())
    data, (before, _), started = photo.read_bytes(), memory(), time.process_time()
    try:
        recognizer.recognize(data)
        note = ""
    except PhotoError as error:
        note = f" ({error})"
    return f"{time.process_time() - started:.2f}{note} | {before:.0f} | {memory()[1]:.0f}"


if __name__ == "__main__":
    if sys.argv[3:] == ["--one"]:
        _print(_measure(Path(sys.argv[1]), Path(sys.argv[2])))
    else:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
