"""Measures `visage search` in a large output: `python -m bench.search BUNDLE PHOTO [FACES]`, a million by default.

The output is made up: strangers like those of the bundle's cohort, one a photo, in parts of 32. It takes 1 KB a face on
the disk of temporary files, and its index as much again. The command runs in processes of its own: without an index,
with one, after one part in a hundred was written again, and once more. docs/search.md has the results.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from batch import parts
from batch.contract import HEADER, Header
from batch.parts import Part
from batch.rows import Row
from batch.storage import FolderStorage
from bench.memory import require_linux
from model import bundle as bundles
from model.cohort import Cohort, FloatArray, normalised
from model.settings import ROOT
from model.space import embedding_space
from model.strangers import draw

_FACES: Final = 1_000_000
_A_PART: Final = 32
_DRAWN: Final = 64 * _A_PART
"""Strangers who are drawn at once."""

_CHANGED: Final = 100
"""One part in so many is written again."""


def main(bundle: Path, photo: Path, faces: int = _FACES) -> None:
    """Print a row for each of the three searches."""
    require_linux()
    with tempfile.TemporaryDirectory() as folder:
        output = FolderStorage(Path(folder) / "output")
        names = make(output, bundle, faces)
        _print(f"{faces:,} faces in {len(names):,} parts")
        _print("| search | seconds | seconds of processors | peak memory, MB |")
        _print(4 * "| --- " + "|")
        _report("the first, which makes the index", output, bundle, photo)
        _report("the next", output, bundle, photo)
        for name in names[::_CHANGED]:
            parts.write(output, parts.read(output, name, embeddings=True))
        _report("after one part in a hundred has changed", output, bundle, photo)
        _report("the next", output, bundle, photo)


def make(output: FolderStorage, bundle: Path, faces: int) -> list[str]:
    """Write an output with so many faces, a multiple of 32, and return the names of its parts."""
    loaded = bundles.load(str(bundle), files={bundles.COHORT})
    header = Header("made up", "0" * 12, embedding_space(loaded.manifest), "2026-11-26T00:00:00Z", keep_embeddings=True)
    output.write(HEADER, header.to_json())
    names = []
    for number, embeddings in enumerate(_in_parts(_strangers(Cohort.load(loaded.path(bundles.COHORT)), faces))):
        names.append(f"{number:024x}")
        rows = [_row(f"{number:05}/{face:02}.jpg") for face in range(len(embeddings))]
        parts.write(output, Part(names[-1], rows, embeddings.astype(np.float16)))
    return names


def _strangers(cohort: Cohort, faces: int) -> Iterator[FloatArray]:
    """Yield embeddings of strangers, as `model.strangers.draw` draws them, each of them once."""
    random = np.random.default_rng(1)
    drawn = normalised(draw(cohort))
    for start in range(0, faces, _DRAWN):
        count = min(_DRAWN, faces - start)
        # Between two of those who are drawn, so that no face is there twice.
        one, other = drawn[random.integers(len(drawn), size=(2, count))]
        share = random.uniform(0, 1, (count, 1)).astype(np.float32)
        yield normalised(share * one + (1 - share) * other)


def _in_parts(embeddings: Iterable[FloatArray]) -> Iterator[FloatArray]:
    for block in embeddings:
        yield from (block[start : start + _A_PART] for start in range(0, len(block), _A_PART))


def _row(photo: str) -> Row:
    box = {"left": 100, "top": 80, "width": 120, "height": 150}
    face = {"box": box, "label": None, "known": False, "id": None}
    read = {"etag": "1", "bytes": 1, "sha256": None, "status": "unknown", "model": "0" * 12, "roster": None}
    return {"photo": photo, **read, "faces": [face]}


def _report(title: str, output: FolderStorage, bundle: Path, photo: Path) -> None:
    words = ["search", str(photo), "--in", output.location, "--bundle", str(bundle), "--json"]
    command, began = [sys.executable, "-m", "scripts", *words], time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    seconds, megabytes = time.perf_counter() - began, used.ru_maxrss * 1024 / 1e6
    _print(f"| {title} | {seconds:.1f} | {used.ru_utime + used.ru_stime:.1f} | {megabytes:.0f} |")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute(), *map(int, sys.argv[3:]))
