"""Contests of real contestants: they answer, they leave no process behind, and a failure says why."""

import os
from pathlib import Path

import pytest

from bench.contest import contest
from bench.contestants import Setup
from bench.errors import ContestError
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
    """Return the child processes of this process, including zombies."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def test_a_contest_counts_right_answers_and_leaves_no_process(people, photos, setup):
    before = children()
    names = ("visage-torchscript", "plain")
    results = contest(names, people, photos, rounds=1, threads=1, setup=setup, environment=os.environ)
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
        contest(("visage-torchscript",), people, photos, rounds=1, threads=1, setup=nothing, environment=os.environ)
    assert children() == before


def test_an_unknown_contestant_is_an_error_that_lists_the_known_ones(people, photos, nothing):
    with pytest.raises(ContestError, match=r"guess ended with status 2: .*face_recognition"):
        contest(("guess",), people, photos, rounds=1, threads=1, setup=nothing, environment=os.environ)
