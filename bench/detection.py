"""Measures the time of detection, and how many of the faces that a third detector is sure of are found."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dlib
from PIL import Image

from bench.contestant_facenet_pytorch import mtcnn
from bench.subject import Subject
from dataset.progress import OnStep
from preprocess.detect import Box, Detector
from preprocess.photo import FULL_SIZE, Photo

_ROUNDS: Final = 5
_SURE: Final = 0.99
"""A face counts as witnessed from this probability of MTCNN on."""

_OVERLAP: Final = 0.3
"""Least intersection over union of two boxes of one face; it is low because detectors draw different boxes."""


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


Detect = Callable[[bytes], tuple[list[Box], float]]
"""Takes the bytes of a photo; returns the boxes of its faces, and the milliseconds of detecting them."""

Seen = tuple[Sequence[Box], Sequence[Box]]
"""The witnessed faces of a photo, and the boxes that a detector returned."""


def measure(subject: Subject, on_step: OnStep, rounds: int = _ROUNDS, most: int | None = None) -> list[Detection]:
    """Detect the faces of all photos, or of at most `most` learned and held-out photos each; time the held-out ones.

    Photos are decoded before. When our detector decodes a photo again, in a larger size, that counts. Each detector
    uses one thread.
    """
    held_out = [photo for _, photo in subject.held_out][:most]
    photos = [*held_out, *[path for owned in subject.people.values() for path in owned][:most]]
    ways, witness = {"visage": _ours(), "hog": _full_size()}, _witness()
    seen: dict[str, list[Seen]] = {way: [] for way in ways}
    for done, path in enumerate(photos, start=1):
        faces = witness(path)
        for way, detect in ways.items():
            seen[way].append((faces, detect(path.read_bytes())[0]))
        on_step("Detecting witnessed faces", done, len(photos))
    times = _time(ways, held_out, rounds, on_step)
    return [_summary(way, seen[way], len(held_out), times[way]) for way in ways]


def same_face(one: Box, other: Box) -> bool:
    """Whether two boxes show one face: they overlap enough, or each contains the other's centre."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    shared = max(0, width) * max(0, height)
    if shared >= _OVERLAP * (one.area + other.area - shared):
        return True
    return _contains_centre(one, other) and _contains_centre(other, one)


def _contains_centre(one: Box, other: Box) -> bool:
    x, y = one.left + one.width / 2 - other.left, one.top + one.height / 2 - other.top
    return 0 <= x <= other.width and 0 <= y <= other.height


def _time(ways: Mapping[str, Detect], photos: Sequence[Path], rounds: int, on_step: OnStep) -> dict[str, list[float]]:
    """Return the milliseconds per photo of each way, by round. The ways take turns in going first."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds):
        spent = dict.fromkeys(ways, 0.0)
        for at, path in enumerate(photos):
            for way in sorted(ways, reverse=bool((number + at) % 2)):
                spent[way] += ways[way](path.read_bytes())[1]
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


def _ours() -> Detect:
    detector = Detector()

    def detect(data: bytes) -> tuple[list[Box], float]:
        photo = Photo(data)
        began = time.perf_counter()
        return detector.detect(photo), 1000 * (time.perf_counter() - began)

    return detect


def _full_size() -> Detect:
    """Return dlib's detector as its examples use it: on every pixel, in color, doubled once."""
    detector = dlib.get_frontal_face_detector()

    def detect(data: bytes) -> tuple[list[Box], float]:
        pixels = Photo(data, size=FULL_SIZE).pixels()
        began = time.perf_counter()
        found = detector(pixels, 1)
        taken = 1000 * (time.perf_counter() - began)
        return [Box(box.left(), box.top(), box.width(), box.height(), 0) for box in found], taken

    return detect


def _witness() -> Callable[[Path], list[Box]]:
    """Return a function that finds the faces that MTCNN is sure of."""
    detector = mtcnn(keep_all=True)

    def faces(path: Path) -> list[Box]:
        photo = Image.fromarray(Photo(path.read_bytes(), size=FULL_SIZE).pixels())
        corners, probabilities = detector.detect(photo)
        found = zip(corners, probabilities, strict=True) if corners is not None else ()
        return [
            Box(round(left), round(top), round(right - left), round(bottom - top), probability)
            for (left, top, right, bottom), probability in found
            if probability >= _SURE
        ]

    return faces
