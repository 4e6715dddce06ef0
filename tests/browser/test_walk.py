"""A visitor's walk through the page, the same in every browser: a photo, another one, an error, several, one again."""

import io

import pytest
from PIL import Image

from scripts.programs import BROWSERS
from tests.browser.fakes import face, jpeg, problem, recognition
from tests.browser.visitors import visit

BOXES = {
    (800, 600): [(200, 150, 160, 180)],
    (480, 960): [(96, 192, 144, 288)],
    (1200, 400): [(120, 40, 240, 160), (720, 200, 240, 160)],
}
"""Of each photo, by its size, the faces that the API finds: left, top, width and height in pixels."""

LANDSCAPE, PORTRAIT, PANORAMA = BOXES
NO_FACE = (640, 640)

SHOWN = """(() => {
    const photo = document.querySelector("#photo").getBoundingClientRect();
    const percent = (length, whole) => Math.round((100 * length) / whole);
    const boxes = [...document.querySelectorAll(".box")].map((box) => box.getBoundingClientRect());
    return [percent(photo.width, photo.height), boxes.map((box) => [
      percent(box.left - photo.left, photo.width), percent(box.top - photo.top, photo.height),
      percent(box.width, photo.width), percent(box.height, photo.height),
    ])];
})()"""
"""The photo's proportions, and its boxes, all in percent."""

STATE = "document.body.dataset.state"
STATES_OF_ALL = '[...document.querySelectorAll("#strip button")].map((button) => button.className)'


def shown(size):
    """Return what `SHOWN` is for a photo, as the API's boxes have it."""
    width, height = size
    percent = (100 / width, 100 / height) * 2
    boxes = [[round(value * scale) for value, scale in zip(box, percent, strict=True)] for box in BOXES[size]]
    return [round(100 * width / height), boxes]


@pytest.fixture
def photos(server, tmp_path):
    """Files of all photos by their size, and an API that finds their faces."""

    def recognize(photo):
        with Image.open(io.BytesIO(photo)) as opened:
            boxes = BOXES.get(opened.size)
            return (
                recognition(*(face(box=box) for box in boxes), size=opened.size) if boxes else problem("no-face", 422)
            )

    server.recognize = recognize
    files = {size: tmp_path / "{}x{}.jpg".format(*size) for size in (*BOXES, NO_FACE)}
    for size, path in files.items():
        path.write_bytes(jpeg(Image.linear_gradient("L").resize(size).convert("RGB")))
    return files


@pytest.mark.parametrize("browser", BROWSERS, ids=lambda browser: browser.name)
def test_every_photo_has_its_own_proportions_and_boxes_on_a_walk_through_the_page(browser, server, photos):
    with visit(browser) as visitor:
        visitor.open(server.address)
        for size in (LANDSCAPE, PORTRAIT, PANORAMA):
            visitor.choose(photos[size])
            assert visitor.look(SHOWN, shown(size)) == shown(size)

        visitor.choose(photos[NO_FACE])
        assert visitor.look(STATE, "failed") == "failed"

        visitor.choose(photos[PORTRAIT], photos[NO_FACE], photos[LANDSCAPE])
        assert visitor.look(SHOWN, shown(PORTRAIT)) == shown(PORTRAIT)
        answered = ["known", "failed", "known"]
        assert visitor.look(STATES_OF_ALL, answered) == answered
        visitor.press("#strip li:nth-child(3) button")
        assert visitor.look(SHOWN, shown(LANDSCAPE)) == shown(LANDSCAPE)
        visitor.press("#strip li:nth-child(1) button")
        assert visitor.look(SHOWN, shown(PORTRAIT)) == shown(PORTRAIT)

        visitor.choose(photos[PANORAMA])
        assert visitor.look(SHOWN, shown(PANORAMA)) == shown(PANORAMA)
        assert visitor.look("window.problems", []) == []
