"""`visage sort PHOTOS --page` prints an address that only this machine can open, and ends in order."""

import re
import signal
from contextlib import ExitStack

import pytest
import requests

from collection import sort
from tests import piles
from tests.processes import started


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.setattr(sort, "find_faces", piles.find_faces)
    pile = piles.filled(tmp_path)
    pile.sort()
    return pile.photos


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_the_page_is_served_until_a_signal(photos, number, status):
    with started(["-m", "scripts", "sort", photos, "--page"]) as process, ExitStack() as stack:
        stack.callback(process.kill)  # which does nothing once it has ended
        address = process.stderr.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", address)
        with requests.get(f"{address}people", timeout=10) as answer:
            assert [person["photos"] for person in answer.json()["people"]] == [4, 3]
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == status
    assert "GET" not in said
