"""Measures the time of detection, and how many of the faces that a third detector is sure of are found."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.subject import Subject
from dataset.progress import OnStep
from evaluation.detectors import Detect, full_size_hog, mtcnn_at, ours
from evaluation.rectangles import Rectangle, same_face
from preprocess.photo import DECODED_SIZE, FULL_SIZE, Photo

_ROUNDS: Final = 5
_SURE: Final = 0.99
"""A face counts as witnessed from this probability of MTCNN on."""


@dataclass(frozen=True)
class Detection:
    """The faces that a detector finds in all photos, and its milliseconds per photo for those held out.

    `found` of the `witnessed` faces have a box; `unwitnessed` boxes are on no witnessed face.
    """

    way: str
    photos: int
    with_a_face: int
    witnessed: int
    found: int
    unwitnessed: int
    timed: int
    rounds_ms: list[float]


Timed = Callable[[Path], tuple[Sequence[Rectangle], float]]
"""Takes a photo; returns its faces, and the milliseconds of detecting them."""

Seen = tuple[Sequence[Rectangle], Sequence[Rectangle]]
"""The witnessed faces of a photo, and those that a detector returned."""


def measure(subject: Subject, on_step: OnStep, rounds: int = _ROUNDS, most: int | None = None) -> list[Detection]:
    """Detect the faces of all photos, or of at most `most` learned and held-out photos each; time the held-out ones.

    Photos are decoded before. When our detector decodes a photo again, in a larger size, that counts. Each detector
    uses one thread.
    """
    held_out = [photo for _, photo in subject.held_out][:most]
    photos = [*held_out, *[path for owned in subject.people.values() for path in owned][:most]]
    ways = {"visage": _timed(ours(), DECODED_SIZE), "hog": _timed(full_size_hog(), FULL_SIZE)}
    witness = mtcnn_at(FULL_SIZE, _SURE)
    seen: dict[str, list[Seen]] = {way: [] for way in ways}
    for done, path in enumerate(photos, start=1):
        faces = witness(Photo(path.read_bytes(), size=FULL_SIZE))
        for way, detect in ways.items():
            seen[way].append((faces, detect(path)[0]))
        on_step("Detecting witnessed faces", done, len(photos))
    times = _time(ways, held_out, rounds, on_step)
    return [_summary(way, seen[way], len(held_out), times[way]) for way in ways]


def _time(ways: Mapping[str, Timed], photos: Sequence[Path], rounds: int, on_step: OnStep) -> dict[str, list[float]]:
    """Return the milliseconds per photo of each way, by round. The ways take turns in going first."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds):
        spent = dict.fromkeys(ways, 0.0)
        for at, path in enumerate(photos):
            for way in sorted(ways, reverse=bool((number + at) % 2)):
                spent[way] += ways[way](path)[1]
            on_step("Timing detection", number * len(photos) + at + 1, rounds * len(photos))
        for way, total in spent.items():
            times[way].append(total / len(photos))
    return times


def _summary(way: str, seen: Sequence[Seen], timed: int, rounds_ms: list[float]) -> Detection:
    return Detection(
        way=way,
        photos=len(seen),
        with_a_face=sum(bool(boxes) for _, boxes in seen),
        witnessed=sum(len(faces) for faces, _ in seen),
        found=sum(any(same_face(face, box) for box in boxes) for faces, boxes in seen for face in faces),
        unwitnessed=sum(not any(same_face(face, box) for face in faces) for faces, boxes in seen for box in boxes),
        timed=timed,
        rounds_ms=rounds_ms,
    )


def _timed(detector: Detect, size: int) -> Timed:
    """Return a detector with its time, on photos decoded to `size` pixels."""

    def detect(path: Path) -> tuple[Sequence[Rectangle], float]:
        photo = Photo(path.read_bytes(), size=size)
        began = time.perf_counter()
        faces = detector(photo)
        return faces, 1000 * (time.perf_counter() - began)

    return detect
