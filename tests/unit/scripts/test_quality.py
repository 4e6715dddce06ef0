"""The last step of `make quality` publishes the output of the benchmarks."""

import sys
from pathlib import Path

import pytest

from scripts import quality


def test_the_folder_that_was_given_is_published(monkeypatch):
    published = []
    monkeypatch.setattr(quality.quality, "publish", published.append)
    monkeypatch.setattr(sys, "argv", ["quality", "output"])
    quality.main()
    assert published == [Path("output")]


def test_without_a_folder_it_says_how_to_call_it(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["quality"])
    with pytest.raises(SystemExit, match=r"python -m scripts\.quality FOLDER"):
        quality.main()
