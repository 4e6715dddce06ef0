"""What a contest counts, and what the benchmark needs of the system."""

import os
from pathlib import Path

import numpy as np
import pytest

from bench.contest import Result, process_environment
from bench.contestants import NOBODY, Answer, Known
from bench.errors import UnsupportedSystemError
from bench.memory import memory, require_linux
from bench.report import ratio
from model.engines import ENGINES


def result_of(milliseconds, *answers):
    return Result("someone", ("A", "B"), answers, np.array(milliseconds, dtype=float), 100, 200)


def test_a_photo_counts_as_right_only_if_its_name_is_right_in_every_round():
    sure, unsure, wrong = Answer("A", known=True, faces=1), Answer("A", known=False, faces=1), Answer("C", True, 1)
    first = result_of([[1, 1], [1, 1]], (sure, sure), (NOBODY, NOBODY))
    second = result_of([[1, 1], [1, 1]], (sure, unsure), (wrong, wrong))
    third = result_of([[1, 1], [1, 1]], (sure, wrong), (wrong, NOBODY))
    assert [(r.right, r.recognised, r.without_face) for r in (first, second, third)] == [
        (1, 1, 1),
        (1, 0, 0),
        (0, 0, 0),
    ]


def test_times_are_medians_over_rounds_and_means_over_photos():
    result = result_of([[10, 12, 90], [20, 20, 20]], (NOBODY,) * 3, (NOBODY,) * 3)
    assert result.mean_ms == pytest.approx(16)
    assert result.percentile_ms(100) == 90


def test_stages_are_those_of_photos_with_a_face():
    answers = [Answer("A", known=True, faces=1, stages={"detect": ms}) for ms in (2.0, 4.0)]
    assert result_of([[5, 5], [5, 5]], tuple(answers), (NOBODY, NOBODY)).stages_ms == {"detect": 3}


def test_a_slow_moment_of_both_contestants_does_not_change_their_ratio():
    ours = result_of([[10, 50, 10], [30, 150, 30]], (NOBODY,) * 3, (NOBODY,) * 3)
    peer = result_of([[20, 100, 20], [60, 300, 60]], (NOBODY,) * 3, (NOBODY,) * 3)
    assert ours.rounds_ms == pytest.approx([20, 100, 20])
    assert ratio(ours.rounds_ms, peer.rounds_ms) == pytest.approx(0.5)


def test_encodings_are_computed_once_and_then_read(tmp_path):
    photos = {"A": [tmp_path / "1", tmp_path / "2"], "B": [tmp_path / "3"]}
    for number, photo in enumerate(photos["A"] + photos["B"]):
        photo.write_bytes(bytes([number]))
    encode = lambda data: None if data == b"\0" else np.full(2, data[0], dtype=float)  # noqa: E731
    learned = Known.learn(photos, encode, tmp_path / "known" / "known.npz")
    again = Known.learn({}, encode, tmp_path / "known" / "known.npz")
    for known in (learned, again):
        assert known.names.tolist() == ["A", "B"]
        assert known.encodings.tolist() == [[1, 1], [2, 2]]


@pytest.mark.parametrize("engine", list(ENGINES))
def test_visages_engines_get_the_environment_of_the_deployed_function(engine):
    found = process_environment(f"visage-{engine}", 2, {"PATH": "/bin", "GOMP_SPINCOUNT": "7"})
    expected = {"PATH": "/bin", **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2")}
    assert found == expected | dict(ENGINES[engine].environment)


def test_a_contestant_has_its_cores_to_itself():
    """The Makefile's wait policy is for processes that share cores. A contestant shares none, so it is removed."""
    found = process_environment("plain", 1, {"PATH": "/bin", "OMP_WAIT_POLICY": "PASSIVE"})
    assert "OMP_WAIT_POLICY" not in found
    assert (found["PATH"], found["OMP_NUM_THREADS"]) == ("/bin", "1")


def test_on_other_systems_than_linux_an_error_says_so(monkeypatch):
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    with pytest.raises(UnsupportedSystemError, match="The benchmark runs on Linux only"):
        require_linux()


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="reads /proc")
def test_memory_is_in_millions_of_bytes():
    resident, peak = memory()
    assert 10 < resident <= peak < 64_000
