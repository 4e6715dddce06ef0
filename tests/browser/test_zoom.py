"""Zooming into the photo: with fingers, wheel, keyboard and the cards of the faces."""

import time

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.fakes import API, LABELS, drawn_photo, face, recognition, reply

FACES = [face("Ada Lovelace", (200, 100, 80, 100)), face(None, (600, 400, 60, 80))]

SEEN = """() => {
    const rect = (name) => document.querySelector(name).getBoundingClientRect();
    const [frame, photo, ...boxes] = ["#frame", "#photo", ".box[data-face='0']", ".box[data-face='1']"].map(rect);
    const scale = photo.width / 800;
    const inPhoto = ({ left, top, width, height }) =>
        [left - photo.left, top - photo.top, width, height].map((length) => length / scale);
    const inFrame = ({ left, top, width, height }) =>
        [(left + width / 2 - frame.left) / frame.width, (top + height / 2 - frame.top) / frame.height];
    return { zoom: photo.width / frame.width, boxes: boxes.map(inPhoto), near: boxes.map(inFrame) };
}"""


@pytest.fixture
def answered(site: Page, answer, choose) -> Page:
    """The website with a photo of two faces."""
    answer(recognition(*FACES))
    choose()
    expect(site.locator(".box")).to_have_count(2)
    site.locator("#frame").hover()  # loads zooming
    expect(site.locator(".whole")).to_be_attached()
    return site


@pytest.fixture
def phone(chromium: Browser, server):
    """A phone with the same photo. Its fingers are `touch`."""
    with chromium.new_context(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.route("**/config.json", lambda route: route.fulfill(json={"api": API}))
        page.route(f"{API}/labels", lambda route: reply(route, LABELS))
        page.route(f"{API}/recognize", lambda route: reply(route, recognition(*FACES)))
        page.goto(server.address)
        photo = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": drawn_photo()}
        page.get_by_label("Choose").set_input_files(files=[photo])
        expect(page.locator(".box")).to_have_count(2)
        page.locator("#frame").dispatch_event("pointerover")  # as the first finger does
        expect(page.locator(".whole")).to_be_attached()
        page.evaluate("scrollTo(0, 0)")
        yield page


def seen(page: Page) -> dict:
    """What is shown: the zoom, the boxes in pixels of the photo, and their centres in shares of the frame."""
    return page.evaluate(SEEN)


def zoom(page: Page) -> float:
    return seen(page)["zoom"]


def until(page: Page, expression: str) -> None:
    """Wait until the expression is true. Page.wait_for_function needs what the page's policy forbids."""
    deadline = time.monotonic() + 10
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(20)


def wait_for_zoom(page: Page, at_least: float) -> None:
    until(page, f"({SEEN})().zoom >= {at_least - 0.01}")


def wait_for_whole(page: Page) -> None:
    until(page, "!document.querySelector('#stage').matches('.zoomed')")


def touch(page: Page, *steps: list[tuple[float, float]], taps: int = 1) -> None:
    """Put fingers down at the first step's points, move them through the others, and lift them; several times for taps.

    The events are 10 ms apart by their own time, however busy the machine is: two taps are a double tap.
    """
    client = page.context.new_cdp_session(page)
    now = time.time()

    def send(kind: str, points: list[tuple[float, float]]) -> None:
        nonlocal now
        now += 0.01
        touches = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches, "timestamp": now})

    for _ in range(taps):
        for number, step in enumerate(steps):
            send("touchMove" if number else "touchStart", step)
        send("touchEnd", [])
    client.detach()


def centre(page: Page, selector: str = "#frame") -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def pinch(page: Page, factor: float) -> None:
    x, y = centre(page)
    spread = [(40 + 40 * (factor - 1) * step / 8) for step in range(9)]
    touch(page, *([(x - each, y), (x + each, y)] for each in spread))


def assert_boxes_are_on_the_faces(page: Page) -> None:
    for box, expected in zip(seen(page)["boxes"], FACES, strict=True):
        assert box == pytest.approx(list(expected["box"].values()), abs=1.5)


def test_a_tap_on_a_card_brings_its_face_near_and_another_tap_goes_back(answered: Page):
    card = answered.locator('.face[data-face="1"] summary')
    card.click()
    wait_for_zoom(answered, 3)
    assert seen(answered)["near"][1] == pytest.approx([0.5, 0.5], abs=0.05)
    assert_boxes_are_on_the_faces(answered)
    answered.locator('.face[data-face="0"] summary').click()
    until(answered, f"Math.abs(({SEEN})().near[0][0] - 0.5) < 0.05")
    card.click()
    wait_for_whole(answered)


@pytest.mark.parametrize("way", ["escape", "button", "key"])
def test_the_whole_photo_comes_back(answered: Page, way: str):
    answered.locator('.face[data-face="0"] summary').click()
    whole = answered.get_by_role("button", name="Show the whole photo")
    expect(whole).to_be_visible()
    if way == "escape":
        answered.keyboard.press("Escape")
    elif way == "button":
        whole.press("Enter")
        expect(answered.locator("#frame")).to_be_focused()
    else:
        answered.locator("#frame").press("0")
    expect(whole).to_be_hidden()
    assert zoom(answered) == 1
    assert_boxes_are_on_the_faces(answered)


def test_the_keyboard_zooms_and_moves_the_photo(answered: Page):
    frame = answered.locator("#frame")
    frame.focus()
    frame.press("+")
    wait_for_zoom(answered, 1.5)
    before = seen(answered)["near"][0]
    frame.press("ArrowLeft")
    until(answered, f"({SEEN})().near[0][0] > {before[0] + 0.1}")
    frame.press("ArrowDown")
    assert seen(answered)["near"][0][1] < before[1] - 0.1
    assert_boxes_are_on_the_faces(answered)
    frame.press("-")
    frame.press("-")
    wait_for_whole(answered)


def test_arrow_keys_scroll_the_page_while_the_whole_photo_is_shown(answered: Page):
    answered.set_viewport_size({"width": 1280, "height": 400})
    answered.locator("#frame").press("ArrowDown")
    until(answered, "scrollY > 0")


def test_the_wheel_zooms_with_ctrl_and_scrolls_without(answered: Page):
    answered.set_viewport_size({"width": 1280, "height": 500})
    answered.mouse.move(*centre(answered, ".box[data-face='0']"))
    before = seen(answered)["near"][0]
    answered.keyboard.down("Control")
    answered.mouse.wheel(0, -120)
    answered.mouse.wheel(0, -120)
    wait_for_zoom(answered, 1.5)
    answered.keyboard.up("Control")
    assert answered.evaluate("scrollY") == 0
    assert seen(answered)["near"][0] == pytest.approx(before, abs=0.02)  # what is under the pointer stays there
    zoomed = zoom(answered)
    answered.mouse.wheel(0, 120)
    until(answered, "scrollY > 0")
    assert zoom(answered) == zoomed


def test_a_double_click_zooms_in_and_out_and_a_drag_moves_the_photo(answered: Page):
    x, y = centre(answered)
    answered.mouse.dblclick(x, y)
    wait_for_zoom(answered, 2.5)
    before = seen(answered)["near"][0]
    answered.mouse.move(x, y)
    answered.mouse.down()
    answered.mouse.move(x + 60, y + 30, steps=4)
    answered.mouse.up()
    after = seen(answered)["near"][0]
    assert after[0] > before[0]
    assert after[1] > before[1]
    assert_boxes_are_on_the_faces(answered)
    answered.wait_for_timeout(400)  # a click soon after would be a double click
    answered.mouse.dblclick(x, y)
    wait_for_whole(answered)


def test_a_drag_that_ends_on_a_face_does_not_open_its_card(answered: Page):
    answered.locator('.face[data-face="0"] summary').click()
    wait_for_zoom(answered, 2.4)
    answered.locator('.face[data-face="0"] details').evaluate("(details) => (details.open = false)")
    x, y = centre(answered, ".box[data-face='0']")
    answered.mouse.move(x, y)
    answered.mouse.down()
    answered.mouse.move(x + 40, y, steps=4)
    answered.mouse.up()
    expect(answered.locator('.face[data-face="0"] details')).not_to_have_attribute("open", "")
    answered.mouse.click(*centre(answered, ".box[data-face='0']"))
    expect(answered.locator('.face[data-face="0"] details')).to_have_attribute("open", "")


def test_lines_keep_their_width_and_a_name_that_has_room_now_is_shown(answered: Page):
    measure = """() => {
        const box = document.querySelector(".box[data-face='1']");
        return getComputedStyle(box).outlineWidth;
    }"""
    before = answered.evaluate(measure)
    answered.locator('.face[data-face="1"] summary').press("Enter")
    wait_for_zoom(answered, 3)
    assert answered.evaluate(measure) == before
    tag = answered.locator(".box[data-face='1'] .tag")
    expect(tag).to_have_attribute("data-kind", "name")
    expect(tag.locator(".name")).to_be_in_viewport(ratio=1)


def test_another_photo_is_shown_whole(answered: Page, choose):
    answered.locator('.face[data-face="0"] summary').click()
    wait_for_zoom(answered, 2.4)
    choose(drawn_photo((640, 480)))
    until(answered, "document.querySelector('#photo').naturalWidth === 640")
    wait_for_whole(answered)


def test_the_view_glides_unless_the_visitor_wants_less_motion(answered: Page):
    count = """() => {
        globalThis.views = new Set();
        new MutationObserver(() => views.add(document.querySelector("#frame").style.getPropertyValue("--zoom")))
            .observe(document.querySelector("#frame"), { attributes: true });
    }"""
    answered.evaluate(count)
    answered.locator('.face[data-face="0"] summary').click()
    wait_for_zoom(answered, 2.4)
    assert answered.evaluate("views.size") == 1
    answered.emulate_media(reduced_motion="no-preference")
    answered.keyboard.press("Escape")
    wait_for_whole(answered)
    assert answered.evaluate("views.size") > 2  # at least one view on the way, also on a busy machine


@pytest.mark.parametrize("width", [320, 768, 1440])
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_a_zoomed_photo_never_makes_the_page_wider(answered: Page, width: int, direction: str):
    answered.evaluate("(direction) => (document.documentElement.dir = direction)", direction)
    answered.set_viewport_size({"width": width, "height": 700})
    answered.locator("#frame").press("+")
    answered.locator("#frame").press("+")
    wait_for_zoom(answered, 2)
    assert answered.evaluate("document.documentElement.scrollWidth") <= width
    assert_boxes_are_on_the_faces(answered)


def test_two_fingers_zoom_the_photo_and_not_the_page(phone: Page):
    pinch(phone, 2.5)
    wait_for_zoom(phone, 2)
    assert_boxes_are_on_the_faces(phone)
    assert phone.evaluate("[visualViewport.scale, scrollY]") == [1, 0]
    pinch(phone, 0.2)
    wait_for_whole(phone)


def test_one_finger_scrolls_the_page_until_the_photo_is_zoomed(phone: Page):
    x, y = centre(phone)
    pinch(phone, 3)
    wait_for_zoom(phone, 2)
    before = seen(phone)["near"][0]
    touch(phone, *([(x, y + 50 - 10 * step)] for step in range(8)))
    assert phone.evaluate("scrollY") == 0
    assert seen(phone)["near"][0][1] < before[1]
    pinch(phone, 0.1)
    wait_for_whole(phone)
    touch(phone, *([(x, y + 100 - 20 * step)] for step in range(10)))
    until(phone, "scrollY > 50")


def test_a_double_tap_zooms_in_and_out(phone: Page):
    x, y = centre(phone)
    for wait in (wait_for_zoom, wait_for_whole):
        touch(phone, [(x, y)], taps=2)
        wait(*((phone, 2.5) if wait is wait_for_zoom else (phone,)))
        phone.wait_for_timeout(400)  # a tap soon after would be a double tap


def test_on_a_phone_the_face_is_seen_beside_its_card(phone: Page):
    card = phone.locator('.face[data-face="1"] summary')
    card.scroll_into_view_if_needed()
    card.tap()
    wait_for_zoom(phone, 3)
    expect(phone.locator("#frame")).to_be_in_viewport(ratio=0.95)
    expect(card).to_be_in_viewport(ratio=0.9)
    covered = """(card) => {
        const { left, top, width, height } = card.getBoundingClientRect();
        return !card.contains(document.elementFromPoint(left + width / 2, top + height / 2));
    }"""
    assert not card.evaluate(covered)
