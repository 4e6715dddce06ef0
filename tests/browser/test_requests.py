"""What the website asks of the service: how many requests at once and in all, whatever visitors and the service do."""

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.fakes import API, SiteServer, drawn_photo, face, recognition, reply

NO_WAIT = {"Retry-After": "0"}
HANGING_WORKER = """
    globalThis.workers = [];
    globalThis.Worker = class {
        constructor() { workers.push("running"); this.number = workers.length - 1; }
        postMessage(file, [port]) {
            if (this.number === 0) return; // the first one never answers
            const answer = ({ width, height }) => port.postMessage({ blob: file, size: { width, height } });
            createImageBitmap(file).then(answer);
        }
        terminate() { workers[this.number] = "ended"; }
    };
"""


class SlowService:
    """Answers when the test says so, and counts the requests that are there at once."""

    def __init__(self, server: SiteServer):
        self._changed = threading.Condition()
        self._held: list[threading.Event] = []
        self.received = self.most = 0
        server.recognize = self._wait

    def _wait(self, _: bytes) -> dict:
        release = threading.Event()
        with self._changed:
            self.received += 1
            self._held.append(release)
            self.most = max(self.most, len(self._held))
            self._changed.notify()
        release.wait()
        return recognition(face())

    def has_received(self, count: int) -> bool:
        """Wait until so many requests have come, for five seconds at most: uploads are on their way."""
        with self._changed:
            return self._changed.wait_for(lambda: self.received >= count, timeout=5) and self.received == count

    def answer(self, *numbers: int) -> None:
        """Answer these of the requests that are held, by default all."""
        with self._changed:
            answered = [self._held[number] for number in numbers] or list(self._held)
            self._held = [held for held in self._held if held not in answered]
        for release in answered:
            release.set()


@pytest.fixture
def service(page: Page, server: SiteServer) -> Iterator[SlowService]:
    """The service of the open page."""
    slow = SlowService(server)
    page.goto(server.address)
    yield slow
    page.goto("about:blank")  # so that nothing is sent again
    slow.answer()


def test_six_quick_choices_make_one_request_and_then_one_for_the_newest(page: Page, service, choose):
    choose()
    expect(page.locator("#progress")).to_contain_text("Looking for faces…")
    for number in range(1, 6):
        choose(drawn_photo((800, 600 + number)))
        expect(page.locator("#progress")).to_contain_text("Waiting for its turn…")
    assert service.has_received(1)
    service.answer()
    expect(page.locator("#progress")).to_contain_text("Looking for faces…")
    assert service.has_received(2)
    service.answer()
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(page.locator("#frame")).to_have_css("aspect-ratio", "800 / 605")
    assert service.most == 1
    assert service.has_received(2)


def test_six_choices_in_half_a_second_stop_the_first_upload_and_send_the_newest(page: Page, site: Page, choose):
    asked = []

    def answer_the_second(route: Route) -> None:
        asked.append(route)  # to the page, a request that is held here is an upload
        if len(asked) == 2:
            reply(route, recognition(face()))

    page.clock.install(time=0)
    page.clock.pause_at(1000)
    site.route(f"{API}/recognize", answer_the_second)
    with site.expect_request(f"{API}/recognize"):
        choose()
    for number in range(1, 6):
        choose(drawn_photo((800, 600 + number)))
        expect(site.locator("#progress")).to_contain_text("Waiting for its turn…")
        assert len(asked) == 1
    page.clock.run_for(500)
    expect(site.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(site.locator("#frame")).to_have_css("aspect-ratio", "800 / 605")
    assert len(asked) == 2


def test_a_photo_does_not_wait_for_ever_for_the_one_that_it_replaced(page: Page, service, choose):
    page.clock.install()
    choose()
    expect(page.locator("#progress")).to_contain_text("Looking for faces…")
    choose()
    expect(page.locator("#progress")).to_contain_text("Waiting for its turn…")
    page.clock.run_for(10_000)
    expect(page.locator("#progress")).to_contain_text("Looking for faces…")
    assert service.has_received(2)


def test_a_photo_that_is_cancelled_lets_the_others_go_on(page: Page, service, choose):
    choose(*[drawn_photo((800, 600 + number)) for number in range(3)])
    expect(page.locator("#strip .working")).to_have_count(2)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Photo 3: Waiting for its turn…")).to_be_visible()
    assert service.has_received(2)
    service.answer(1)
    expect(page.get_by_role("button", name="Photo 3: Looking for faces…")).to_be_visible()
    assert service.has_received(3)
    assert service.most == 2


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_twenty_photos_do_not_hammer_a_service_that_is_dead(page: Page, site: Page, choose, status: int):
    asked = []

    def refuse(route: Route) -> None:
        asked.append(route)
        reply(route, {"message": "Service Unavailable"}, status, NO_WAIT)

    site.route(f"{API}/recognize", refuse)
    choose(*[drawn_photo((80, 60 + number)) for number in range(20)])
    expect(site.locator("#strip .failed")).to_have_count(20, timeout=20_000)
    assert len(asked) <= 4 + 10  # four photos that were begun, and the retries of the page
    site.unroute(f"{API}/recognize")
    site.route(f"{API}/recognize", lambda route: reply(route, recognition(face())))
    site.get_by_role("button", name="Photo 20").click()
    site.locator("#panel").get_by_role("button", name="Try again").click()
    expect(site.locator("#strip .known")).to_have_count(16, timeout=20_000)


def test_the_wait_that_the_service_asks_for_holds_for_all_photos(page: Page, site: Page, choose):
    asked = []

    def refuse_the_first(route: Route) -> None:
        asked.append(route)
        if len(asked) == 1:
            reply(route, {"message": "Too Many Requests"}, 429, {"Retry-After": "20"})
        elif len(asked) > 2:
            reply(route, recognition(face()))

    page.clock.install()
    site.route(f"{API}/recognize", refuse_the_first)
    choose(*[drawn_photo((80, 60 + number)) for number in range(4)])
    expect(site.locator("#strip .pausing")).to_have_count(1)
    expect(site.locator("#strip .sending")).to_have_count(1)
    reply(asked[1], recognition(face()))
    expect(site.locator("#strip .known")).to_have_count(1)
    page.clock.run_for(15_000)
    assert len(asked) == 2
    page.clock.run_for(5_000)
    expect(site.locator("#strip .known")).to_have_count(4)


def test_a_worker_that_never_answers_is_replaced_after_twenty_seconds_and_the_later_photos_go_on(
    page: Page, server, choose
):
    page.add_init_script(HANGING_WORKER)
    page.clock.install()
    page.goto(server.address)
    choose(drawn_photo(), drawn_photo((640, 480)))
    expect(page.locator("#progress")).to_contain_text("Getting your photo ready…")
    page.clock.run_for(20_000)
    expect(page.get_by_role("button", name="Photo 2: Ada Lovelace")).to_be_visible()
    expect(page.locator("#panel")).to_contain_text("Send it unchanged?")  # as for any file it can't open
    assert page.evaluate("workers") == ["ended", "running"]


@pytest.mark.parametrize("leave", ["Cancel", "another choice"])
def test_a_visitor_does_not_wait_for_a_worker_that_never_answers(page: Page, server, choose, leave: str):
    page.add_init_script(HANGING_WORKER)
    page.goto(server.address)
    choose(drawn_photo(), drawn_photo((640, 480)))
    expect(page.locator("#progress")).to_contain_text("Getting your photo ready…")
    if leave == "Cancel":
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("button", name="Photo 2: Ada Lovelace")).to_be_visible()
    else:
        choose(drawn_photo((320, 240)))
        expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    assert page.evaluate("workers") == ["ended", "running"]


def test_a_page_that_is_left_sends_nothing_until_the_visitor_returns(page: Page, service, choose):
    choose(*[drawn_photo((800, 600 + number)) for number in range(3)])
    expect(page.locator("#strip .working")).to_have_count(2)
    assert service.has_received(2)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    expect(page.locator("#strip .waiting")).to_have_count(3)
    with page.expect_event("requestfinished"):
        service.answer(0)
    assert service.received == 2
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.locator("#strip .working")).to_have_count(1)  # the service still works on one from before
