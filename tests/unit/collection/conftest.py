"""A pile whose photos say in their files who is in them, and an output that counts what is read of it."""

from collections import Counter

import pytest

from batch.storage import FolderStorage
from collection import sort
from tests import piles


@pytest.fixture
def pile(tmp_path, monkeypatch):
    """Photos of Ann, more of Bob, one of Cleo, and one without anybody."""
    monkeypatch.setattr(sort, "find_faces", piles.find_faces)
    return piles.filled(tmp_path)


class Counted(FolderStorage):
    """A folder that counts which files are read."""

    def __init__(self, folder):
        super().__init__(folder)
        self.reads = Counter()

    def read(self, name):
        self.reads[name] += 1
        return super().read(name)


@pytest.fixture
def output(tmp_path):
    return Counted(tmp_path / "output")
