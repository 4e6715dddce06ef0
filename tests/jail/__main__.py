"""Measures starts and memory in the jail: `python -m tests.jail BUNDLE PORTRAIT`. docs/engines.md has the results.

The first table has starts at several memory sizes. With a cold disk, the kernel has forgotten every file of the
function, of its Python and of its libraries. The second table says with which memory size the largest photos are
answered that the API accepts. They are made of PORTRAIT, and of plain colour where their files would be too large.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from PIL import Image

from api.upload import MAX_PHOTO_BYTES
from bench.limits import KINDS, enlarged
from tests.gateway import Client
from tests.jail import deployments
from tests.jail.jail import Deployment, Function, FunctionEndedError, running, why_not

SIZES = (1024, 1769, 2048, 3008)
SMALL = (512, 640, 768, 1024, 1769)
REPEATS = 3
"""The quickest start counts, because other work on this machine only makes a start slower."""


def main(bundle: Path, portrait: Path) -> None:
    """Print both tables."""
    if reason := why_not():
        sys.exit(reason)
    with tempfile.TemporaryDirectory() as folder, Image.open(portrait) as image:
        home = Path(folder)
        home.chmod(0o755)
        measure = Measure(bundle, home, portrait.read_bytes())
        layouts = [measure.layout(name) for name in ("zip", "image")]
        row("engine", "memory, MB", "start, cold disk, s", "start, warm disk, s", "processor, s", "first answer, ms")
        row(*6 * ["---"])
        for layout in layouts:
            for megabytes in SIZES:
                measure.starts(layout, megabytes)
        photos = dict(large(image.convert("RGB")))
        row("engine", "memory, MB", f"not answered, of {len(photos)} photos", "memory at the peak, MB")
        row(*4 * ["---"])
        for layout in layouts:
            for megabytes in SMALL:
                measure.memory(layout, megabytes, photos)


class Measure:
    """Starts functions with one bundle."""

    def __init__(self, bundle: Path, home: Path, photo: bytes) -> None:
        self._bundle, self._home, self._photo = bundle, home, photo
        self._numbers = count()

    def layout(self, name: str) -> Deployment:
        """Lay out the "zip" or the "image"."""
        return {"zip": deployments.of_zip, "image": deployments.of_image}[name](self._folder())

    def starts(self, layout: Deployment, megabytes: int) -> None:
        """Print a row of the first table."""
        cold = min(self._start(layout, megabytes, cold=True) for _ in range(REPEATS))[0]
        warm, processor, first = map(min, zip(*(self._start(layout, megabytes) for _ in range(REPEATS)), strict=True))
        row(layout.engine, f"{megabytes:,}", f"{cold:.1f}", f"{warm:.1f}", f"{processor:.1f}", f"{first:.0f}")

    def _start(self, layout: Deployment, megabytes: int, *, cold: bool = False) -> tuple[float, float, float]:
        """Return the seconds of a start, those of a processor, and the milliseconds of the first answer."""
        if cold:
            forget(layout.task, layout.prefix, *layout.libraries)
        with self._function(layout, megabytes) as function:
            start, processor = function.wait_until("ready"), function.processor_seconds()
            began = time.monotonic()
            assert Client(function, "2.0").post("/recognize", self._photo, "image/jpeg").status == 200
            return start, processor, 1000 * (time.monotonic() - began)

    def memory(self, layout: Deployment, megabytes: int, photos: dict[str, bytes]) -> None:
        """Print a row of the second table."""
        killed, peak = [], 0
        waiting = list(photos)
        while waiting:
            with self._function(layout, megabytes) as function:
                function.wait_until("ready")
                while waiting:
                    name = waiting.pop(0)
                    if not answers(function, photos[name]):
                        killed.append(name)
                        break
                peak = max(peak, function.limits.peak or 0)
        row(layout.engine, f"{megabytes:,}", ", ".join(killed) or "none", f"{peak / 2**20:.0f}")

    @contextmanager
    def _function(self, layout: Deployment, megabytes: int) -> Iterator[Function]:
        with running(layout, self._bundle, self._folder(), megabytes) as function:
            yield function

    def _folder(self) -> Path:
        folder = self._home / str(next(self._numbers))
        folder.mkdir(mode=0o755)
        return folder


def row(*cells: str) -> None:
    """Print a row of a table."""
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def answers(function: Function, photo: bytes) -> bool:
    """Whether the function answers a photo; if not, the kernel has ended it."""
    try:
        return Client(function, "2.0").post("/recognize", photo, "application/octet-stream").status in {200, 422}
    except FunctionEndedError:
        return False


def large(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Yield a photo of each kind, nearly as large as that kind may be."""
    for kind, (megapixels, mode, save) in KINDS.items():
        data = save(enlarged(image, megapixels).convert(mode))
        if len(data) > MAX_PHOTO_BYTES:
            side = int((megapixels * 1e6) ** 0.5)
            data = save(Image.new(mode, (side, side)))
        if len(data) <= MAX_PHOTO_BYTES:
            yield kind, data


def forget(*folders: Path) -> None:
    """Make the kernel forget the content of all files in these folders, unless a process is using them."""
    for path in (path for folder in folders for path in (folder, *folder.rglob("*"))):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
