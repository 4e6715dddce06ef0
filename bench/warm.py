"""Measures warm answers: the time from a photo's bytes in memory to a name, by threads and by size of the photo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from bench.contest import Result, contest
from bench.contestants import CONTESTANTS
from bench.subject import Subject
from dataset.progress import OnStep
from dataset.words import counted

ROUNDS: Final = 5

_FEW: Final = 40
"""Number of photos with two threads."""

_SIZES: Final = {640: 16, 1600: 16, 4000: 6}
"""Long side in pixels, and the number of photos scaled to it: some detectors take seconds for a large photo."""

_QUALITY: Final = 90


@dataclass(frozen=True)
class Warm:
    """The answers of a contestant for some photos in several rounds. `size` is 0 for photos in their own size.

    `rounds_ms` has the mean over photos of each round; `mean_ms` is the mean over photos of the median over rounds. A
    percentile is None where fewer than ten answers lie beyond it.
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
    """Measure all held-out photos with one thread, some with two, and some at each of the sizes.

    Raises:
        ContestError: a contestant ended, or sent an unreadable answer.
    """
    photos = subject.held_out
    measurements = [(1, 0, photos), (2, 0, photos[:_FEW])]
    measurements += [(1, size, _scaled(photos[:count], size, subject.home / "scaled")) for size, count in sizes.items()]
    found = []
    for threads, size, some in measurements:
        title = f"{counted(threads, 'thread')}, {counted(size, 'pixel') if size else 'photos as they are'}"
        results = contest(
            names,
            subject.people,
            some,
            rounds=rounds,
            threads=threads,
            setup=subject.setup,
            environment=subject.settings.environment,
            on_step=partial(_report_step, on_step, title),
        )
        found += [_summary(result, threads, size) for result in results.values()]
    return found


def _report_step(on_step: OnStep, title: str, step: str, done: int, total: int) -> None:
    on_step(f"{step}, {title}", done, total)


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
