"""The place to enter a key, on a website whose API asks for one."""

from functools import partial

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.fakes import API, LABELS, drawn_photo, face, problem, recognition, reply
from tests.browser.test_everyone import violations

KEY = "visage_dev_right"


class Api:
    """A fake API that asks for a key: for everything, or with `private` for some routes only."""

    def __init__(self, page: Page, private: tuple[str, ...] = ("labels", "recognize")):
        self.private = private
        self.keys: list[str | None] = []
        answers = {"labels": LABELS, "recognize": recognition(face())}
        for path, body in answers.items():
            page.route(f"{API}/{path}", partial(self.answer, path, body))

    def answer(self, path: str, body: dict, route: Route) -> None:
        key = route.request.headers.get("authorization", "").removeprefix("Bearer ") or None
        self.keys.append(key)
        if path not in self.private or key == KEY:
            return reply(route, body)
        return reply(route, *problem("key-unknown" if key else "key-missing", 401))


@pytest.fixture
def website(page: Page, server):
    """Open the website with an API that asks for a key."""

    def website(*private: str) -> Api:
        page.route("**/config.json", lambda route: route.fulfill(json={"api": API}))
        api = Api(page, private or ("labels", "recognize"))
        page.goto(server.address)
        expect(page.locator("#known form")).to_have_count(int("labels" in api.private))
        return api

    return website


def enter(page: Page, key: str, place: str = "#panel") -> None:
    page.locator(place).get_by_label("Key").fill(key)
    page.locator(place).get_by_role("button", name="Use this key").click()


def test_a_key_that_is_entered_brings_the_answer_and_the_list(page: Page, website, choose):
    api = website()
    choose()
    expect(page.locator("#reason")).to_have_text("This service needs a key. Enter yours, or ask its owner for one.")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    enter(page, f" {KEY} ")
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(page.locator(".names li")).to_have_text(["Ada Lovelace", "Grace Hopper"])
    assert set(api.keys) == {None, KEY}


def test_several_photos_are_sent_once_the_key_is_there(page: Page, website, choose):
    website()
    choose(*(drawn_photo((640, 400 + number)) for number in range(5)))
    expect(page.locator("#reason")).to_contain_text("needs a key")
    enter(page, KEY)
    expect(page.locator("#several .overview")).to_have_text("5 of 5 known.")


def test_the_list_of_people_has_a_place_for_the_key_too(page: Page, website):
    website()
    page.locator("#known").get_by_label("Key").fill(KEY)
    page.keyboard.press("Enter")
    expect(page.locator(".names li")).to_have_text(["Ada Lovelace", "Grace Hopper"])


def test_visitors_need_no_key_where_only_the_list_is_private(page: Page, website, choose):
    website("labels")
    choose()
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


def test_a_wrong_key_is_said_and_can_be_replaced(page: Page, website, choose):
    website()
    choose()
    enter(page, "visage_dev_wrong")
    expect(page.locator("#reason")).to_have_text(
        "The service doesn’t accept your key. Check it, or ask the owner for another one."
    )
    enter(page, KEY)
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


@pytest.mark.parametrize("text", ["two words", "schlüssel", "   "])
def test_what_is_no_key_is_not_sent(page: Page, website, choose, text: str):
    api = website()
    choose()
    enter(page, text)
    expect(page.locator("#panel [role=alert]")).to_have_text("That isn’t a key. Copy all of it, without spaces.")
    assert set(api.keys) == {None}


def test_the_key_is_kept_for_this_tab_only(page: Page, website, choose, context, server):
    api = website()
    enter(page, KEY, "#known")
    expect(page.locator(".names li").first).to_be_visible()
    page.reload()
    expect(page.locator(".names li").first).to_be_visible()
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    other = context.new_page()
    other.route("**/config.json", lambda route: route.fulfill(json={"api": API}))
    other.route(f"{API}/labels", partial(api.answer, "labels", LABELS))
    other.goto(server.address)
    expect(other.locator("#known form")).to_be_visible()
    other.close()


def test_a_browser_that_blocks_storage_uses_the_key_until_the_page_is_left(page: Page, website, choose):
    page.add_init_script("Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('blocked') } })")
    website()
    enter(page, KEY, "#known")
    expect(page.locator(".names li").first).to_be_visible()


def test_a_refusal_of_api_gateway_asks_for_a_key_too(page: Page, server, choose):
    page.route("**/config.json", lambda route: route.fulfill(json={"api": API}))
    page.route(f"{API}/*", lambda route: reply(route, {"message": "Unauthorized"}, 401))
    page.goto(server.address)
    expect(page.locator("#known form")).to_be_visible()


def test_the_copied_command_does_not_have_the_key(page: Page, website, choose, context):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    website()
    enter(page, KEY, "#known")
    choose()
    page.get_by_role("button", name="Copy curl").click()
    expect(page.get_by_text("Command copied.")).to_be_visible()
    command = page.evaluate("navigator.clipboard.readText()")
    assert command == f'echo "Authorization: Bearer $VISAGE_KEY" | curl -H @- -F image=@photo.jpg {API}/recognize'


@pytest.mark.parametrize(("scheme", "language"), [("light", "en"), ("dark", "ar")])
def test_axe_finds_no_violation_and_fingers_find_the_form(page: Page, website, choose, scheme: str, language: str):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": 320, "height": 740})
    page.add_init_script(f"Object.defineProperty(navigator, 'languages', {{ get: () => ['{language}'] }})")
    website()
    choose()
    expect(page.locator("#panel form")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for target in page.locator("form input, form button").all():
        assert target.bounding_box()["height"] >= 44
