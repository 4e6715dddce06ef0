"""What the website says when there is no answer: plain sentences for every failure."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from api.errors import problem_of
from api.openapi import MODEL_ERRORS, UPLOAD_ERRORS
from tests.browser.fakes import API, LABELS, drawn_photo, face, problem, recognition, reply

PROBLEMS = [problem_of(error).name for error in (*UPLOAD_ERRORS, *MODEL_ERRORS)]
NO_WAIT = {"Retry-After": "0"}


@pytest.fixture
def clock(page: Page):
    """The clock of the page. It stands still until a test moves it."""
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    return page.clock


@pytest.mark.parametrize("name", sorted(set(PROBLEMS)))
def test_every_problem_of_the_api_is_a_sentence_with_a_reference(site: Page, answer, choose, name: str):
    status = next(
        problem.status for problem in map(problem_of, (*UPLOAD_ERRORS, *MODEL_ERRORS)) if problem.name == name
    )
    answer(*problem(name, status), headers=NO_WAIT)
    choose()
    expect(reason(site)).to_have_text(re.compile(r"^[A-Z].{15,}[.]$"))
    expect(site.get_by_text("Reference: 6f0c")).to_be_visible()
    expect(site.locator("#status")).to_have_text(reason(site).text_content())


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (413, "This photo is too large. Choose a smaller photo, or save it as a JPEG."),
        (429, "Too many photos are being sent right now. Wait a moment and try again."),
        (502, "The service had a problem with this photo. Try again in a moment."),
        (503, "The service is busy or waking up. Try again in a moment."),
        (504, "The service took too long to answer. Try again in a moment."),
    ],
)
def test_an_error_of_api_gateway_becomes_a_sentence(site: Page, answer, choose, status: int, sentence: str):
    answer({"message": "Service Unavailable"}, status, NO_WAIT)
    choose()
    expect(reason(site)).to_have_text(sentence)


def test_a_busy_service_is_asked_again_before_a_failure_is_shown(site: Page, clock, choose):
    busy = iter([(429, "20"), (503, "10")])

    def answer_the_third(route: Route) -> None:
        status, wait = next(busy, (200, None))
        if wait:
            reply(route, {"message": "Busy"}, status, {"Retry-After": wait})
        else:
            reply(route, recognition(face("Ada Lovelace")))

    site.route(f"{API}/recognize", answer_the_third)
    choose()
    reasons = ("Too many photos are being sent right now.", "The service is busy or waking up.")
    for cause, seconds in zip(reasons, (20, 10), strict=True):
        expect(site.locator("#progress")).to_have_text(f"{cause} Trying again in {seconds} seconds…")
        clock.run_for(4000)
        expect(site.locator("#progress")).to_have_text(f"{cause} Trying again in {seconds - 4} seconds…")
        clock.run_for(1000 * (seconds - 4))
    expect(site.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


def test_a_service_that_cannot_be_reached_is_not_called_busy(site: Page, clock, choose):
    site.evaluate("Math.random = () => 0.99")  # so that there is a wait before the next attempt
    site.route(f"{API}/recognize", lambda route: route.abort("connectionrefused"))
    choose()
    expect(site.locator("#progress")).to_have_text(re.compile("reach the service[.] Trying again in 1 second…"))


def test_the_seconds_are_counted_while_an_answer_is_on_its_way(page: Page, clock, server, choose):
    server.answering.clear()
    page.goto(server.address)
    choose()
    expect(page.locator("#progress")).to_have_text("Looking for faces…")
    clock.run_for(2000)
    expect(page.locator("#progress")).to_have_text("Looking for faces…")
    for seconds in (3, 4):
        clock.run_for(1000)
        expect(page.locator("#progress")).to_have_text(f"Looking for faces… {seconds}s")
    expect(page.locator("#status")).to_have_text(
        "Looking for faces… Still working."
    )  # a screen reader is not told each


def test_the_title_follows_what_the_page_shows(page: Page, server, choose):
    page.goto(server.address)
    expect(page).to_have_title("Visage: who is this?")
    server.answering.clear()
    choose()
    expect(page).to_have_title(re.compile("^Looking for faces… . Visage$"))
    server.answering.set()
    expect(page).to_have_title(re.compile("^Ada Lovelace . Visage$"))
    server.answering.clear()
    choose(*[drawn_photo((640, 400 + number)) for number in range(5)])
    expect(page).to_have_title(re.compile("^1 of 5… . Visage$"))
    server.answering.set()
    expect(page).to_have_title(re.compile("^Ada Lovelace . Visage$"))
    choose(b"Dear Sir")
    expect(page).to_have_title(re.compile("^That didn.t work . Visage$"))


def test_a_slow_start_is_explained_after_two_seconds(page: Page, clock, server, choose):
    server.answering.clear()
    page.goto(server.address)
    choose()
    explanation = page.get_by_text("Waking the service")
    expect(page.locator("#progress")).to_have_text("Looking for faces…")
    clock.run_for(1999)
    expect(explanation).to_be_hidden()
    clock.run_for(1)
    expect(explanation).to_be_visible()
    server.answering.set()
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


def test_an_upload_can_be_cancelled_and_sent_again(site: Page, answer, choose):
    site.route(f"{API}/recognize", lambda _: None)
    with site.expect_request(f"{API}/recognize"):
        choose()
    with site.expect_event("requestfailed"):
        site.get_by_role("button", name="Cancel").click()
    expect(site.get_by_text("You cancelled this photo.")).to_be_visible()
    expect(site.locator("#panel")).to_be_focused()
    answer(recognition(face("Ada Lovelace")))
    site.get_by_role("button", name="Send again").click()
    expect(site.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


def test_a_photo_chosen_offline_is_sent_when_the_connection_is_back(site: Page, context, answer, choose):
    answer(recognition(face("Ada Lovelace")))
    context.set_offline(True)
    expect(site.locator("#offline")).to_be_visible()
    choose()
    expect(reason(site)).to_contain_text("offline")
    context.set_offline(False)
    expect(site.locator("#offline")).to_be_hidden()
    expect(site.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


def test_an_error_page_in_html_becomes_a_sentence(site: Page, answer, choose):
    answer("<html><h1>Bad Gateway</h1></html>", 502)
    choose()
    expect(reason(site)).to_have_text("The service had a problem with this photo. Try again in a moment.")


@pytest.mark.parametrize("body", ["", "null", "[]", '{"faces": []}', "<html></html>"])
def test_a_success_that_is_no_recognition_becomes_a_sentence(site: Page, answer, choose, body: str):
    answer(body)
    choose()
    expect(reason(site)).to_contain_text("This page doesn’t understand the service. Try again in a moment.")


def test_a_network_failure_is_shown_as_a_sentence(site: Page, choose):
    site.route(f"{API}/recognize", lambda route: route.abort("internetdisconnected"))
    choose()
    expect(reason(site)).to_contain_text("I can’t reach the service. Check your connection and try again.")


def test_a_request_without_an_answer_fails_after_90_seconds(site: Page, clock, choose):
    site.route(f"{API}/recognize", lambda _: None)
    with site.expect_request(f"{API}/recognize"):
        choose()
    clock.run_for(89_999)
    expect(site.locator("#progress")).to_be_visible()
    clock.run_for(1)
    expect(reason(site)).to_have_text("No answer came in time. Try again, or send a smaller photo.")


def test_trying_again_sends_the_same_photo_again(site: Page, answer, choose):
    answer({"message": "Service Unavailable"}, 503, NO_WAIT)
    choose()
    expect(reason(site)).to_be_visible()
    answer(recognition(face("Ada Lovelace")))
    site.get_by_role("button", name="Try again").click()
    expect(site.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


def test_no_button_offers_to_repeat_a_request_that_would_fail_again(site: Page, answer, choose):
    answer({"detail": "There is no face."}, 422)
    choose()
    expect(reason(site)).to_be_visible()
    expect(site.get_by_role("button", name="Try again")).to_be_hidden()


def test_a_failure_removes_the_boxes_of_the_last_photo(site: Page, answer, choose):
    answer(recognition(face("Ada Lovelace")))
    choose()
    expect(site.locator(".box")).to_be_visible()
    answer({"detail": "There is no face."}, 422)
    choose()
    expect(reason(site)).to_be_visible()
    expect(site.locator(".box")).to_have_count(0)


def test_a_newer_photo_stops_the_upload_of_the_older_one(site: Page, choose):
    waiting: list[Route] = []

    def answer_only_the_second(route: Route) -> None:
        waiting.append(route)
        if len(waiting) == 2:
            reply(route, recognition(face("Grace Hopper")))

    site.route(f"{API}/recognize", answer_only_the_second)  # to the page, a request that is held here is an upload
    with site.expect_event("requestfailed") as cancelled:
        with site.expect_request(f"{API}/recognize"):
            choose()
        choose(drawn_photo((640, 480)))
    expect(site.get_by_role("heading", name="Grace Hopper")).to_be_visible()
    reply(waiting[0], recognition(face("Ada Lovelace")))
    expect(site.get_by_role("heading", name="Grace Hopper")).to_be_visible()
    assert cancelled.value == waiting[0].request


@pytest.mark.parametrize("body", ["", "{", "{}", '{"api": "nowhere"}'])
def test_a_broken_config_is_reported_before_a_photo_is_chosen(page: Page, server, body: str):
    page.route("**/config.json", lambda route: route.fulfill(body=body))
    page.goto(server.address)
    expect(page.locator("#known")).to_contain_text("know where its service is")


def test_trying_again_loads_a_config_that_was_missing_before(page: Page, server, choose, answer):
    page.route("**/config.json", lambda route: route.fulfill(status=404))
    page.goto(server.address)
    choose()
    expect(reason(page)).to_contain_text("know where its service is")
    page.route("**/config.json", lambda route: route.fulfill(json={"api": API}))
    answer(recognition(face("Ada Lovelace")))
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


def test_the_list_of_people_can_be_loaded_again_after_a_failure(page: Page, server):
    page.route("**/config.json", lambda route: route.fulfill(json={"api": API}))
    page.route(f"{API}/labels", lambda route: reply(route, {"message": "Forbidden"}, 403))
    page.goto(server.address)
    page.get_by_role("button", name="Load the list again").wait_for()
    page.route(f"{API}/labels", lambda route: reply(route, LABELS))
    page.get_by_role("button", name="Load the list again").click()
    expect(page.locator(".names li")).to_have_text(["Ada Lovelace", "Grace Hopper"])


def reason(page: Page):
    return page.locator("#reason")
