"""What the website says when no answer comes: one plain sentence, whatever broke."""

import pytest
from browser_fakes import API, drawn_photo, face, recognition, reply
from playwright.sync_api import Page, Route, expect


def test_a_problem_is_told_in_the_apis_own_words(site: Page, answer, choose):
    answer({"type": "urn:visage:problem:no-face", "detail": "There is no face.", "request_id": "6f0c"}, 422)
    choose()
    expect(reason(site)).to_have_text("There is no face.")
    expect(site.get_by_text("Reference: 6f0c")).to_be_visible()


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (413, "This photo is too large to send. Try a smaller one."),
        (429, "Too many photos are being sent right now. Wait a moment and try again."),
        (502, "The server stumbled over this photo. Try again in a moment."),
        (503, "Recognition is busy or starting up. Try again in a moment."),
        (504, "Recognition took too long to answer. Try again in a moment."),
    ],
)
def test_an_error_of_the_gateway_becomes_a_sentence(site: Page, answer, choose, status: int, sentence: str):
    answer({"message": "Service Unavailable"}, status)
    choose()
    expect(reason(site)).to_have_text(sentence)


def test_an_error_page_in_html_becomes_a_sentence(site: Page, answer, choose):
    answer("<html><h1>Bad Gateway</h1></html>", 502)
    choose()
    expect(reason(site)).to_have_text("The server stumbled over this photo. Try again in a moment.")


@pytest.mark.parametrize("body", ["", "null", "[]", '{"faces": []}', "<html></html>"])
def test_a_success_that_is_no_recognition_becomes_a_sentence(site: Page, answer, choose, body: str):
    answer(body)
    choose()
    expect(reason(site)).to_contain_text("answer made no sense to this page. Try again in a moment.")


def test_a_broken_network_becomes_a_sentence(site: Page, choose):
    site.route(f"{API}/recognize", lambda route: route.abort("internetdisconnected"))
    choose()
    expect(reason(site)).to_contain_text("be reached. Check your connection and try again.")


def test_an_answer_that_never_comes_is_given_up(page: Page, request, choose):
    page.clock.install()
    site = request.getfixturevalue("site")
    with site.expect_request(f"{API}/recognize"):
        site.route(f"{API}/recognize", lambda _: None)
        choose()
    page.clock.fast_forward("01:30")
    expect(reason(site)).to_have_text("No answer came in time. Try again, or send a smaller photo.")


def test_trying_again_sends_the_same_photo_again(site: Page, answer, choose):
    answer({"message": "Service Unavailable"}, 503)
    choose()
    expect(reason(site)).to_be_visible()
    answer(recognition(face("Ada Lovelace")))
    site.get_by_role("button", name="Try again").click()
    expect(site.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


def test_trying_again_is_not_offered_where_it_cannot_help(site: Page, answer, choose):
    answer({"detail": "There is no face."}, 422)
    choose()
    expect(reason(site)).to_be_visible()
    expect(site.get_by_role("button", name="Try again")).to_be_hidden()


def test_a_failure_takes_the_last_photos_boxes_away(site: Page, answer, choose):
    answer(recognition(face("Ada Lovelace")))
    choose()
    expect(site.locator(".box")).to_be_visible()
    answer({"detail": "There is no face."}, 422)
    choose()
    expect(reason(site)).to_be_visible()
    expect(site.locator(".box")).to_have_count(0)


def test_a_late_answer_never_replaces_that_of_a_newer_photo(site: Page, choose):
    waiting: list[Route] = []

    def answer_only_the_second(route: Route) -> None:
        waiting.append(route)
        if len(waiting) == 2:
            reply(route, recognition(face("Grace Hopper")))

    site.route(f"{API}/recognize", answer_only_the_second)
    with site.expect_event("requestfailed") as cancelled:
        with site.expect_request(f"{API}/recognize"):
            choose()
        choose(drawn_photo((640, 480)))
    expect(site.get_by_role("heading", name="Grace Hopper")).to_be_visible()
    reply(waiting[0], recognition(face("Ada Lovelace")))
    expect(site.get_by_role("heading", name="Grace Hopper")).to_be_visible()
    assert cancelled.value == waiting[0].request


@pytest.mark.parametrize("body", ["", "{", "{}", '{"api": "nowhere"}'])
def test_a_broken_config_is_told_before_the_first_photo(page: Page, server, body: str):
    page.route("**/config.json", lambda route: route.fulfill(body=body))
    page.goto(server.address)
    expect(reason(page)).to_contain_text("know where its API is")


def test_a_missing_config_is_told_before_the_first_photo(page: Page, server):
    page.goto(server.address)
    expect(reason(page)).to_contain_text("know where its API is")


def test_a_config_that_arrives_later_is_found_by_trying_again(page: Page, server):
    page.goto(server.address)
    expect(reason(page)).to_be_visible()
    page.route("**/config.json", lambda route: route.fulfill(json={"api": API}))
    page.get_by_role("button", name="Try again").click()
    expect(reason(page)).to_be_hidden()


def reason(page: Page):
    return page.locator("#reason")
