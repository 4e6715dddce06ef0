"""A pile whose photos say in their files who is in them."""

import pytest

from collection import sort
from tests import piles


@pytest.fixture
def pile(tmp_path, monkeypatch):
    """Photos of Ann, more of Bob, one of Cleo, and one without anybody."""
    monkeypatch.setattr(sort, "find_faces", piles.find_faces)
    return piles.filled(tmp_path)
