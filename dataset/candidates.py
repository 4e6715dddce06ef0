"""Every face of every photo, found in parallel and kept in a journal, so that nothing is looked at twice.

A journal has a line of JSON a photo, written as it is done: an interrupted run goes on after the last whole line.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from dataset.workers import face_tools, parallel_map
from preprocess.detect import PASSES, Box
from preprocess.errors import PhotoError, PhotoTooLargeError
from preprocess.geometry import PHOTO_CHIP
from preprocess.photo import Photo, RGBArray

MAX_FACES: Final = 8
"""A photo's most prominent faces; the person whose folder it is in is hardly ever the ninth."""

MAX_FILE_BYTES: Final = 200_000_000
_JPEG_QUALITY: Final = 95
_THUMBNAIL: Final = 160

FloatArray = npt.NDArray[np.float32]

Embed = Callable[[RGBArray], FloatArray]
"""(N, S, S, 3) uint8 RGB chips to (N, 512) unit-length embeddings; pickled to the workers."""

OnProgress = Callable[[int, int], None]
"""Photos done, photos in all."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A face: its box in the photo, the place of its chip, its sharpness, a hash of its picture, and its embedding.

    `image_hash` is a difference hash of 64 bits in hexadecimal, `embedding` 512 half floats in base64.
    """

    box: Box
    chip: str
    sharpness: float
    image_hash: str
    embedding: str

    def vector(self) -> FloatArray:
        """Return the embedding, (512,) float32 of unit length."""
        halves = np.frombuffer(base64.b64decode(self.embedding), dtype=np.float16).astype(np.float32)
        unit: FloatArray = halves / np.linalg.norm(halves)
        return unit


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a photo offers: its faces, the most prominent first, or the reason why it has none.

    Paths are relative, with slashes: `photo` to the photos, `thumbnail` to the aligned faces. `stamp` tells whether the
    photo changed since, and `sha256` which photos are the same file.
    """

    photo: str
    person: str
    stamp: str
    sha256: str | None = None
    faces: tuple[Candidate, ...] = ()
    reason: str | None = None
    thumbnail: str | None = None

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read a line of the journal; raises KeyError, TypeError or ValueError where it is none."""
        faces = tuple(Candidate(**face | {"box": Box(**face["box"])}) for face in fields["faces"])
        return cls(**fields | {"faces": faces})

    def files(self) -> list[str]:
        """Return what was written for the photo."""
        return [*(face.chip for face in self.faces), *([self.thumbnail] if self.thumbnail else [])]


@dataclass(frozen=True, slots=True)
class DetectionTask:
    """A photo to look at, whose it is said to be, and where what is found goes: `output`, below `aligned`."""

    photos: Path
    path: Path
    person: str
    aligned: Path
    output: str
    embed: Embed

    @property
    def name(self) -> str:
        """The photo's path below the photos, with slashes."""
        return self.path.relative_to(self.photos).as_posix()

    def stamp(self) -> str:
        """Return what changes when the photo or the way of looking at it does."""
        status = self.path.stat()
        way = hashlib.sha256(f"{self.embed!r}{PASSES!r}{PHOTO_CHIP!r}".encode()).hexdigest()[:8]
        return f"{status.st_size}:{status.st_mtime_ns}:{way}"


def find_faces(
    tasks: Sequence[DetectionTask], journal: Path, workers: int, on_progress: OnProgress
) -> list[Candidates]:
    """Return what each photo offers, in the tasks' order; only photos that are new or changed are looked at.

    Raises:
        WorkerKilledError: a worker process was killed.
        OSError: the disk is full, or does not let us write.
    """
    book = _Journal(journal)
    known = book.read()
    current = {task.name: known[task.name] for task in tasks if task.name in known and _holds(known[task.name], task)}
    if tasks:
        _remove(tasks[0].aligned, [old for name, old in known.items() if name not in current])
    on_progress(len(current), len(tasks))
    with book.appending() as append:
        for found in parallel_map(_look_at, [task for task in tasks if task.name not in current], workers):
            append(found)
            current[found.photo] = found
            on_progress(len(current), len(tasks))
    return [current[task.name] for task in tasks]


def _look_at(task: DetectionTask) -> Candidates:
    """Find, align and embed the faces of one photo, in a worker."""
    stamp, digest = task.stamp(), None
    try:
        data = _read(task.path)
        digest = hashlib.sha256(data).hexdigest()
        photo = Photo(data)
        detector, aligner = face_tools()
        boxes = detector.detect(photo)[:MAX_FACES]
        chips = [aligner.align(photo, box, PHOTO_CHIP) for box in boxes]
    except PhotoError as error:
        return Candidates(task.name, task.person, stamp, digest, reason=str(error))
    except PermissionError:
        return Candidates(task.name, task.person, stamp, reason="The file may not be read.")
    if not boxes:
        thumbnail = _thumbnail(photo, task)
        return Candidates(task.name, task.person, stamp, digest, reason="No face was found.", thumbnail=thumbnail)
    faces = map(_candidate, [task] * len(boxes), range(len(boxes)), boxes, chips, task.embed(np.stack(chips)))
    return Candidates(task.name, task.person, stamp, digest, tuple(faces))


def _candidate(task: DetectionTask, number: int, box: Box, chip: RGBArray, embedding: FloatArray) -> Candidate:
    target = f"{task.output}/faces/{_name(task)}-{number}.jpg"
    save(Image.fromarray(chip), task.aligned / target)
    halves = base64.b64encode(embedding.astype(np.float16).tobytes()).decode()
    return Candidate(box, target, round(sharpness(chip), 1), difference_hash(chip), halves)


def _name(task: DetectionTask) -> str:
    """Name a photo's files so that no two photos and no two file systems can quarrel."""
    return hashlib.sha256(task.name.encode()).hexdigest()[:16]


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise PhotoTooLargeError(f"The file has more than {MAX_FILE_BYTES // 1_000_000} MB.")
    return path.read_bytes()


def _thumbnail(photo: Photo, task: DetectionTask) -> str:
    """Keep a small picture of a photo without a face."""
    image = Image.fromarray(photo.pixels(_THUMBNAIL / max(photo.width, photo.height)))
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    target = f"{task.output}/faces/{_name(task)}.jpg"
    save(image, task.aligned / target)
    return target


def save(image: Image.Image, path: Path) -> None:
    """Write a JPEG that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    try:
        image.save(unfinished, format="JPEG", quality=_JPEG_QUALITY)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    unfinished.replace(path)


def sharpness(chip: RGBArray) -> float:
    """Return the variance of the Laplacian of a chip at 112 pixels, grey; small where nothing has an edge.

    J. L. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
    """
    grey = np.asarray(Image.fromarray(chip).convert("L").resize((112, 112), Image.Resampling.BOX), dtype=np.float32)
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian[16:-16, 16:-16].var())


def difference_hash(chip: RGBArray) -> str:
    """Return 64 bits in hexadecimal, each whether a spot is brighter than its right neighbour.

    Copies of a picture at other sizes and qualities differ in a few bits only
    (N. Krawetz, "Kind of Like That", hackerfactor.com, 2013).
    """
    grey = np.asarray(Image.fromarray(chip).convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    return np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes().hex()


def _holds(found: Candidates, task: DetectionTask) -> bool:
    """Whether what was found earlier still holds: the photo is the same, and what was made of it is there."""
    return found.stamp == task.stamp() and all((task.aligned / name).is_file() for name in found.files())


def _remove(aligned: Path, outdated: Iterable[Candidates]) -> None:
    """Remove what was made from photos that are gone or have changed."""
    for found in outdated:
        for name in found.files():
            (aligned / name).unlink(missing_ok=True)


class _Journal:
    """One line of JSON a photo, written as it comes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Candidates]:
        """Return the last line of each photo; one torn by an interruption does not count."""
        if not self._path.exists():
            return {}
        found = {}
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                candidates = Candidates.from_dict(json.loads(line))
            except (ValueError, TypeError, KeyError):
                continue
            found[candidates.photo] = candidates
        return found

    @contextmanager
    def appending(self) -> Iterator[Callable[[Candidates], None]]:
        """Yield a function that adds a line."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:

            def append(found: Candidates) -> None:
                file.write("\n" + json.dumps(asdict(found), ensure_ascii=False))
                file.flush()

            yield append
