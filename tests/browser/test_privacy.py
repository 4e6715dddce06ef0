"""The privacy page in every language, and the line that visitors tick where the owner wants consent."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from deploy import website
from deploy.owner import UNSAID, Owner
from tests.browser.deployment import Deployment
from tests.browser.fakes import API, LABELS, face, recognition, reply
from tests.browser.test_everyone import violations
from tests.browser.test_languages import SHIFT

ADA = Owner("Ada Lovelace", "ada@example.org")
TITLES = {"en": "Privacy", "es": "Privacidad", "hi": "गोपनीयता", "ar": "الخصوصية"}


@pytest.fixture(scope="module")
def running_deployment() -> Iterator[Deployment]:
    with Deployment() as server, server.running():
        yield server


@pytest.fixture
def deployed(running_deployment: Deployment, page: Page) -> Callable[[Owner], str]:
    """Deploy the website of an owner, and return its address. Photos that are sent are in `sent` of the page."""

    def deploy(owner: Owner) -> str:
        running_deployment.deploy(website.build().pages("https://site.test", website.Services(API), owner))
        page.route(f"{API}/labels", lambda route: reply(route, LABELS))
        page.route(f"{API}/recognize", lambda route: reply(route, recognition(face())))
        return running_deployment.address

    return deploy


@pytest.fixture
def sent(page: Page) -> list[str]:
    """The addresses of the API to which the page sends photos."""
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url) if request.method == "POST" else None)
    return addresses


@pytest.mark.parametrize("language", TITLES)
def test_the_privacy_page_is_in_the_visitors_language_and_names_the_owner(page: Page, deployed, language: str):
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{deployed(ADA)}/?lang={language}")
    page.locator("footer > a[href='privacy.html']").click()
    expect(page.get_by_role("heading", level=1)).to_have_text([TITLES[language]])
    article = page.locator("article:visible")
    expect(article).to_contain_text("Ada Lovelace")
    expect(article.get_by_role("link", name="ada@example.org")).to_have_attribute("href", "mailto:ada@example.org")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    direction = page.evaluate("document.documentElement.dir")
    assert direction == ("rtl" if language == "ar" else "ltr")


@pytest.mark.parametrize(("scheme", "owner"), [("light", UNSAID), ("dark", ADA)], ids=["light", "dark"])
def test_axe_finds_no_violation_on_the_privacy_page(page: Page, deployed, owner: Owner, scheme: str):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(f"{deployed(owner)}/privacy.html?lang=hi")
    assert violations(page) == []


def test_without_an_owner_the_privacy_page_says_so(page: Page, deployed):
    page.goto(f"{deployed(UNSAID)}/privacy.html")
    expect(page.locator("article:visible")).to_contain_text("hasn’t given a name here yet")


def test_the_privacy_page_says_the_same_in_every_language(page: Page, deployed):
    page.goto(f"{deployed(ADA)}/privacy.html")
    outline = "(article) => [...article.querySelectorAll('*')].map(({ tagName, hidden }) => [tagName, hidden])"
    first, *others = [page.locator(f"article[lang={language}]").evaluate(outline) for language in TITLES]
    assert [other == first for other in others] == [True] * 3


def test_without_javascript_the_privacy_page_is_there_in_every_language(chromium: Browser, deployed):
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{deployed(ADA)}/privacy.html")
        expect(page.get_by_role("heading", level=1)).to_have_text(list(TITLES.values()))


def test_the_privacy_page_loads_no_words_and_no_module(page: Page, deployed):
    requested = []
    page.on("request", lambda request: requested.append(request.url.rpartition("/")[2]))
    page.goto(f"{deployed(ADA)}/privacy.html?lang=ar")
    expect(page.locator("article:visible")).to_be_visible()
    assert {name for name in requested if name.endswith(".js")} == {"language.js"}


def test_without_a_consent_line_nothing_is_asked(page: Page, deployed, choose):
    page.goto(deployed(ADA))
    expect(page.locator("#consent")).to_be_hidden()
    choose()
    expect(page.locator(".box")).to_be_visible()


def test_no_photo_is_sent_before_the_visitor_agrees_with_the_keyboard(page: Page, deployed, choose, sent):
    page.goto(deployed(Owner(consent=True)))
    choose()
    box = page.get_by_role("checkbox", name="I agree that the faces in my photos are measured")
    expect(box).to_be_focused()
    expect(page.locator("#note")).to_have_text("Tick the box to agree, and I’ll go on.")
    assert sent == []
    page.keyboard.press("Space")
    expect(page.locator(".box")).to_be_visible()
    expect(page.locator("#note")).to_be_hidden()
    assert sent == [f"{API}/recognize"]


def test_only_the_photo_that_was_chosen_last_is_sent_when_the_visitor_agrees(page: Page, deployed, choose, sent):
    page.goto(deployed(Owner(consent=True)))
    for _ in range(3):
        choose()
        expect(page.locator("#note")).to_be_visible()
    page.get_by_role("checkbox").check()
    expect(page.locator(".box")).to_be_visible()
    assert len(sent) == 1


def test_a_visitor_who_no_longer_agrees_is_asked_again(page: Page, deployed, choose, sent):
    page.goto(deployed(Owner(consent=True)))
    page.get_by_role("checkbox").check()
    choose()
    expect(page.locator(".box")).to_be_visible()
    page.get_by_role("checkbox").uncheck()
    choose()
    expect(page.locator("#note")).to_be_visible()
    assert len(sent) == 1


def test_the_camera_does_not_start_before_the_visitor_agrees(page: Page, deployed):
    page.goto(deployed(Owner(consent=True)))
    page.get_by_role("button", name="Take a photo").click()
    expect(page.get_by_role("checkbox")).to_be_focused()
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("Space")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_the_tick_is_kept_for_the_tab_only_and_for_the_same_sentence(page: Page, context: BrowserContext, deployed):
    address = deployed(Owner(consent="I agree."))
    page.goto(address)
    page.get_by_role("checkbox", name="I agree.").check()
    page.reload()
    expect(page.get_by_role("checkbox")).to_be_checked()
    other = context.new_page()
    other.goto(address)
    expect(other.get_by_role("checkbox")).not_to_be_checked()
    deployed(Owner(consent="I agree to more."))
    page.goto(address)
    expect(page.get_by_role("checkbox", name="I agree to more.")).not_to_be_checked()


def test_the_owners_own_sentence_is_shown_as_it_is_in_every_language(page: Page, deployed):
    address = deployed(Owner(consent="Je suis <d'accord> & voilà."))
    for language in TITLES:
        page.goto(f"{address}/?lang={language}")
        expect(page.locator("#agreement")).to_have_text("Je suis <d'accord> & voilà.")


def test_the_consent_line_is_large_enough_for_a_finger_and_moves_nothing(page: Page, deployed):
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{deployed(Owner(consent=True))}/?lang=ar")
    expect(page.locator(".names li").first).to_be_visible()
    assert page.locator("#consent").bounding_box()["height"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate(SHIFT) < 0.02
    assert violations(page) == []
