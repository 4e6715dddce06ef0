"""What a function costs, from its milliseconds and AWS's list prices."""

import pytest

from bench import costs
from bench.warm import Warm

NAMES = {"visage-torchscript": "TorchScript", "visage-onnx": "ONNX"}


def warm(contestant, threads, ms, size=0):
    return Warm(contestant, threads, size, 4, 4, 3, [ms], ms, ms, None, None, {}, 100)


@pytest.mark.parametrize(("memory_mb", "expected"), [(885, 80), (1769, 40), (2653, 32.5), (3538, 25), (10_000, 25)])
def test_a_photo_takes_the_longer_the_less_of_a_processor_there_is(memory_mb, expected):
    assert costs.milliseconds(40, 25, memory_mb) == pytest.approx(expected, rel=1e-3)


def test_a_thousand_answers_cost_their_seconds_their_calls_and_their_bytes():
    seconds = 1000 * 0.100 * 2
    calls = 1000 * (0.20e-6 + 1.00e-6 + 2 * 1.00e-6)
    assert costs.for_1000_answers(95, 2048, 600_000) == pytest.approx(seconds * 0.0000166667 + calls)


def test_a_snapshot_of_3008_megabytes_costs_eleven_dollars_a_month():
    assert costs.snapshot_month(3008) == pytest.approx(11.46, abs=0.01)


def test_the_table_has_a_row_for_each_engine_and_size_that_was_measured():
    rows = [warm(name, threads, 40) for name in [*NAMES, "plain"] for threads in (1, 2)]
    rows += [warm("visage-onnx", 1, 999, size=640)]
    lines = costs.costs(rows, NAMES).splitlines()[2:]
    assert [line.split(" | ")[0] for line in lines] == ["| TorchScript"] * 3 + ["| ONNX"] * 3
    assert "999" not in "".join(lines)


def test_the_page_has_the_months_that_the_prices_give():
    page = costs.PAGE.read_text(encoding="utf-8")
    for mb in costs.SIZES_MB:
        assert f"| {mb:,} MB | ${costs.snapshot_month(mb):.2f} | ${costs.restores(mb):.2f} |" in page
