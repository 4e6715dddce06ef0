"""Faces that are named in the running picture of the camera, with Chromium's fake camera and a fake API."""

import io
import re
import time

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.fakes import API, LABELS, face, problem, recognition, reply

ADA = face("Ada Lovelace", (64, 72, 160, 180))
FRAME = (640, 360)

# A camera that faces the visitor, as a phone's does, or the other way.
FACING = """(facingMode) => {
    const { getSettings } = MediaStreamTrack.prototype;
    MediaStreamTrack.prototype.getSettings = function () {
        return { ...getSettings.call(this), facingMode };
    };
}"""

# Boxes in percent of the picture, as they are seen: the picture leaves bars beside or above it.
SEEN = """() => {
    const video = document.querySelector(".viewfinder video");
    const { left, top, width, height } = video.getBoundingClientRect();
    const scale = Math.min(width / video.videoWidth, height / video.videoHeight);
    const shown = { width: video.videoWidth * scale, height: video.videoHeight * scale };
    const [x, y] = [left + (width - shown.width) / 2, top + (height - shown.height) / 2];
    return [...document.querySelectorAll(".live-boxes .box")].map((box) => {
        const seen = box.getBoundingClientRect();
        const corner = [(seen.left - x) / shown.width, (seen.top - y) / shown.height];
        return [...corner, seen.width / shown.width, seen.height / shown.height];
    });
}"""


class FrameApi:
    """Answers each frame, and counts the requests and how many are in flight."""

    def __init__(self, page: Page):
        self.frames: list[bytes] = []
        self.answer: dict | tuple = recognition(ADA, size=FRAME)
        self.headers: dict[str, str] = {}
        page.route(f"{API}/recognize", self._reply)

    def _reply(self, route):
        self.frames.append(route.request.post_data_buffer)
        body, status = self.answer if isinstance(self.answer, tuple) else (self.answer, 200)
        reply(route, body, status, self.headers)

    def wait_for(self, page: Page, frames: int) -> None:
        """Return after so many more frames."""
        wanted = len(self.frames) + frames
        deadline = time.monotonic() + 20
        while len(self.frames) < wanted:
            assert time.monotonic() < deadline, f"{len(self.frames)} of {wanted} frames"
            page.wait_for_timeout(20)

    def is_quiet(self, page: Page) -> bool:
        """Whether no frame comes for a second."""
        page.wait_for_timeout(100)  # one may be on its way
        before = len(self.frames)
        page.wait_for_timeout(1000)
        return len(self.frames) == before


@pytest.fixture
def api(site: Page) -> FrameApi:
    return FrameApi(site)


@pytest.fixture
def camera(site: Page, api):
    """The open dialog of a camera that is ready."""
    return open_camera(site)


def open_camera(site: Page):
    site.get_by_role("button", name="Take a photo").click()
    dialog = site.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Take the photo")).to_be_enabled()
    return dialog


def switch(camera):
    return camera.get_by_role("switch", name="Recognise live")


def test_no_frame_is_sent_unless_the_visitor_asks(site: Page, camera, api):
    expect(switch(camera)).not_to_be_checked()
    assert api.is_quiet(site)
    assert api.frames == []


def test_faces_are_named_in_the_running_picture(site: Page, camera, api):
    switch(camera).check()
    expect(camera.locator(".live-boxes .tag")).to_have_text("Ada Lovelace")
    expect(camera.locator(".live-boxes .box")).to_have_class("box known")
    api.wait_for(site, 2)
    expect(camera.locator(".live-boxes .box")).to_have_count(1)  # it is one face, which is followed


def test_frames_are_small_photos_without_metadata(site: Page, camera, api):
    switch(camera).check()
    api.wait_for(site, 1)
    jpeg = api.frames[0][api.frames[0].index(b"\xff\xd8") :]
    frame = Image.open(io.BytesIO(jpeg))
    assert (frame.format, max(frame.size)) == ("JPEG", 640)
    assert not dict(frame.getexif())
    assert len(api.frames[0]) < 100_000


def test_at_most_four_frames_a_second_are_sent(site: Page, camera, api):
    switch(camera).check()
    api.wait_for(site, 1)
    start, before = time.monotonic(), len(api.frames)
    site.wait_for_timeout(2000)
    assert len(api.frames) - before <= 4 * (time.monotonic() - start) + 1


def test_one_request_is_in_flight_at_a_time(site: Page, server):
    server.answering.clear()
    site.unroute("**/config.json")
    site.goto(server.address)
    camera = open_camera(site)
    switch(camera).check()
    expect(camera.get_by_text("Waking the service")).to_be_visible()
    assert len(server.photos) == 1
    server.answering.set()
    expect(camera.locator(".live-boxes .tag")).to_have_text("Ada Lovelace")
    expect(camera.get_by_text("Waking the service")).to_be_hidden()


@pytest.mark.parametrize(("facing", "left"), [("environment", 0.1), ("user", 0.65)])
@pytest.mark.parametrize("size", [(1280, 800), (390, 844), (844, 390)])
def test_boxes_are_on_the_faces(site: Page, api, facing: str, left: float, size: tuple[int, int]):
    site.set_viewport_size({"width": size[0], "height": size[1]})
    site.evaluate(FACING, facing)
    camera = open_camera(site)
    switch(camera).check()
    expect(camera.locator(".live-boxes .tag")).to_have_text("Ada Lovelace")
    assert site.evaluate(SEEN) == [pytest.approx((left, 0.2, 0.25, 0.5), abs=0.01)]
    mirrored = "getComputedStyle(document.querySelector('.live-boxes .tag')).transform"
    assert site.evaluate(mirrored) == "none"  # the name stays readable
    assert site.evaluate("document.documentElement.scrollWidth") <= size[0]
    expect(camera.get_by_role("button", name="Take the photo")).to_be_in_viewport(ratio=1)
    expect(switch(camera)).to_be_in_viewport(ratio=1)


def test_boxes_fit_after_the_phone_was_turned(site: Page, camera, api):
    switch(camera).check()
    expect(camera.locator(".live-boxes .box")).to_be_visible()
    site.set_viewport_size({"width": 390, "height": 844})
    deadline = time.monotonic() + 5
    while site.evaluate(SEEN) != [pytest.approx((0.65, 0.2, 0.25, 0.5), abs=0.01)]:
        assert time.monotonic() < deadline
        site.wait_for_timeout(20)


def test_nothing_is_sent_while_the_page_is_hidden(site: Page, camera, api):
    switch(camera).check()
    api.wait_for(site, 1)
    hide = """(hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    site.evaluate(hide, True)
    assert api.is_quiet(site)
    expect(camera.locator(".live-boxes .box")).to_have_count(0)
    site.evaluate(hide, False)
    api.wait_for(site, 1)


@pytest.mark.parametrize("stop", ["switch", "close", "unplug", "photo"])
def test_nothing_is_sent_after_a_stop(site: Page, camera, api, stop: str):
    switch(camera).check()
    api.wait_for(site, 1)
    if stop == "switch":
        switch(camera).uncheck()
    elif stop == "close":
        site.keyboard.press("Escape")
    elif stop == "unplug":
        track = "document.querySelector('video').srcObject.getVideoTracks()[0]"
        site.evaluate(f"{track}.dispatchEvent(new Event('ended'))")
        expect(camera.get_by_text("The camera stopped.")).to_be_visible()
        expect(switch(camera)).to_be_hidden()
    else:
        camera.get_by_role("button", name="Take the photo").click()
        expect(site.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(site.locator(".live-boxes .box")).to_have_count(0)
    assert api.is_quiet(site)


def test_a_photo_taken_while_faces_are_named_goes_the_way_of_a_photo(site: Page, camera, api):
    switch(camera).check()
    api.wait_for(site, 1)
    camera.get_by_role("button", name="Take the photo").click()
    expect(site.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(site.get_by_role("img", name="Photo 1")).to_be_visible()
    assert site.evaluate("document.querySelector('#photo').naturalWidth") > 640


def test_a_busy_service_is_asked_less_often_and_the_visitor_is_told(site: Page, camera, api):
    api.headers = {"Retry-After": "1"}
    api.answer = problem("rate-limited", 429)
    switch(camera).check()
    expect(camera.get_by_role("status").get_by_text("Trying again in 1 second…")).to_be_visible()
    assert len(api.frames) == 1
    api.answer = recognition(ADA, size=FRAME)
    expect(camera.get_by_text("The service is busy, so I look less often.")).to_be_visible()
    expect(camera.locator(".live-boxes .tag")).to_have_text("Ada Lovelace")


def test_a_service_that_is_gone_ends_it_and_says_why(site: Page, camera, api):
    site.route(f"{API}/recognize", lambda route: route.abort())
    switch(camera).check()
    expect(camera.get_by_text("I can’t reach the service. Check your connection and try again.")).to_be_visible(
        timeout=10_000
    )
    expect(switch(camera)).not_to_be_checked()
    expect(camera.get_by_role("button", name="Take the photo")).to_be_enabled()
    site.unroute(f"{API}/recognize")
    FrameApi(site)
    switch(camera).check()
    expect(camera.locator(".live-boxes .tag")).to_have_text("Ada Lovelace")


def test_a_failure_that_would_come_again_ends_it(site: Page, camera, api):
    api.answer = problem("forbidden", 403)
    switch(camera).check()
    expect(camera.get_by_text("Exactly what went wrong.")).to_be_visible()
    expect(switch(camera)).not_to_be_checked()
    assert len(api.frames) == 1


def test_a_frame_without_a_face_is_no_failure(site: Page, camera, api):
    api.answer = problem("no-face", 422)
    switch(camera).check()
    api.wait_for(site, 2)
    expect(camera.locator(".offscreen")).to_have_text("I see no face.")
    expect(switch(camera)).to_be_checked()


def test_after_minutes_without_a_sign_the_page_asks_whether_the_visitor_is_there(page: Page, server):
    page.clock.install()
    page.route("**/config.json", lambda route: route.fulfill(json={"api": API}))
    page.route(f"{API}/labels", lambda route: reply(route, LABELS))
    api = FrameApi(page)
    page.goto(server.address)
    camera = open_camera(page)
    switch(camera).check()
    api.wait_for(page, 1)
    page.clock.fast_forward("02:00")
    page.keyboard.press("Shift")
    page.clock.fast_forward("02:00")
    page.clock.fast_forward("00:30")  # if a frame was in flight, it seemed to take minutes, and the page pauses
    api.wait_for(page, 1)
    page.clock.fast_forward("01:30")
    go_on = camera.get_by_role("button", name="Continue")
    expect(go_on).to_be_focused()
    assert api.is_quiet(page)
    page.keyboard.press("Enter")
    expect(go_on).to_be_hidden()
    expect(switch(camera)).to_be_focused()
    page.clock.fast_forward("00:30")  # the same
    api.wait_for(page, 1)


def test_names_are_announced_when_they_change_and_not_with_each_frame(site: Page, camera, api):
    site.evaluate("""() => {
        globalThis.said = [];
        const region = document.querySelector(".viewfinder .offscreen");
        new MutationObserver(() => said.push(region.textContent)).observe(region, { childList: true });
    }""")
    switch(camera).check()
    expect(camera.locator(".offscreen")).to_have_text("Ada Lovelace")
    api.answer = recognition(ADA, face("Grace Hopper", (400, 72, 160, 180)), size=FRAME)
    expect(camera.locator(".live-boxes .tag")).to_have_text(["Ada Lovelace", "Grace Hopper"])
    expect(camera.locator(".offscreen")).to_have_text("Ada Lovelace and Grace Hopper", timeout=8000)
    api.wait_for(site, 3)
    assert site.evaluate("said") == ["Ada Lovelace", "Ada Lovelace and Grace Hopper"]


def test_the_switch_works_with_the_keyboard_and_its_focus_is_seen(site: Page, camera, api):
    expect(camera.get_by_role("button", name="Take the photo")).to_be_focused()
    for _ in range(4):
        site.keyboard.press("Shift+Tab")
        if switch(camera).evaluate("(toggle) => toggle === document.activeElement"):
            break
    expect(switch(camera)).to_be_focused()
    assert switch(camera).evaluate("(toggle) => getComputedStyle(toggle).outlineStyle") != "none"
    site.keyboard.press("Space")
    expect(switch(camera)).to_be_checked()
    expect(camera.locator(".live-boxes .box")).to_be_visible()


@pytest.mark.parametrize(("live", "offered"), [(0, False), (1, True)])
def test_the_owner_decides_how_many_frames_a_second(page: Page, server, live: int, offered: bool):
    page.route("**/config.json", lambda route: route.fulfill(json={"api": API, "owner": {"live": live}}))
    page.route(f"{API}/labels", lambda route: reply(route, LABELS))
    api = FrameApi(page)
    page.goto(server.address)
    expect(page.locator(".names li").first).to_be_visible()
    camera = open_camera(page)
    expect(switch(camera)).to_have_count(int(offered))
    if offered:
        switch(camera).check()
        api.wait_for(page, 1)
        page.wait_for_timeout(1500)
        assert len(api.frames) <= 3


def test_the_camera_is_loaded_when_it_is_wanted(page: Page, server):
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url.rpartition("/")[2]))
    page.goto(server.address)
    expect(page.locator(".names li").first).to_be_visible()
    wanted = {"camera.js", "camera.css", "live.js", "pace.js", "tracks.js", "zoom.js"}
    assert wanted.isdisjoint(loaded)
    open_camera(page)
    assert wanted - {"zoom.js"} <= set(loaded)


def test_a_camera_that_cannot_be_loaded_is_explained_and_can_be_tried_again(site: Page):
    site.route("**/camera.css", lambda route: route.abort())
    site.get_by_role("button", name="Take a photo").click()
    expect(site.locator("#note")).to_have_text(re.compile("The connection was lost."))
    site.unroute("**/camera.css")
    open_camera(site)
