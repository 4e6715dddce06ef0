"""Warm answers: milliseconds a photo, from its bytes in memory to a name, at one thread and two, at several sizes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from bench.contest import OnStep, Result, contest
from bench.contestants import CONTESTANTS
from bench.subject import Subject

ROUNDS: Final = 5

_FEW: Final = 40
"""Photos at two threads."""

_SIZES: Final = {640: 16, 1600: 16, 4000: 6}
"""Long side in pixels, and how many photos are scaled to it: detectors that look at every pixel take seconds."""

_QUALITY: Final = 90


@dataclass(frozen=True)
class Warm:
    """What a contestant did with some photos, all of them in every round; `size` is 0 where they are as they were.

    `rounds_ms` are means over photos, round by round; `mean_ms` is the mean over photos of the median over rounds. A
    percentile is None where fewer answers than make it ten were timed.
    """

    contestant: str
    threads: int
    size: int
    photos: int
    right: int
    recognised: int
    rounds_ms: list[float]
    mean_ms: float
    median_ms: float
    p95_ms: float | None
    p99_ms: float | None
    stages_ms: dict[str, float]
    peak_mb: float


def measure(
    subject: Subject,
    on_step: OnStep,
    rounds: int = ROUNDS,
    names: Sequence[str] = tuple(CONTESTANTS),
    sizes: Mapping[int, int] = _SIZES,
) -> list[Warm]:
    """Hold the contests: all held-out photos at one thread, some at two, and some at each of the sizes.

    Raises:
        ContestError: a contestant ended, or said something that is no answer.
    """
    photos = subject.held_out
    asked = [(1, 0, photos), (2, 0, photos[:_FEW])]
    asked += [(1, size, _scaled(photos[:count], size, subject.home / "scaled")) for size, count in sizes.items()]
    found = []
    for threads, size, some in asked:
        what = f"{threads} thread{'s' if threads > 1 else ''}, {f'{size} pixels' if size else 'photos as they are'}"
        results = contest(
            names,
            subject.people,
            some,
            rounds=rounds,
            threads=threads,
            setup=subject.setup,
            on_step=partial(_tell, on_step, what),
        )
        found += [_summary(result, threads, size) for result in results.values()]
    return found


def _tell(on_step: OnStep, what: str, step: str, done: int, total: int) -> None:
    on_step(f"{step}, {what}", done, total)


def _scaled(photos: Sequence[tuple[str, Path]], size: int, folder: Path) -> list[tuple[str, Path]]:
    """Return JPEGs of the photos, upright, `size` pixels on the long side."""
    folder.mkdir(parents=True, exist_ok=True)
    scaled = []
    for number, (person, photo) in enumerate(photos):
        path = folder / f"{size}-{number}.jpg"
        with Image.open(photo) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
        ImageOps.contain(upright, (size, size), Image.Resampling.LANCZOS).save(path, quality=_QUALITY)
        scaled.append((person, path))
    return scaled


def _summary(result: Result, threads: int, size: int) -> Warm:
    def percentile(percent: float) -> float | None:
        return result.percentile_ms(percent) if result.milliseconds.size * (100 - percent) >= 1000 else None

    return Warm(
        contestant=result.name,
        threads=threads,
        size=size,
        photos=len(result.people),
        right=result.right,
        recognised=result.recognised,
        rounds_ms=result.rounds_ms,
        mean_ms=result.mean_ms,
        median_ms=result.percentile_ms(50),
        p95_ms=percentile(95),
        p99_ms=percentile(99),
        stages_ms=result.stages_ms,
        peak_mb=result.peak_mb,
    )
