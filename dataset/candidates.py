"""Finds every face of every photo in parallel, and keeps a journal so that no photo is processed twice.

The journal gets a line of JSON for each photo when the photo is done. An interrupted run goes on after the last whole
line.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, Final, Self

import numpy as np
from PIL import Image

from dataset.centerface import network
from dataset.consensus import FloatArray
from dataset.progress import OnProgress
from dataset.workers import face_tools, parallel_map
from preprocess.align import predictor_file
from preprocess.appearance import sharpness
from preprocess.detect import Box
from preprocess.errors import PhotoError
from preprocess.files import read_photo, replacing, sha256_of, write_text
from preprocess.geometry import PHOTO_CHIP
from preprocess.names import shown
from preprocess.photo import Photo, RGBArray

MAX_FACES: Final = 8
"""The largest number of faces that are kept of a photo: the most prominent ones."""

_LIBRARIES: Final = ("dlib-bin", "numpy", "onnxruntime", "Pillow", "pillow-heif")
"""Libraries whose versions decide which faces are found in a photo."""

_VERSION: Final = 6
"""Raise it when our own code finds other faces, chips or measures in the same photos."""

PICTURE_SIDE: Final = 32
_PICTURE_MARGIN: Final = 0.15
"""The share of a chip that is left out at each side of its small picture: captions, frames and crops change it."""

_EMBEDDING_SIZE: Final = 512
_JPEG_QUALITY: Final = 95
_THUMBNAIL: Final = 160

Embed = Callable[[RGBArray], FloatArray]
"""(N, S, S, 3) uint8 RGB chips to (N, 512) unit-length embeddings; pickled to the workers.

Its `repr` must change whenever its embeddings do, and must not depend on where files lie: the journal is keyed by it.
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A face that was found: its box in the photo, its chip's path below the aligned faces, and its measures.

    `sharpness` and `picture` are those of the chip, see `sharpness()` and `small_picture()`; `embedding` is 512 half
    floats in base64.
    """

    box: Box
    chip: str
    sharpness: float
    picture: str
    embedding: str

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read a face of the journal; raise KeyError, TypeError or ValueError where it is not one."""
        face = cls(**fields | {"box": Box(**fields["box"])})
        if len(base64.b64decode(face.picture, validate=True)) != PICTURE_SIDE**2:
            raise ValueError("not a picture")
        if not (is_below(face.chip) and face.box.area > 0 and face.sharpness >= 0):
            raise ValueError("not a face")
        if face.vector().shape != (_EMBEDDING_SIZE,):
            raise ValueError("not an embedding")
        return face

    def vector(self) -> FloatArray:
        """Return the embedding, (512,) float32 of unit length; raise ValueError where it is damaged."""
        halves = np.frombuffer(base64.b64decode(self.embedding, validate=True), dtype=np.float16).astype(np.float32)
        length = np.linalg.norm(halves)
        if not 0 < length < np.inf:
            raise ValueError("not an embedding")
        unit: FloatArray = halves / length
        return unit


@dataclass(frozen=True, slots=True)
class Candidates:
    """What was found in a photo: its faces, the most prominent first, or the reason why there are none.

    Paths are relative, with slashes: `photo` to the photos, `thumbnail` to the aligned faces. `stamp` changes when the
    photo or the software does. Photos with the same `sha256` are the same file. The file of a photo that is not
    `complete` ends early.
    """

    photo: str
    person: str
    stamp: str
    sha256: str | None = None
    faces: tuple[Candidate, ...] = ()
    reason: str | None = None
    thumbnail: str | None = None
    complete: bool = True

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read a line of the journal; raise KeyError, TypeError or ValueError where it is not one."""
        found = cls(**fields | {"faces": tuple(map(Candidate.from_dict, fields["faces"]))})
        if not all(isinstance(text, str) for text in (found.photo, found.person, found.stamp)):
            raise TypeError("not a photo")
        if found.thumbnail is not None and not is_below(found.thumbnail):
            raise ValueError("not a thumbnail")
        return found

    def files(self) -> list[str]:
        """Return the files that were written for the photo."""
        return [*(face.chip for face in self.faces), *([self.thumbnail] if self.thumbnail else [])]

    def from_left(self) -> list[int]:
        """Return the indices of the faces from the left of the photo to the right: people count them so."""
        boxes = [face.box for face in self.faces]
        return sorted(
            range(len(boxes)), key=lambda index: (2 * boxes[index].left + boxes[index].width, boxes[index].top)
        )


@dataclass(frozen=True, slots=True)
class DetectionTask:
    """A photo to find faces in, its label, and the folder for what is found: `output`, below `aligned`.

    At most `most` faces are kept, and their chips with `side` pixels a side.
    """

    photos: Path
    path: Path
    person: str
    aligned: Path
    output: str
    embed: Embed
    most: int = MAX_FACES
    side: int = PHOTO_CHIP.size

    @property
    def name(self) -> str:
        """The photo's path below the photos, with slashes, as it is shown."""
        return shown(self.path.relative_to(self.photos).as_posix())

    def stamp(self) -> str:
        """Return a text that changes when the photo or the software that finds its faces does; empty without photo."""
        try:
            status = self.path.stat()
        except OSError:
            return ""
        return f"{status.st_size}:{status.st_mtime_ns}:{_software(repr(self.embed))}"


@cache
def _software(embed: str) -> str:
    """Return a digest of all that decides which faces are found, and of the embedder by its `repr`."""
    parts = [
        str(_VERSION),
        embed,
        hashlib.sha256(network()).hexdigest(),
        repr(PHOTO_CHIP),
        sha256_of(predictor_file()),
        *(f"{library} {version(library)}" for library in _LIBRARIES),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def find_faces(
    tasks: Sequence[DetectionTask], journal: Path, workers: int, on_progress: OnProgress
) -> list[Candidates]:
    """Return what was found in each photo, in the tasks' order; only new and changed photos are processed.

    Raises:
        WorkerKilledError: a worker process was killed.
        OSError: the disk is full or read-only.
    """
    known = read_journal(journal)
    current = {
        task.name: known[task.name] for task in tasks if task.name in known and _is_current(known[task.name], task)
    }
    if tasks:
        _remove(tasks[0].aligned, [old for name, old in known.items() if name not in current])
    on_progress(len(current), len(tasks))
    new = [task for task in tasks if task.name not in current]
    with _appending(journal) as append, parallel_map(_find_in_photo, new, workers) as results:
        for found in results:
            append(found)
            current[found.photo] = found
            on_progress(len(current), len(tasks))
    return [current[task.name] for task in tasks]


def _find_in_photo(task: DetectionTask) -> Candidates:
    """Find, align and embed the faces of one photo, in a worker."""
    stamp, digest = task.stamp(), None
    try:
        data = read_photo(task.path)
        digest = hashlib.sha256(data).hexdigest()
        photo = Photo(data)
        detector, aligner = face_tools()
        boxes = detector.detect(photo)[: task.most]
        chips = [aligner.align(photo, box, PHOTO_CHIP) for box in boxes]
    except PhotoError as error:
        return Candidates(task.name, task.person, stamp, digest, reason=str(error))
    except PermissionError:
        return Candidates(task.name, task.person, stamp, reason="You have no permission to read the file.")
    except OSError as error:  # of this file: nothing was written yet
        return Candidates(task.name, task.person, stamp, reason=f"The file cannot be read: {error.strerror or error}.")
    if not boxes:
        reason = "No face was found." if photo.complete else "No face was found. The photo is incomplete."
        thumbnail = _thumbnail(photo, task)
        return Candidates(task.name, task.person, stamp, digest, (), reason, thumbnail, photo.complete)
    faces = map(_candidate, [task] * len(boxes), range(len(boxes)), boxes, chips, task.embed(np.stack(chips)))
    return Candidates(task.name, task.person, stamp, digest, tuple(faces), complete=photo.complete)


def _candidate(task: DetectionTask, number: int, box: Box, chip: RGBArray, embedding: FloatArray) -> Candidate:
    target = f"{task.output}/faces/{_name(task)}-{number}.jpg"
    kept = Image.fromarray(chip)
    kept.thumbnail((task.side, task.side))
    save(kept, task.aligned / target)
    halves = base64.b64encode(embedding.astype(np.float16).tobytes()).decode()
    return Candidate(box, target, round(sharpness(chip), 1), small_picture(chip), halves)


def _name(task: DetectionTask) -> str:
    """Return a name for a photo's files that is unique, and valid on every file system."""
    return hashlib.sha256(task.name.encode()).hexdigest()[:16]


def _thumbnail(photo: Photo, task: DetectionTask) -> str:
    """Write a small copy of a photo without a face, for the report; return its path."""
    image = Image.fromarray(photo.pixels(_THUMBNAIL / max(photo.width, photo.height)))
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    target = f"{task.output}/faces/{_name(task)}.jpg"
    save(image, task.aligned / target)
    return target


def save(image: Image.Image, path: Path) -> None:
    """Write a JPEG file. An interruption leaves no half-written one."""
    with replacing(path) as unfinished:
        image.save(unfinished, format="JPEG", quality=_JPEG_QUALITY)


def small_picture(chip: RGBArray) -> str:
    """Return the middle of a chip in grey, PICTURE_SIDE pixels a side, in base64; `copies.fit` compares two of them."""
    grey = Image.fromarray(chip).convert("L")
    start, end = _PICTURE_MARGIN * grey.width, (1 - _PICTURE_MARGIN) * grey.width
    small = grey.resize((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.BOX, (start, start, end, end))
    return base64.b64encode(small.tobytes()).decode()


def _is_current(found: Candidates, task: DetectionTask) -> bool:
    """Whether what was found earlier is still valid: photo, label and software are the same, its files are there."""
    same = found.person == task.person and found.stamp == task.stamp()
    return same and all((task.aligned / name).is_file() for name in found.files())


def _remove(aligned: Path, outdated: Iterable[Candidates]) -> None:
    """Remove the files of photos that are gone or have changed."""
    for found in outdated:
        for name in found.files():
            (aligned / name).unlink(missing_ok=True)


def is_below(name: object) -> bool:
    """Whether `name`, which a file gave, is the path of a file below the aligned faces: such files may be deleted."""
    if not isinstance(name, str) or "\0" in name:
        return False
    path = PurePosixPath(name)
    return bool(path.name) and not path.is_absolute() and ".." not in path.parts


def read_journal(path: Path) -> dict[str, Candidates]:
    """Return the last line of each photo; lines that were torn by an interruption do not count."""
    if not path.exists():
        return {}
    found = {}
    # Only a line feed ends a line: names of photos may contain what else str.splitlines() takes for an end.
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            candidates = Candidates.from_dict(json.loads(line))
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
        found[candidates.photo] = candidates
    return found


def write_journal(path: Path, found: Iterable[Candidates]) -> None:
    """Replace the journal: a line for each photo."""
    write_text(path, "".join(_line(photo) for photo in found))


def _line(found: Candidates) -> str:
    """Return a line of the journal. The line feed comes first, in case that the line before it was torn."""
    return "\n" + json.dumps(asdict(found))


@contextmanager
def _appending(path: Path) -> Iterator[Callable[[Candidates], None]]:
    """Yield a function that adds a line to the journal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:

        def append(found: Candidates) -> None:
            file.write(_line(found))
            file.flush()

        yield append
