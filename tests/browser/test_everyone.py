"""The website with a keyboard, a screen reader, a small phone, reduced motion, and in light and dark mode."""

import gzip
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fakes import API, LABELS, SITE, drawn_photo, face, problem, recognition, reply, wait_for_kept

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
MAX_COMPRESSED_BYTES = 60_000
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIX = [face("Ada Lovelace" if number % 2 else None, (20 + 125 * number, 100, 110, 140)) for number in range(6)]

MOVING = """() => {
    const styles = (element) => [null, "::before", "::after"].map((part) => getComputedStyle(element, part));
    const moves = (style) => style.animationName !== "none" || style.transitionDuration !== "0s";
    return [...document.body.querySelectorAll("*")].filter((element) => styles(element).some(moves))
        .map((element) => element.outerHTML);
}"""

MAX_SHIFT = 0.02
MAX_OPENING_SHIFT = 0.03
"""The examples are known last, and push down one line of text. Browsers call up to 0.1 good."""

OBSERVE_SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => window.shifts.push(...list.getEntries())).observe({ type: "layout-shift" });
"""
SHIFTS = """() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve(
    window.shifts.map(({ value, sources }) => [value, sources.map(({ node }) => node?.cloneNode?.().outerHTML)])
))))"""
"""The layout shifts so far, each with the elements that moved; the observer has heard of a frame after that frame."""

STATES = {
    "empty": None,
    "one face": (recognition(face()), 200),
    "six faces": (recognition(*SIX), 200),
    "stranger": (recognition(face(None)), 200),
    "error": problem("no-face", 422),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_no_violation(site: Page, answer, choose, state: str, scheme: str):
    site.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    expect(site.locator(".names li").first).to_be_visible()
    if STATES[state]:
        answer(*STATES[state])
        choose()
        expect(site.locator("#panel h2")).to_be_visible()
        site.evaluate("document.querySelectorAll('.face details').forEach((details) => (details.open = true))")
    assert violations(site) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_with_several_photos(site: Page, choose, scheme: str):
    site.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    answers = iter([(recognition(face()), 200), (recognition(face(None)), 200), problem("no-face", 422)])
    site.route(f"{API}/recognize", lambda route: reply(route, *next(answers)))
    choose(drawn_photo(), drawn_photo((600, 900)), drawn_photo((500, 500)))
    expect(site.get_by_role("button", name="Save all as CSV")).to_be_visible()
    assert violations(site) == []
    site.get_by_role("button", name="No result 1").click()
    assert violations(site) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_while_a_photo_is_sent_and_with_the_camera(site: Page, choose, scheme: str):
    site.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    site.route(f"{API}/recognize", lambda _: None)
    choose()
    expect(site.get_by_role("button", name="Cancel")).to_be_visible()
    assert violations(site) == []
    site.get_by_role("button", name="Take a photo").click()
    expect(site.get_by_role("dialog")).to_be_visible()
    assert violations(site) == []


def test_everything_can_be_reached_with_the_keyboard(site: Page, answer, choose):
    answer(recognition(face("Ada Lovelace", (50, 50, 200, 250)), face(None, (500, 50, 200, 250))))
    choose()
    expect(site.locator(".box")).to_have_count(2)
    site.locator("#file").focus()
    texts = []
    for _ in range(20):
        site.keyboard.press("Shift+Tab")
        texts.append(site.evaluate("document.activeElement.innerText?.trim() ?? ''"))
        if "2\nUnknown" in texts:
            break
    site.keyboard.press("Enter")
    expect(site.locator('.face[data-face="1"] .bars')).to_be_visible()
    expect(site.locator('.box[data-face="1"]')).to_have_class("box lit")
    assert "Copy JSON" in texts


def test_focus_is_visible_wherever_it_is(site: Page, answer, choose):
    answer(recognition(face()))
    choose()
    expect(site.locator(".box")).to_be_visible()
    site.locator("body").press("Tab")
    for _ in range(8):
        style = "getComputedStyle(document.activeElement.closest('.picker') ?? document.activeElement).outlineStyle"
        assert site.evaluate(style) != "none"
        site.keyboard.press("Tab")


@pytest.mark.parametrize("width", [320, 3840])
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_nothing_is_wider_than_the_screen(site: Page, answer, choose, width: int, direction: str):
    site.set_viewport_size({"width": width, "height": 740})
    site.evaluate("(direction) => (document.documentElement.dir = direction)", direction)
    answer(recognition(*SIX))
    choose()
    expect(site.locator(".box")).to_have_count(6)
    assert site.evaluate("document.documentElement.scrollWidth") <= width
    choose(*[drawn_photo()] * 12)
    expect(site.locator("#strip button")).to_have_count(12)
    assert site.evaluate("document.documentElement.scrollWidth") <= width


def test_every_button_is_large_enough_for_a_finger(site: Page, answer, choose):
    site.set_viewport_size({"width": 360, "height": 740})
    answer(recognition(*SIX))
    choose()
    expect(site.locator(".box")).to_have_count(6)
    for target in site.locator("button:visible, summary:visible, label.picker .button:visible").all():
        assert target.bounding_box()["height"] >= 44, target.text_content()


def test_nothing_moves_for_visitors_who_asked_for_reduced_motion(site: Page, answer, choose):
    assert moving(site) == []
    answer(recognition(face()))
    choose()
    expect(site.locator(".box")).to_be_visible()
    assert moving(site) == []


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("size", [(800, 600), (600, 900)])
def test_nothing_moves_from_the_choice_of_a_photo_to_its_answer(page: Page, server, choose, width: int, size):
    page.set_viewport_size({"width": width, "height": 800})
    server.recognize = lambda _: recognition(*SIX, size=size)
    page.add_init_script(OBSERVE_SHIFTS)
    page.goto(server.address)
    expect(page.locator(".names li").first).to_be_visible()
    before = page.evaluate(SHIFTS)
    server.answering.clear()
    choose(drawn_photo(size))
    expect(page.locator("body")).to_have_attribute("data-state", "working")
    expect(page.locator("#photo")).to_be_visible()
    expect(page.locator("#panel .fine")).to_be_visible()  # that the service may have to start
    server.answering.set()
    expect(page.locator(".box").first).to_be_visible()
    shifts = page.evaluate(SHIFTS)[len(before) :]
    assert sum(value for value, _ in shifts) < MAX_SHIFT, shifts


def test_nothing_moves_when_several_photos_are_chosen_or_the_page_is_loaded_again(page: Page, server, choose):
    page.set_viewport_size({"width": 360, "height": 800})
    page.add_init_script(OBSERVE_SHIFTS)
    page.goto(server.address)
    expect(page.locator(".names li").first).to_be_visible()
    before = page.evaluate(SHIFTS)
    with page.expect_response("**/several.js"):
        page.mouse.click(5, 300)  # whoever chooses photos presses something first
    choose(*(drawn_photo((400 + number, 300)) for number in range(5)))
    expect(page.locator("#several .overview")).to_have_text("5 of 5 known.")
    shifts = page.evaluate(SHIFTS)[len(before) :]
    assert sum(value for value, _ in shifts) < MAX_SHIFT, shifts
    wait_for_kept(page, 5)
    page.reload()
    expect(page.locator("#strip li")).to_have_count(5)
    shifts = page.evaluate(SHIFTS)
    assert sum(value for value, _ in shifts) < MAX_SHIFT, shifts


@pytest.mark.parametrize("width", [360, 412, 1440])
def test_hardly_anything_moves_while_the_page_opens(page: Page, server, width: int):
    page.set_viewport_size({"width": width, "height": 823})
    configs, labels = [], []
    page.route("**/config.json", lambda route: configs.append(route))  # noqa: PLW0108  # Playwright sets an attribute
    page.route(f"{API}/labels", lambda route: labels.append(route))  # noqa: PLW0108  # the same
    page.add_init_script(OBSERVE_SHIFTS)
    page.goto(server.address)
    with page.expect_request(f"{API}/labels"):
        page.evaluate(SHIFTS)  # the page was painted without examples
        configs[0].fulfill(json={"api": API, "examples": [{"photo": "icon-192.png", "thumbnail": "icon-192.png"}]})
    expect(page.locator("#examples img")).to_be_visible()
    page.evaluate(SHIFTS)
    reply(labels[0], LABELS)
    expect(page.locator(".names li").first).to_be_visible()
    shifts = page.evaluate(SHIFTS)
    assert sum(value for value, _ in shifts) < MAX_OPENING_SHIFT, shifts


def test_the_people_and_the_measured_quality_are_shown(site: Page):
    expect(site.locator(".names li")).to_have_text(["Ada Lovelace", "Grace Hopper"])
    expect(site.locator("#known")).to_contain_text("Tested on 81 new photos: 79 named correctly.")
    expect(site.locator("#known")).to_contain_text("1 stranger in 100")
    expect(site.locator("#known")).to_contain_text("Model 3f9c2a7b10de")


@pytest.mark.parametrize("language", ["en", "es", "hi", "ar"])
def test_the_website_is_light(language: str):
    several = ("several.", "strip.", "save.", "share.", "tab.", "turn.")
    camera = ("camera.", "camera-words.", "label.", "live.", "pace.", "tracks.", "zoom.")
    rare = ("consent.", "key.", "reference.", "types.", "uploads.")
    later = ("card.png", "icon-", "privacy.", *several, *camera, *rare)  # loaded when they are wanted, or never
    files = [
        path for path in SITE.rglob("*") if path.is_file() and not path.name.startswith(later) and not is_owners(path)
    ]
    shown = [path for path in files if path.parent.parent.name != "words"]
    loaded = [path for path in shown if path.parent.name != "words" or path.stem == language]
    assert sum(len(gzip.compress(path.read_bytes())) for path in loaded) < MAX_COMPRESSED_BYTES


def is_owners(path: Path) -> bool:
    """Whether only the owner's page loads this file."""
    return path.name == "owner.html" or path.parent.name == "owner"


def test_the_page_names_all_modules_so_that_they_load_in_parallel(page: Page, server):
    requested = []
    page.on("request", lambda request: requested.append(request.url.rpartition("/")[2]))
    page.goto(server.address)
    expect(page.locator(".names li").first).to_be_visible()
    preloaded = re.findall(
        r"modulepreload. href=.assets/([a-z-]+\.js)", (SITE / "index.html").read_text(encoding="utf-8")
    )
    assert {name for name in requested if name.endswith(".js")} == {
        *("main.js", "old.js", "language.js", "en.js"),
        *preloaded,
    }


def moving(page: Page) -> list[str]:
    """Return the elements that have a CSS animation or transition."""
    return page.evaluate(MOVING)


def violations(page: Page) -> list[str]:
    """Return every violation that axe-core reports, with its description and the element."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("(tags) => axe.run(document, { runOnly: tags })", STANDARDS)["violations"]
    return [f"{violation['help']}: {node['html']}" for violation in found for node in violation["nodes"]]
