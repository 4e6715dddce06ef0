"""The photo that is shown: its proportions and boxes are its own, however quickly it is changed and whatever fails."""

import io
import json
import re

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.fakes import drawn_photo, face, recognition

LIKE_FIREFOX = """
    // An image that gets another picture keeps the former size until that is loaded, and is "decoded" before.
    const formerSizes = new WeakMap();
    const { prototype } = HTMLImageElement;
    for (const name of ["naturalWidth", "naturalHeight"]) {
        const { get } = Object.getOwnPropertyDescriptor(prototype, name);
        Object.defineProperty(prototype, name, { get() { return formerSizes.get(this)?.[name] ?? get.call(this); } });
    }
    const src = Object.getOwnPropertyDescriptor(prototype, "src");
    Object.defineProperty(prototype, "src", { ...src, set(address) {
        const { naturalWidth, naturalHeight } = this;
        if (naturalWidth) formerSizes.set(this, { naturalWidth, naturalHeight });
        this.addEventListener("load", () => formerSizes.delete(this), { once: true });
        src.set.call(this, address);
    } });
    const { decode } = prototype;
    prototype.decode = function () { return formerSizes.has(this) ? Promise.resolve() : decode.call(this); };
"""

THE_SECOND_IS_GONE = """
    const { createObjectURL } = URL;
    let photos = 0;
    URL.createObjectURL = (blob) => {
        const address = createObjectURL.call(URL, blob);
        if ((photos += 1) === 2) URL.revokeObjectURL(address);
        return address;
    };
"""

NOTE_EACH_FRAME = """() => {
    globalThis.frames = [];
    const note = () => {
        const [photo, frame] = ["photo", "frame"].map((id) => document.getElementById(id));
        const size = ["--width", "--height"].map((name) => Number(frame.style.getPropertyValue(name)));
        const box = document.querySelector(".box");
        if (photo.complete && !frame.hidden) {
            frames.push([photo.naturalWidth, photo.naturalHeight, ...size, box && parseFloat(box.style.width)]);
        }
        requestAnimationFrame(note);
    };
    note();
}"""

CLICK_THROUGH = """async (order) => {
    const buttons = document.querySelectorAll("#strip button");
    for (const number of order) {
        buttons[number].click();
        await new Promise(requestAnimationFrame);
    }
}"""

SIZES = [(800, 600), (300, 900), (1000, 250)]


@pytest.fixture
def photos(page: Page, server):
    """The open page, in a browser that behaves like Firefox. Each answer has one box: of the
    first photo 10 % wide, of the second 20 %, of the third 30 %.
    """

    def answer(photo: bytes) -> dict:
        width, height = Image.open(io.BytesIO(photo)).size
        box = (0, 0, width * (1 + SIZES.index((width, height))) // 10, height // 2)
        return recognition(face(box=box), size=(width, height))

    server.recognize = answer
    page.add_init_script(LIKE_FIREFOX)
    return page


def test_each_photo_of_a_choice_has_its_own_proportions_and_boxes(photos: Page, server, choose):
    photos.goto(server.address)
    choose(*map(drawn_photo, SIZES))
    for number in (0, 1, 2, 1, 0):
        photos.get_by_role("button", name=f"Photo {number + 1}: Ada Lovelace").click()
        expect_shown(photos, number)


def test_the_next_choice_does_not_keep_the_proportions_of_the_one_before(photos: Page, server, choose):
    photos.goto(server.address)
    for number, size in enumerate(SIZES):
        choose(drawn_photo(size))
        expect_shown(photos, number)


def test_a_quick_visitor_never_sees_a_photo_in_the_proportions_or_with_the_boxes_of_another(
    photos: Page, server, choose
):
    photos.goto(server.address)
    choose(*map(drawn_photo, SIZES))
    for number in range(3):
        expect(photos.get_by_role("button", name=f"Photo {number + 1}: Ada Lovelace")).to_be_visible()
    photos.evaluate(NOTE_EACH_FRAME)
    photos.evaluate(CLICK_THROUGH, [1, 2, 0, 1, 0, 2, 1] * 4)
    expect_shown(photos, 1)
    frames = photos.evaluate("frames")
    assert len({(width, height) for width, height, *_ in frames if width}) > 1
    for width, height, frame_width, frame_height, box in frames:
        assert (width, height) in {(frame_width, frame_height), (0, 0)}
        assert box == pytest.approx(10 * (1 + SIZES.index((frame_width, frame_height))), abs=0.5)


def test_a_photo_that_cannot_be_shown_leaves_neither_the_picture_nor_the_boxes_of_another(photos: Page, server, choose):
    photos.add_init_script(THE_SECOND_IS_GONE)
    photos.goto(server.address)
    choose(*map(drawn_photo, SIZES))
    expect_shown(photos, 0)
    for number, is_gone in ((1, True), (2, False), (1, True), (0, False)):
        photos.get_by_role("button", name=f"Photo {number + 1}: Ada Lovelace").click()
        expect(photos.get_by_text(re.compile("no preview"))).to_be_visible(visible=is_gone)
        expect(photos.locator("#frame")).to_be_visible(visible=not is_gone)
    expect_shown(photos, 0)


@pytest.mark.parametrize(
    ("rotation", "size", "box"),
    [
        (90, (600, 800), "left: 20%; top: 10%; width: 30%; height: 20%;"),
        (180, (800, 600), "left: 70%; top: 20%; width: 20%; height: 30%;"),
        (270, (600, 800), "left: 50%; top: 70%; width: 30%; height: 20%;"),
    ],
)
def test_a_photo_that_does_not_lie_as_its_faces_do_is_shown_upright(page: Page, server, choose, rotation, size, box):
    answer = recognition(face(box=(80, 300, 160, 180)), size=(800, 600))
    answer["image"]["rotation"] = rotation
    server.recognize = lambda _: answer
    page.goto(server.address)
    choose(drawn_photo((800, 600)))
    expect(page.locator("#frame")).to_have_css("aspect-ratio", f"{size[0]} / {size[1]}")
    expect(page.locator(".box")).to_have_attribute("style", box)
    shown = "document.getElementById('photo')"
    page.wait_for_function(f"{shown}.complete && {shown}.naturalWidth == {size[0]}")
    assert page.evaluate(f"{shown}.naturalHeight") == size[1]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_the_copied_answer_is_about_the_photo_as_it_was_chosen(page: Page, context, server, choose, rotation):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    answer = recognition(face(box=(80, 300, 160, 180)), size=(800, 600))
    answer["image"]["rotation"] = rotation
    server.recognize = lambda _: answer
    page.goto(server.address)
    choose(drawn_photo((800, 600)))
    page.get_by_role("button", name="Copy JSON").click()
    expect(page.get_by_text("Answer copied.")).to_be_visible()
    assert json.loads(page.evaluate("navigator.clipboard.readText()")) == answer


def expect_shown(page: Page, number: int) -> None:
    """Expect the photo of this number in its proportions, and its box on it."""
    width, height = SIZES[number]
    expect(page.locator("#frame")).to_have_css("aspect-ratio", f"{width} / {height}")
    expect(page.locator(".box")).to_have_attribute(
        "style", f"left: 0%; top: 0%; width: {10 * (number + 1)}%; height: 50%;"
    )
    shown = page.locator("#photo").bounding_box()
    assert shown["width"] / shown["height"] == pytest.approx(width / height, rel=0.02)
