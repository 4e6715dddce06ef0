"""Folders of photos to folders of aligned faces, in parallel, going on where it was interrupted.

ALIGNED/
├── <person>/<photo>.jpg      the most prominent face of each photo, 600x600
└── .visage/                  journal.jsonl, report.json, report.html and the thumbnails it shows
"""

import hashlib
import json
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from PIL import Image

from preprocess.align import PHOTO_CHIP, Aligner, predictor_file
from preprocess.detect import Detector
from preprocess.errors import NoFaceError, PhotoError, PhotoTooLargeError, PrepareError
from preprocess.folders import walk
from preprocess.photo import RGBArray, decode
from preprocess.report import write_page

OUTPUT: Final = ".visage"
REPORT: Final = "report.json"
PAGE: Final = "report.html"

MAX_FILE_BYTES: Final = 200_000_000
_JPEG_QUALITY: Final = 95
_THUMBNAIL: Final = (200, 200)

OnProgress = Callable[[int, int], None]
"""Photos done, photos in all."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one photo: its chip, or the reason why it has none.

    Paths are relative, with slashes: `photo` to the photos, `chip` and `thumbnail` to the aligned faces.
    `stamp` tells whether the photo changed since; `faces` counts those found.
    """

    photo: str
    stamp: str
    person: str
    chip: str | None = None
    reason: str | None = None
    faces: int = 0
    thumbnail: str | None = None


@dataclass(frozen=True)
class Report:
    """Every photo's outcome, and a sentence for each thing that is odd about the folders."""

    outcomes: Sequence[Outcome]
    remarks: Sequence[str]

    @property
    def left_out(self) -> list[Outcome]:
        """The photos without a chip."""
        return [outcome for outcome in self.outcomes if outcome.reason]

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return, for each person, how many photos there are and how many have a chip."""
        people: dict[str, tuple[int, int]] = {}
        for outcome in self.outcomes:
            photos, chips = people.get(outcome.person, (0, 0))
            people[outcome.person] = photos + 1, chips + (outcome.chip is not None)
        return people

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `report.json`."""
        return {
            "people": {name: {"photos": n, "aligned": chips} for name, (n, chips) in self.counts().items()},
            "remarks": list(self.remarks),
            "photos": [asdict(outcome) for outcome in self.outcomes],
        }


def prepare(photos: Path, aligned: Path, workers: int, on_progress: OnProgress) -> Report:
    """Align the most prominent face of every photo under `photos` into `aligned`, and report on every photo.

    A photo that an earlier call saw, and that has not changed since, is not looked at again; the chip of one that is
    gone is removed.

    Raises:
        PrepareError: the folders cannot be prepared, or a worker process was killed.
        OSError: the disk is full, or does not let us write.
    """
    photos, aligned = photos.resolve(), aligned.resolve()
    if aligned == photos or aligned in photos.parents or photos in aligned.parents:
        raise PrepareError("The aligned faces need a folder of their own, outside the photos.")
    people = walk(photos)
    tasks = {
        path.relative_to(photos).as_posix(): _Task(photos, path, aligned, person)
        for person, paths in people.photos.items()
        for path in paths
    }
    journal = _Journal(aligned / OUTPUT / "journal.jsonl")
    done = journal.read()
    kept = {name: done[name] for name in tasks if name in done and _is_current(done[name], tasks[name])}
    _forget([outcome for name, outcome in done.items() if name not in kept], aligned)
    outcomes = dict(kept)
    on_progress(len(outcomes), len(tasks))
    missing = [task for name, task in tasks.items() if name not in kept]
    with journal.appending() as append:
        for outcome in _in_parallel(missing, workers):
            append(outcome)
            outcomes[outcome.photo] = outcome
            on_progress(len(outcomes), len(tasks))
    report = Report([outcomes[name] for name in tasks], people.remarks)
    _write_report(report, aligned / OUTPUT)
    return report


@dataclass(frozen=True, slots=True)
class _Task:
    photos: Path
    path: Path
    aligned: Path
    person: str

    @property
    def name(self) -> str:
        return self.path.relative_to(self.photos).as_posix()

    def stamp(self) -> str:
        status = self.path.stat()
        return f"{status.st_size}:{status.st_mtime_ns}"


def _in_parallel(tasks: Sequence[_Task], workers: int) -> Iterator[Outcome]:
    """Yield outcomes as they come. Workers leave Ctrl-C to the parent, which drops what has not begun."""
    if not tasks:
        return
    executor = ProcessPoolExecutor(
        min(workers, len(tasks)), get_context("spawn"), initializer=signal.signal, initargs=_IGNORE_INTERRUPT
    )
    try:
        yield from executor.map(_align, tasks)
    except BrokenProcessPool as error:
        raise PrepareError(
            "A worker process was killed, most likely for want of memory. Run it again with fewer --workers; "
            "what is done is kept."
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


_IGNORE_INTERRUPT: Final = (signal.SIGINT, signal.SIG_IGN)


def _align(task: _Task) -> Outcome:
    """Align one photo, in a worker."""
    stamp = task.stamp()
    pixels = None
    try:
        pixels = _read(task.path)
        boxes = _tools()[0].detect(pixels)
        if not boxes:
            raise NoFaceError("No face was found.")
        chip = _tools()[1].align(pixels, boxes[0], PHOTO_CHIP)
    except PhotoError as error:
        return Outcome(task.name, stamp, task.person, reason=str(error), thumbnail=_thumbnail(pixels, task))
    except PermissionError:
        return Outcome(task.name, stamp, task.person, reason="The file may not be read.")
    target = Path(f"{task.name}.jpg")
    _save(Image.fromarray(chip), task.aligned / target)
    return Outcome(task.name, stamp, task.person, chip=target.as_posix(), faces=len(boxes))


@cache
def _tools() -> tuple[Detector, Aligner]:
    """Load the detector and the landmarks once a process."""
    return Detector(), Aligner(predictor_file())


def _read(path: Path) -> RGBArray:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise PhotoTooLargeError(f"The file has more than {MAX_FILE_BYTES // 1_000_000} MB.")
    return decode(path.read_bytes())


def _thumbnail(pixels: RGBArray | None, task: _Task) -> str | None:
    """Keep a small picture of a photo that is left out, if it has one."""
    if pixels is None:
        return None
    image = Image.fromarray(pixels)
    image.thumbnail(_THUMBNAIL)
    target = Path(OUTPUT, "thumbnails", hashlib.sha256(task.name.encode()).hexdigest()[:16] + ".jpg")
    _save(image, task.aligned / target)
    return target.as_posix()


def _save(image: Image.Image, path: Path) -> None:
    """Write a JPEG that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    try:
        image.save(unfinished, format="JPEG", quality=_JPEG_QUALITY)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    unfinished.replace(path)


def _is_current(outcome: Outcome, task: _Task) -> bool:
    """Whether an earlier outcome still holds: the photo is the same, and what was made of it is there."""
    made = [name for name in (outcome.chip, outcome.thumbnail) if name]
    return outcome.stamp == task.stamp() and all((task.aligned / name).is_file() for name in made)


def _forget(outcomes: Iterable[Outcome], aligned: Path) -> None:
    """Remove what was made from photos that are gone or have changed."""
    for outcome in outcomes:
        for made in (outcome.chip, outcome.thumbnail):
            if made:
                (aligned / made).unlink(missing_ok=True)


class _Journal:
    """One line of JSON an outcome, written as it comes, so that an interrupted run can go on."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Outcome]:
        """Return the last outcome of each photo; a line torn by an interruption does not count."""
        if not self._path.exists():
            return {}
        outcomes = {}
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                outcome = Outcome(**json.loads(line))
            except (ValueError, TypeError):
                continue
            outcomes[outcome.photo] = outcome
        return outcomes

    @contextmanager
    def appending(self) -> Iterator[Callable[[Outcome], None]]:
        """Yield a function that adds an outcome."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:

            def append(outcome: Outcome) -> None:
                file.write("\n" + json.dumps(asdict(outcome), ensure_ascii=False))
                file.flush()

            yield append


def _write_report(report: Report, output: Path) -> None:
    (output / REPORT).write_text(json.dumps(report.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_page(report.to_dict(), output / PAGE)
