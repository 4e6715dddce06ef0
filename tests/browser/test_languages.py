"""The website in each language: every state is translated and fits a small phone, and no English is shown first."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.fakes import API, LABELS, PHOTO_SIZE, REFUSE_CAMERA, drawn_photo, face, problem, recognition, reply
from tests.browser.test_answers import drawn_box

LANGUAGES = {"es": "ltr", "hi": "ltr", "ar": "rtl"}
NAMES = {"CSV", "Visage", "Ada", "Lovelace", "Grace", "Hopper", "Joan", "Clarke", "menu", "pdf"}
SIX = [face("Ada Lovelace" if number % 2 else None, (20 + 125 * number, 100, 110, 140)) for number in range(6)]

# Calls the functions with lists of one number, which count as a list and as a number.
WORDS_OF_LANGUAGE = """async (language) => {
    const { formats } = await import(new URL("assets/formats.js", document.baseURI));
    const { default: wordsWith } = await import(new URL(`assets/words/${language}.js`, document.baseURI));
    const addressOf = (folder) => new URL(`assets/words/${folder}/${language}.js`, document.baseURI);
    const later = ["advice", "camera"].map((folder) => import(addressOf(folder)));
    const format = formats(language);
    const texts = (value) => {
        const called = (count) => texts(value(...Array(3).fill([String(count)])));
        if (typeof value === "function") return [1, 2, 3, 11, 100].flatMap(called);
        return typeof value === "object" ? Object.values(value).flatMap(texts) : [value];
    };
    const loaded = (await Promise.all(later)).flatMap(({ default: words }) => texts(words));
    return [...texts(wordsWith(format)), ...loaded, format.milliseconds(1), format.megabytes(1)].join(" ");
}"""

TEXTS_OF_PAGE = """() => {
    const ATTRIBUTES = ["aria-label", "alt", "title", "placeholder"];
    const elements = [...document.body.querySelectorAll("*:not(nav.languages > a, noscript)")];
    const isText = ({ nodeType }) => nodeType === Node.TEXT_NODE;
    const own = ({ childNodes }) => [...childNodes].filter(isText).map(({ data }) => data);
    const attributes = (element) => ATTRIBUTES.map((name) => element.getAttribute(name)).filter(Boolean);
    return [document.title, ...elements.flatMap((element) => [...own(element), ...attributes(element)])].join(" ");
}"""

SHIFT = """() => new Promise((resolve) => {
    let shift = 0;
    new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => (shift += value)))
        .observe({ type: "layout-shift", buffered: true });
    setTimeout(() => resolve(shift), 100);
})"""


@pytest.fixture
def open_in(page: Page, server) -> Callable[[str], Page]:
    """Open the website in a language, on a small phone."""

    def open_page(language: str) -> Page:
        page.set_viewport_size({"width": 320, "height": 640})
        page.route("**/config.json", lambda route: route.fulfill(json={"api": API, "examples": ["examples/1.jpg"]}))
        page.route("**/examples/1.jpg", lambda route: route.fulfill(body=drawn_photo(), content_type="image/jpeg"))
        page.route(f"{API}/labels", lambda route: reply(route, LABELS))
        page.goto(f"{server.address}/?lang={language}")
        expect(page.locator(".names li").first).to_be_visible()
        return page

    return open_page


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_is_translated_and_fits_a_small_phone(open_in, answer, language: str):
    page = open_in(language)
    assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == [
        language,
        LANGUAGES[language],
    ]
    known = latin_words(page.evaluate(WORDS_OF_LANGUAGE, language)) | NAMES

    def check() -> None:
        assert latin_words(page.evaluate(TEXTS_OF_PAGE)) - known == set()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320

    check()
    page.route(f"{API}/recognize", lambda _: None)
    bring(page)
    expect(page.locator("#progress")).to_be_visible()
    check()
    page.locator("#panel button").click()  # cancel
    check()
    for faces in ([face()], [face(None)], SIX, [face(None), face(None)]):
        answer(recognition(*faces))
        bring(page)
        expect(page.locator(".box")).to_have_count(len(faces))
        page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
        check()
    for name, status in (("no-face", 422), ("unreadable-photo", 422), ("a-new-problem", 418), ("internal-error", 500)):
        answer(*problem(name, status))
        bring(page)
        expect(page.locator("#reason")).to_be_visible()
        check()
    answer(recognition(face()))
    bring(page, ("a.jpg", drawn_photo()), ("menu.pdf", b"%PDF-1.7"), ("b.jpg", drawn_photo()))
    expect(page.locator("#strip .known")).to_have_count(2)
    expect(page.locator("#note")).to_be_visible()
    check()
    bring(page, ("a.heic", b"\0\0\0\x18ftypheic"))
    expect(page.locator("#panel.asking")).to_be_visible()
    check()
    page.evaluate(REFUSE_CAMERA)
    page.locator("#shoot").click()
    expect(page.locator("#camera .button").first).to_be_focused()
    check()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentence_of_the_api_is_not_shown_in_another_language(open_in, answer, language: str):
    page = open_in(language)
    answer(*problem("unreadable-photo", 422, detail="The photo ends early."))
    bring(page)
    expect(page.locator("#reason")).not_to_be_empty()
    expect(page.locator("body")).not_to_contain_text("ends early")


def test_from_right_to_left_the_box_stays_on_the_face(open_in, answer):
    page = open_in("ar")
    answer(recognition(face(box=(600, 20, 150, 170))))
    bring(page)
    assert drawn_box(page) == pytest.approx((600, 20, 150, 170), abs=1)


@pytest.mark.parametrize(("locale", "language"), [("hi-IN", "hi"), ("es-MX", "es"), ("ar-MA", "ar"), ("fr-FR", "en")])
def test_the_language_is_the_browsers(chromium: Browser, server, locale: str, language: str):
    with chromium.new_context(locale=locale) as context:
        page = context.new_page()
        page.goto(server.address)
        expect(page.locator(".languages [aria-current]")).to_have_attribute("lang", language)


def test_a_language_chosen_at_the_foot_of_the_page_stays_for_the_tab(page: Page, server):
    page.goto(server.address)
    page.get_by_role("link", name="Español").click()
    expect(page.get_by_role("heading", name="¿Quién es?")).to_be_visible()
    page.goto(server.address)
    expect(page.get_by_role("heading", name="¿Quién es?")).to_be_visible()


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_only_the_visitors_language_is_loaded_and_nothing_moves_when_it_arrives(page: Page, server, language: str):
    loaded = []
    page.on("request", lambda request: loaded.extend(re.findall(r"words/(\w+)\.js", request.url)))
    page.goto(f"{server.address}/?lang={language}")
    expect(page.locator(".names li").first).to_be_visible()
    assert set(loaded) == {language}
    assert page.evaluate(SHIFT) < 0.02


def test_no_english_is_shown_before_the_words_of_another_language_arrive(page: Page, server):
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/words/hi.js", hold)
    page.goto(f"{server.address}/?lang=hi", wait_until="commit")
    title = page.locator("#title")
    expect(title).to_have_text("Who is this?")
    expect(title).to_be_hidden()
    for route in held:
        route.continue_()
    expect(title).to_be_visible()
    expect(title).to_have_text("यह कौन है?")


def test_the_english_page_is_shown_if_the_words_of_another_language_do_not_arrive(page: Page, server):
    page.route("**/words/hi.js", lambda _: None)
    page.goto(f"{server.address}/?lang=hi", wait_until="commit")
    expect(page.get_by_role("heading", name="Who is this?")).to_be_visible(timeout=10_000)


def bring(page: Page, *files: tuple[str, bytes]) -> None:
    """Choose files by name and content; without any, one drawn photo."""
    files = files or (("a.jpg", drawn_photo(PHOTO_SIZE)),)
    payload = [{"name": name, "mimeType": "", "buffer": content} for name, content in files]
    page.locator("#file").set_input_files(files=payload)


def latin_words(text: str) -> set[str]:
    """Return the words in Latin letters, without versions and the like."""
    words = re.findall(r"\w+", text)
    return {word for word in words if re.fullmatch(r"[A-Za-zÀ-ÿ]{2,}", word)}
