"""How the page is laid out: many faces on a small screen, what comes into view, what moves, and forced colours."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.fakes import API, PHOTO_SIZE, drawn_photo, face, recognition

EXAMPLE = {"photo": "example.jpg", "thumbnail": "thumbnail.jpg"}
PHONE = {"width": 360, "height": 740}

NAMES = ["Ada Lovelace", "Grace Hopper", "Joan Clarke", "Adelheid-Wilhelmina von Hohenzollern-Sigmaringen zu Schleswig"]


def crowd(columns: int, rows: int) -> list[dict]:
    """Return faces in rows that are not straight, from the last to the first; every fourth is a stranger."""
    width, height = PHOTO_SIZE[0] // columns, PHOTO_SIZE[1] // rows
    boxes = [
        (column * width + 5 * (row % 3), row * height + 9 * (column % 3), width * 3 // 5, height * 3 // 5)
        for row in range(rows)
        for column in range(columns)
    ]
    return [face(NAMES[number % 4] if number % 4 < 3 else None, box) for number, box in enumerate(boxes)][::-1]


RECTANGLES = """(selector) => [...document.querySelectorAll(selector)].map((element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return [left, top, right, bottom];
}).filter(([left, top, right, bottom]) => right > left && bottom > top)"""


def overlapping(rectangles: list[list[float]]) -> list[tuple]:
    pairs = [(one, other) for index, one in enumerate(rectangles) for other in rectangles[index + 1 :]]
    return [
        (one, other)
        for one, other in pairs
        if min(one[2], other[2]) > max(one[0], other[0]) and min(one[3], other[3]) > max(one[1], other[1])
    ]


def is_inside(one: list[float], other: list[float]) -> bool:
    return one[0] >= other[0] and one[1] >= other[1] and one[2] <= other[2] and one[3] <= other[3]


@pytest.mark.parametrize(("columns", "rows"), [(3, 2), (5, 4), (10, 6)])
@pytest.mark.parametrize("width", [360, 1440])
def test_the_tags_of_many_faces_are_apart_and_inside_the_photo(site: Page, answer, choose, columns, rows, width):
    site.set_viewport_size({"width": width, "height": 740})
    answer(recognition(*crowd(columns, rows)))
    choose()
    expect(site.locator(".box")).to_have_count(columns * rows)
    tags, faces = (site.evaluate(RECTANGLES, selector) for selector in (".tag", ".box"))
    (photo,) = site.evaluate(RECTANGLES, "#photo")
    assert len(tags) == len(faces)
    assert overlapping(tags) == []
    assert [tag for tag in tags if not is_inside(tag, photo)] == []
    for tag, box in zip(tags, faces, strict=True):
        assert tag[3] - tag[1] < 0.7 * (box[3] - box[1])


def test_tags_are_placed_anew_when_the_window_changes(site: Page, answer, choose):
    answer(recognition(*crowd(5, 4)))
    choose()
    expect(site.locator(".box")).to_have_count(20)
    large = site.evaluate(RECTANGLES, ".tag")
    site.set_viewport_size(PHONE)
    site.wait_for_function("document.querySelector('#photo').clientWidth < 360")
    expect(site.locator(".tag").first).not_to_have_css("height", f"{large[0][3] - large[0][1]}px")
    assert overlapping(site.evaluate(RECTANGLES, ".tag")) == []


@pytest.mark.parametrize(("language", "first"), [("en", "left"), ("ar", "right")])
def test_faces_have_the_same_order_in_boxes_and_cards_and_keep_the_number_of_the_api(
    site: Page, answer, language, first
):
    site.goto(f"{site.url}?lang={language}")
    expect(site.locator(".languages [aria-current]")).to_be_visible()
    faces = crowd(5, 4)
    answer(recognition(*faces))
    photo = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": drawn_photo()}
    site.locator("#file").set_input_files(files=[photo])
    expect(site.locator(".box")).to_have_count(20)
    numbers = [
        [int(element.get_attribute("data-face")) for element in site.locator(selector).all()]
        for selector in (".box", ".face")
    ]
    by_rows = list(range(19, -1, -1))
    if first == "right":
        by_rows = [number for row in range(0, 20, 5) for number in reversed(by_rows[row : row + 5])]
    assert numbers == [by_rows, by_rows]
    assert [faces[number]["label"] for number in by_rows[:2]] == (
        ["Ada Lovelace", "Grace Hopper"] if first == "left" else ["Ada Lovelace", None]
    )


def test_a_face_that_is_pointed_at_shows_its_whole_name_or_as_much_as_the_photo_has_room_for(
    site: Page, answer, choose
):
    site.set_viewport_size(PHONE)
    boxes = [(20 + 190 * column, 20 + 150 * row, 60, 70) for row in range(4) for column in range(4)]
    answer(recognition(*(face(NAMES[3], box) for box in boxes)))
    choose()
    expect(site.locator(".box")).to_have_count(len(boxes))
    (photo,) = site.evaluate(RECTANGLES, "#photo")
    for box in (site.locator(".box").first, site.locator(".box").last):
        expect(box.locator(".name")).to_be_hidden()
        box.dispatch_event("click")  # as a finger: no pointer stays there
        expect(box.locator(".name")).to_be_visible()
        (tag,) = site.evaluate(RECTANGLES, ".lit .tag")
        assert is_inside([tag[0], 0, tag[2], 0], [photo[0], 0, photo[2], 0])
        card = site.locator(f'.face[data-face="{box.get_attribute("data-face")}"] summary .name')
        assert card.evaluate("(name) => name.scrollWidth <= name.clientWidth")


def test_a_tap_on_a_face_keeps_it_in_sight_above_its_card(site: Page, answer, choose):
    site.set_viewport_size(PHONE)
    answer(recognition(*crowd(5, 4)))
    choose()
    site.locator(".box").last.dispatch_event("click")  # as a finger: no pointer stays there
    expect(site.locator(".face summary:focus")).to_have_count(1)
    expect(site.locator(".box").last).to_be_in_viewport()
    assert site.locator(".lit .tag .name").bounding_box()["y"] >= 0


def test_the_heading_names_three_people_and_counts_the_others(site: Page, answer, choose):
    labels = [*NAMES, "Radia Perlman"]
    answer(recognition(*(face(label, (20 + 150 * column, 100, 60, 80)) for column, label in enumerate(labels))))
    choose()
    expect(site.locator("#panel h2")).to_have_text(re.compile("^Ada Lovelace, Grace Hopper, Joan Clarke,? and 2 more$"))
    expect(site.locator("#status")).to_contain_text("Grace Hopper, Joan Clarke")


@pytest.mark.parametrize("state", ["answered", "failed"])
def test_on_a_phone_the_photo_and_its_answer_come_into_view_and_get_the_focus(site: Page, answer, choose, state):
    site.set_viewport_size(PHONE)
    if state == "answered":
        answer(recognition(*crowd(5, 4)))
    else:
        answer("{}", 500)
    choose()
    expect(site.locator("body")).to_have_attribute("data-state", state)
    picker = site.locator("#file")
    picker.scroll_into_view_if_needed()
    site.evaluate("scrollTo(0, document.body.scrollHeight)")
    picker.focus()
    choose(drawn_photo((600, 900)))
    expect(site.locator("body")).to_have_attribute("data-state", state)
    expect(site.locator("#panel")).to_be_focused()
    for part in ("#photo", "#panel h2"):
        expect(site.locator(part)).to_be_in_viewport(ratio=0.9)


def test_the_focus_is_left_to_a_visitor_who_has_moved_it(site: Page, server, answer):
    answer(recognition(face()))
    site.route("**/config.json", lambda route: route.fulfill(json={"api": API, "examples": [EXAMPLE]}))
    site.route(f"**/{EXAMPLE['thumbnail']}", lambda route: route.fulfill(body=drawn_photo((72, 72))))
    held: list[Route] = []
    site.route(f"**/{EXAMPLE['photo']}", lambda route: held.append(route) or None)
    site.reload()
    with site.expect_request(f"**/{EXAMPLE['photo']}"):
        site.get_by_role("button", name="Example 1").click()
    site.get_by_role("link", name="Who I know").focus()
    held[0].fulfill(body=drawn_photo(), headers={"Content-Type": "image/jpeg"})
    expect(site.locator(".box")).to_be_visible()
    expect(site.get_by_role("link", name="Who I know")).to_be_focused()


FORCED = """(selector) => [...document.querySelectorAll(selector)].map((element) => {
    const style = getComputedStyle(element);
    const before = getComputedStyle(element, "::before");
    return {
        border: style.borderStyle, radius: style.borderRadius, outline: style.outlineStyle,
        background: style.backgroundColor, fill: before.backgroundColor,
        sign: before.content, check: before.borderStyle,
    };
})"""


def test_with_forced_colours_the_bar_of_a_known_person_is_visible(site: Page, answer, choose):
    site.emulate_media(forced_colors="active")
    answer(recognition(face("Ada Lovelace")))
    choose()
    expect(site.locator(".bars .bar")).to_have_count(3)
    bars = site.evaluate(FORCED, ".bar")
    assert all(bar["fill"] != bar["background"] and bar["border"] == "solid" for bar in bars)
    assert bars[0]["fill"] != bars[1]["fill"]  # the known person's


def test_with_forced_colours_known_and_unknown_faces_differ_on_the_photo(site: Page, answer, choose):
    site.emulate_media(forced_colors="active")
    answer(recognition(*crowd(5, 4)))
    choose()
    expect(site.locator(".box")).to_have_count(20)
    for part, style in ((".box", "outline"), (".tag", "border")):
        known, unknown = (
            {each[style] for each in site.evaluate(FORCED, selector)}
            for selector in (
                f".known:is({part}), .known {part}",
                f".box:not(.known):is({part}), .box:not(.known) {part}",
            )
        )
        assert (known, unknown) == ({"solid"}, {"dashed"})


def test_every_state_of_a_photo_has_a_sign_of_its_own_in_the_strip(site: Page, answer, choose):
    site.emulate_media(forced_colors="active")
    answer(recognition(face()))
    states = ["known", "stranger", "failed", "asking", "cancelled", "waiting"]
    choose(*[drawn_photo()] * len(states))
    expect(site.locator("#strip .known")).to_have_count(len(states))
    for button, state in zip(site.locator("#strip button").all(), states, strict=True):
        button.evaluate("(button, state) => (button.className = state)", state)
    looks = [(dot["sign"], dot["check"], dot["radius"]) for dot in site.evaluate(FORCED, "#strip .dot")]
    assert len(set(looks)) == len(states)
