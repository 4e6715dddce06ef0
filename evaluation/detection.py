"""Compares face detectors: how many photos they find a face in, what they see where nobody is, and how long they take.

Each detector looks at each photo once, on one thread, in this process. What it finds is kept in a journal, so that an
interrupted run continues, and another detector can be added later.
"""

import inspect
import io
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np
import torch
from PIL import Image
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

import preprocess
from dataset import centerface
from dataset.progress import OnStep
from evaluation import blazeface, detectors, hog
from evaluation.code import digest_of_code
from evaluation.detectors import Candidate, Detect
from evaluation.figures import Figures
from evaluation.rectangles import Rectangle, overlap, same_face
from preprocess.errors import PhotoError
from preprocess.files import read_photo
from preprocess.photo import FULL_SIZE, Photo

_WITNESS: Final = "witness"
"""MTCNN on a photo of up to 1,000 pixels, and only what it is sure of."""

_WITNESS_SIZE: Final = 1000
_WITNESS_SURE: Final = 0.99
_LIBRARIES: Final = ("dlib-bin", "numpy", "onnxruntime", "Pillow", "torch")

Row = Mapping[str, Any]

_MARGIN: Final = (127, 127, 127)
"""What is around a padded photo, as preprocess.centerface has it."""

Loaders = Mapping[Candidate, Callable[[], Detect]]


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to every photo before: it is turned clockwise by `turn` degrees, and padded on all four sides.

    `padding` is the margin as a share of the photo's long side.
    """

    turn: float = 0
    padding: float = 0

    def __call__(self, data: bytes) -> tuple[bytes, int]:
        """Return the file of the changed photo, and its margin in pixels of the photo as it was.

        Raises:
            PhotoError: it is not a usable photo.
        """
        if not self.turn and not self.padding:
            return data, 0
        image = Image.fromarray(Photo(data, size=FULL_SIZE).pixels())
        image = image.rotate(-self.turn, Image.Resampling.BICUBIC, expand=True, fillcolor=_MARGIN)
        margin = round(self.padding * max(image.size))
        padded = Image.new("RGB", (image.width + 2 * margin, image.height + 2 * margin), _MARGIN)
        padded.paste(image, (margin, margin))
        file = io.BytesIO()
        padded.save(file, "JPEG", quality=95)
        return file.getvalue(), margin


@dataclass(frozen=True, slots=True)
class Found:
    """The faces that a detector found in a photo, in its pixels, and the milliseconds of processor time that it took.

    Processor time and not the clock's: other programs do not count. Decoding does not count either, unless the detector
    has the photo decoded again in another size.
    """

    faces: Sequence[Rectangle]
    ms: float


Seen = Mapping[str, Found]
"""What was found in one photo, by the name of the detector."""


@dataclass(frozen=True)
class Result(Figures):
    """The number of photos by folder, and of pictures without people; a row for each detector and each change.

    Photos that cannot be decoded are `unreadable` and count nowhere else.
    """

    FILE: ClassVar[str] = "detection.json"

    photos: Mapping[str, int]
    pictures: int
    unreadable: int
    rows: Sequence[Mapping[str, Any]]


def measure(
    folders: Mapping[str, Sequence[Path]],
    pictures: Sequence[Path],
    loaders: Loaders,
    changes: Sequence[Change],
    output: Path,
    on_step: OnStep,
) -> Result:
    """Look at the photos of each folder, which all show somebody, and at the pictures, which show nobody.

    Raises:
        OSError: the disk is full or read-only.
    """
    paths = [*(path for photos in folders.values() for path in photos), *pictures]
    loaded, nobody = Detectors(loaders), frozenset(pictures)
    seen: dict[Change, dict[Path, Seen]] = {change: {} for change in changes}
    with _Journal(output / f"detections-{_key()}.jsonl") as journal, _one_thread():
        for done, (change, path) in enumerate(product(changes, paths), 1):
            with suppress(PhotoError):
                names = loaded.names if path in nobody else [*loaded.names, _WITNESS]
                seen[change][path] = journal.complete(path, change, loaded, names)
            on_step("Detecting faces, photos", done, len(changes) * len(paths))
    readable = seen[changes[0]]
    return Result(
        photos={name: sum(path in readable for path in photos) for name, photos in folders.items()},
        pictures=sum(path in readable for path in pictures),
        unreadable=len(paths) - sum(path in readable for path in paths),
        rows=[
            _row(
                candidate,
                change,
                {name: _of(photos, seen[change]) for name, photos in folders.items()},
                _of(pictures, seen[change]),
            )
            for change in changes
            for candidate in loaders
        ],
    )


class Detectors:
    """The detectors, loaded when they are first needed: an interrupted run may need none of them again."""

    def __init__(self, loaders: Loaders) -> None:
        self.names = [candidate.name for candidate in loaders]
        self._loaders = {candidate.name: load for candidate, load in loaders.items()} | {_WITNESS: _witness}
        self._loaded: dict[str, Detect] = {}

    def look(self, name: str, data: bytes) -> tuple[Sequence[Rectangle], float]:
        """Return the faces that a detector finds in a photo, and the milliseconds that it takes.

        Raises:
            PhotoError: it is not a usable photo.
        """
        if name not in self._loaded:
            self._loaded[name] = self._loaders[name]()
            self._loaded[name](Photo(data))  # the first call takes longer
        photo = Photo(data)
        began = time.process_time()
        faces = self._loaded[name](photo)
        return faces, 1000 * (time.process_time() - began)


class _Journal:
    """A file with a line of JSON for what each detector found in a photo. A line that was torn does not count."""

    def __init__(self, file: Path) -> None:
        self._path = file
        self._lines: dict[str, Found] = {}

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = self._path.read_text(encoding="utf-8", errors="replace") if self._path.exists() else ""
        for line in text.splitlines():
            with suppress(ValueError, TypeError, KeyError):
                fields = json.loads(line)
                faces = [Rectangle(*face) for face in fields["faces"]]
                self._lines[fields["what"]] = Found(faces, float(fields["ms"]))
        self._file = self._path.open("a", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def complete(self, path: Path, change: Change, detectors: "Detectors", names: Sequence[str]) -> Seen:
        """Return what the detectors called `names` find in a changed photo; look only for what is not in the file.

        Raises:
            PhotoError: it is not a usable photo.
        """
        original = read_photo(path)
        keys = {
            name: f"{sha256(original).hexdigest()} turned by {change.turn:g}, padded by {change.padding:g}: {name}"
            for name in names
        }
        if missing := [name for name, key in keys.items() if key not in self._lines]:
            data, margin = change(original)
            for name in missing:
                faces, ms = detectors.look(name, data)
                self._add(keys[name], Found([face.moved(-margin, -margin) for face in faces], ms))
        return {name: self._lines[key] for name, key in keys.items()}

    def _add(self, key: str, found: Found) -> None:
        self._lines[key] = found
        faces = [[face.left, face.top, face.width, face.height, face.score] for face in found.faces]
        line = json.dumps({"what": key, "faces": faces, "ms": found.ms})
        self._file.write(f"\n{line}")  # the line before may be torn
        self._file.flush()


def _key() -> str:
    """Return twelve hexadecimal digits for our code and the libraries that decide what is found."""
    folders = [Path(folder) for folder in preprocess.__path__]
    files = [file for folder in folders for file in folder.glob("*.py")]
    files += [Path(inspect.getfile(module)) for module in (blazeface, centerface, detectors, hog)]
    libraries = [f"{library} {version(library)}" for library in _LIBRARIES]
    return sha256("\0".join([digest_of_code(files), *libraries]).encode()).hexdigest()[:12]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Give every library one thread, as a worker of `visage prepare` has it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def _witness() -> Detect:
    return detectors.mtcnn_at(_WITNESS_SIZE, sure=_WITNESS_SURE)


def _of(paths: Iterable[Path], seen: Mapping[Path, Seen]) -> list[Seen]:
    return [seen[path] for path in paths if path in seen]


def _row(candidate: Candidate, change: Change, folders: Mapping[str, Sequence[Seen]], pictures: Sequence[Seen]) -> Row:
    """Return the figures of a detector."""
    name = candidate.name
    photos = [seen for group in folders.values() for seen in group]
    pairs = [(face, seen[name].faces) for seen in photos for face in seen[_WITNESS].faces]
    best = [max((overlap(face, other) for other in others), default=0.0) for face, others in pairs]
    found = [any(same_face(face, other) for other in others) for face, others in pairs]
    times = {"photos": [seen[name].ms for seen in photos], "pictures": [seen[name].ms for seen in pictures]}
    return {
        "detector": candidate.detector,
        "size": candidate.size,
        "turn": change.turn,
        "padding": change.padding,
        "with_a_face": {folder: sum(bool(seen[name].faces) for seen in group) for folder, group in folders.items()},
        "pictures_with_a_face": sum(bool(seen[name].faces) for seen in pictures),
        "witnessed": len(pairs),
        "witnessed_found": sum(found),
        "median_overlap": float(np.median([share for share, same in zip(best, found, strict=True) if same] or [0])),
        "ms": {kind: _spread(values) for kind, values in times.items() if values},
    }


def _spread(ms: Sequence[float]) -> dict[str, float]:
    """Return the mean, the median, the 95th percentile and the largest of some times."""
    middle, high = np.percentile(ms, [50, 95])
    return {"mean": float(np.mean(ms)), "median": float(middle), "p95": float(high), "max": max(ms)}
