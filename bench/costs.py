"""What answers and an idle month cost on AWS: list prices times the benchmark's milliseconds, for docs/costs.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.warm import Warm
from evaluation.figures import table, write_measured
from model.settings import ROOT

PAGE: Final = ROOT / "docs" / "costs.md"

VCPU_MB: Final = 1769
"""Lambda gives one processor for so many megabytes of memory. Source:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html."""

SIZES_MB: Final = (1024, 1769, 3008)

MONTH_S: Final = 30 * 24 * 3600

PHOTO_BYTES: Final = 500_000
"""A photo as the website sends it: 2,048 pixels on the long side."""

_OVERHEAD_MS: Final = 5
"""What Lambda bills beside a photo's own time, as estimated: the event in base64, the form, the answer and its log."""


@dataclass(frozen=True)
class Prices:
    """Dollars in us-east-1 on 2026-11-26, without the free tiers.

    Sources: https://aws.amazon.com/lambda/pricing/, https://aws.amazon.com/api-gateway/pricing/,
    https://aws.amazon.com/cloudfront/pricing/, https://aws.amazon.com/ecr/pricing/.
    """

    gb_second: float = 0.0000166667
    call: float = 0.20e-6
    cached_gb_second: float = 0.0000015046
    restored_gb: float = 0.0001397998
    provisioned_gb_second: float = 0.0000041667
    api_call: float = 1.00e-6
    api_call_bytes: int = 512_000
    cloudfront_call: float = 1.00e-6
    registry_gb_month: float = 0.10


PRICES: Final = Prices()


def milliseconds(one: float, two: float, memory_mb: int) -> float:
    """Return how long a photo takes with so much memory: `one` with one processor, `two` with two.

    With less than one processor, everything takes longer in proportion. Between one and two, the time is interpolated.
    """
    processors = memory_mb / VCPU_MB
    if processors <= 1:
        return one / processors
    return one + (two - one) * min(processors - 1, 1)


def for_1000_answers(ms: float, memory_mb: int, photo_bytes: int = PHOTO_BYTES, prices: Prices = PRICES) -> float:
    """Return the dollars for a thousand answers by a busy function, through CloudFront and API Gateway."""
    duration = (ms + _OVERHEAD_MS) / 1000 * memory_mb / 1024 * prices.gb_second
    api = -(-photo_bytes // prices.api_call_bytes) * prices.api_call
    return 1000 * (duration + prices.call + api + prices.cloudfront_call)


def snapshot_month(memory_mb: int, prices: Prices = PRICES) -> float:
    """Return the dollars for keeping one snapshot for a month."""
    return memory_mb / 1024 * MONTH_S * prices.cached_gb_second


def restores(memory_mb: int, prices: Prices = PRICES) -> float:
    """Return the dollars for a thousand starts from a snapshot, without their duration."""
    return 1000 * memory_mb / 1024 * prices.restored_gb


def provisioned_month(memory_mb: int, prices: Prices = PRICES) -> float:
    """Return the dollars for keeping one function started for a month."""
    return memory_mb / 1024 * MONTH_S * prices.provisioned_gb_second


def write(rows: Sequence[Warm], names: Mapping[str, str], page: Path = PAGE) -> None:
    """Write the table of docs/costs.md; `rows` are warm answers, and `names` those of the engines among them."""
    write_measured(page, costs(rows, names))


def costs(rows: Sequence[Warm], names: Mapping[str, str]) -> str:
    """Return the costs as a Markdown table: a row for each engine and memory size."""
    times = {(row.contestant, row.threads): row.mean_ms for row in rows if row.size == 0}
    engines = [name for name in names if {(name, 1), (name, 2)} <= times.keys()]
    header = ["engine", "memory", "processors", "an answer", "1,000 answers", "one kept warm, a month"]
    return table(header, [_row(names[name], times[name, 1], times[name, 2], mb) for name in engines for mb in SIZES_MB])


def _row(engine: str, one: float, two: float, memory_mb: int) -> list[str]:
    ms = milliseconds(one, two, memory_mb)
    return [
        engine,
        f"{memory_mb:,} MB",
        f"{memory_mb / VCPU_MB:.2f}",
        f"{ms:.0f} ms",
        f"${for_1000_answers(ms, memory_mb):.4f}",
        f"${provisioned_month(memory_mb):.2f}",
    ]
