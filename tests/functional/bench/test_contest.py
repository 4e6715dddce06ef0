"""Contests between ways of naming a face: what is counted, what is left behind, and what a failure says."""

import os
from pathlib import Path

import numpy as np
import pytest

from bench.contest import ContestError, Result, contest
from bench.contestants import NOBODY, Answer, Known, Setup
from bench.report import ratio
from scripts import samples as sample_photos


@pytest.fixture(scope="module")
def people(samples):
    folders = (samples / sample_photos.PEOPLE).iterdir()
    return {folder.name: sorted(folder.iterdir()) for folder in folders}


@pytest.fixture(scope="module")
def photos(samples, people):
    return [("Barack Obama", samples / sample_photos.UNSEEN), ("Joe Biden", people["Joe Biden"][0])]


@pytest.fixture(scope="module")
def setup(bundle, run, weights, tmp_path_factory):
    return Setup(bundle, run, weights.file, tmp_path_factory.mktemp("known"))


@pytest.fixture
def nothing(tmp_path):
    return Setup(*[tmp_path] * 4)


def children():
    """The processes that this one has started and not seen end."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def test_a_contest_counts_right_answers_and_leaves_no_process(people, photos, setup):
    before = children()
    names = ("visage-torchscript", "plain")
    results = contest(names, people, photos, rounds=1, threads=1, setup=setup)
    assert {name: result.right for name, result in results.items()} == dict.fromkeys(names, 2)
    assert {result.without_face for result in results.values()} == {0}
    assert all(0 < result.mean_ms <= result.percentile_ms(100) for result in results.values())
    assert all(0 < result.resident_mb <= result.peak_mb for result in results.values())
    assert set(results["visage-torchscript"].stages_ms) == {"decode", "detect", "align", "recognize"}
    assert results["plain"].stages_ms == {}
    assert children() == before


def test_a_contestant_that_ends_says_why(people, photos, nothing):
    before = children()
    with pytest.raises(ContestError, match=r"visage-torchscript ended with status 1: .*No bundle"):
        contest(("visage-torchscript",), people, photos, rounds=1, threads=1, setup=nothing)
    assert children() == before


def test_a_contestant_nobody_has_heard_of_says_who_there_is(people, photos, nothing):
    with pytest.raises(ContestError, match=r"guess ended with status 2: .*face_recognition"):
        contest(("guess",), people, photos, rounds=1, threads=1, setup=nothing)


def result_of(milliseconds, *answers):
    return Result("someone", ("A", "B"), answers, np.array(milliseconds, dtype=float), 100, 200)


def test_a_photo_is_right_only_if_every_round_names_it_right():
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


def test_a_slow_moment_that_both_shared_does_not_move_their_ratio():
    ours = result_of([[10, 50, 10], [30, 150, 30]], (NOBODY,) * 3, (NOBODY,) * 3)
    peer = result_of([[20, 100, 20], [60, 300, 60]], (NOBODY,) * 3, (NOBODY,) * 3)
    assert ours.rounds_ms == pytest.approx([20, 100, 20])
    assert ratio(ours.rounds_ms, peer.rounds_ms) == pytest.approx(0.5)


def test_what_was_learned_is_learned_once(tmp_path):
    photos = {"A": [tmp_path / "1", tmp_path / "2"], "B": [tmp_path / "3"]}
    for number, photo in enumerate(photos["A"] + photos["B"]):
        photo.write_bytes(bytes([number]))
    encode = lambda data: None if data == b"\0" else np.full(2, data[0], dtype=float)  # noqa: E731
    learned = Known.learn(photos, encode, tmp_path / "known" / "known.npz")
    again = Known.learn({}, encode, tmp_path / "known" / "known.npz")
    for known in (learned, again):
        assert known.names.tolist() == ["A", "B"]
        assert known.encodings.tolist() == [[1, 1], [2, 2]]
