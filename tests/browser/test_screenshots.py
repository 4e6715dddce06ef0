"""The pictures of the documents are taken in every state of the page, and its size and speed are measured."""

import io
import re
import sys
from dataclasses import replace

import pytest
from PIL import Image

from scripts import screenshots
from scripts.console import SETTINGS
from scripts.programs import CHROMIUM
from tests.browser.fakes import PHOTO_SIZE, drawn_photo, face, recognition
from tests.browser.owner_api import KEY, TWO, OwnerServer


@pytest.fixture
def taken(server, tmp_path, monkeypatch):
    """The folder of the pictures, of one width and one theme; the photos are drawn, and the API is a fake."""

    def recognize(photo):
        with Image.open(io.BytesIO(photo)) as opened:
            if len(set(opened.convert("RGB").getpixel((0, 0)))) == 1:  # the photo without a face is grey
                return {}
            if opened.width == PHOTO_SIZE[0]:
                return recognition(face(advice=("blurred",)))
            return recognition(face(), face(None, (400, 100, 160, 200)))

    one, six = tmp_path / "one.jpg", tmp_path / "six.jpg"
    one.write_bytes(drawn_photo())
    six.write_bytes(drawn_photo((900, 600)))
    server.recognize = recognize
    monkeypatch.setattr(sys, "argv", ["screenshots", server.address])
    monkeypatch.setattr(screenshots, "take_owners", lambda *_: None)
    monkeypatch.setattr(screenshots, "SETTINGS", replace(SETTINGS, key=KEY))
    prepare(monkeypatch, tmp_path, one, six)
    return tmp_path / "taken"


def prepare(monkeypatch, folder, one, six):
    """Let the script take pictures of one width and one theme, with these photos."""
    for name, value in {
        "SCREENSHOTS": folder / "taken",
        "ONE": one,
        "SIX": six,
        "WIDTHS": {360: 780},
        "PORTRAITS": (one,) * 4,
        "THEMES": {"forced-colors": screenshots.THEMES["forced-colors"]},
        "_ROUNDS": 1,
    }.items():
        monkeypatch.setattr(screenshots, name, value)
    if CHROMIUM.path is None:
        pytest.fail(CHROMIUM.advice)


def test_each_state_has_its_picture_and_the_figures_are_printed(taken, capsys):
    screenshots.main()
    pictures = {path.name: path for path in taken.iterdir()}
    assert set(pictures) == {f"{state}-360-forced-colors.webp" for state in screenshots.STATES}
    assert len({path.read_bytes() for path in pictures.values()}) == len(pictures)
    for path in pictures.values():
        with Image.open(path) as picture:
            assert picture.width == 360
    printed = re.match(
        r"first paint (\d+) ms, interactive (\d+) ms, ([\d.]+) kB in total\nLighthouse: ", capsys.readouterr().out
    )
    assert all(float(figure) > 0 for figure in printed.groups())


def test_each_state_of_the_owners_page_has_its_picture_and_the_people_are_as_before(tmp_path, monkeypatch, chromium):
    six = tmp_path / "six.jpg"
    six.write_bytes(drawn_photo(TWO))
    prepare(monkeypatch, tmp_path, six, six)
    (tmp_path / "taken").mkdir()
    with OwnerServer() as server, server.running():
        screenshots.take_owners(chromium, server.address, KEY)
        assert [person.name for person in server.people.values()] == ["Ada Lovelace"]
    pictures = {path.name: path.read_bytes() for path in (tmp_path / "taken").iterdir()}
    assert len(set(pictures.values())) == len(pictures) > 0
    assert all(re.fullmatch(r"owner-[a-z]+-360-forced-colors\.webp", name) for name in pictures)
