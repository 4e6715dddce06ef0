"""The pictures of the documents are taken in every state of the page, and its size and speed are measured."""

import io
import re
import sys

import pytest
from PIL import Image

from scripts import screenshots
from scripts.programs import CHROMIUM
from tests.browser.fakes import PHOTO_SIZE, drawn_photo, face, recognition


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
    for name, value in {
        "SCREENSHOTS": tmp_path / "taken",
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
    return tmp_path / "taken"


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
