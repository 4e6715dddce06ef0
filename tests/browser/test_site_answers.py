"""What the website makes of an answer: names, boxes in their places, strangers as strangers."""

import pytest
from browser_fakes import face, recognition
from playwright.sync_api import Locator, Page, expect


def test_a_known_face_is_named_with_its_probability(site: Page, answer, choose):
    answer(recognition(face("Ada Lovelace")))
    choose()
    expect(site.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(site.get_by_text("98.3% sure")).to_be_visible()


def test_the_photo_is_shown_before_the_answer_comes(site: Page, choose):
    site.route("**/recognize", lambda _: None)
    choose()
    expect(site.get_by_role("img", name="The photo you chose")).to_be_visible()
    expect(site.get_by_role("status")).to_have_text("Looking for faces…")


@pytest.mark.parametrize("width", [360, 768, 1440, 2560])
def test_the_box_is_drawn_on_the_face_at_every_width(site: Page, answer, choose, width: int):
    site.set_viewport_size({"width": width, "height": 800})
    answer(recognition(face(box=(200, 100, 160, 200))))
    choose()
    assert drawn_box(site.locator(".box"), site) == pytest.approx((200, 100, 160, 200), abs=1)


def test_the_box_stays_on_the_face_when_the_window_changes(site: Page, answer, choose):
    answer(recognition(face(box=(600, 20, 150, 170))))
    choose()
    expect(site.locator(".box")).to_be_visible()
    site.set_viewport_size({"width": 400, "height": 700})
    assert drawn_box(site.locator(".box"), site) == pytest.approx((600, 20, 150, 170), abs=1)


def test_a_box_over_the_edge_ends_where_the_photo_ends(site: Page, answer, choose):
    answer(recognition(face(box=(-40, 500, 160, 200))))
    choose()
    assert drawn_box(site.locator(".box"), site) == pytest.approx((0, 500, 120, 100), abs=1)


def test_every_one_of_several_faces_is_boxed_and_labelled(site: Page, answer, choose):
    known, stranger = face("Ada Lovelace", (50, 50, 200, 250)), face(None, (500, 50, 200, 250))
    answer(recognition(known, stranger))
    choose()
    expect(site.locator(".box .tag")).to_have_text(["1Ada Lovelace", "2Nobody I know"])
    expect(site.get_by_role("listitem")).to_have_text(["1Ada Lovelace98.3%", "2Nobody I know"])
    expect(site.get_by_text("I know 1 of the 2 faces here.")).to_have_count(2)


def test_a_stranger_is_nobody_rather_than_the_nearest_person(site: Page, answer, choose):
    answer(recognition(face(None)))
    choose()
    expect(site.get_by_role("heading", name="Nobody I know")).to_be_visible()
    expect(site.locator("body")).not_to_contain_text("Ada")
    expect(site.locator("body")).not_to_contain_text("%")


def test_a_name_is_shown_as_text_whatever_it_contains(site: Page, answer, choose):
    answer(recognition(face("<img src=x onerror=alert(1)>")))
    choose()
    expect(site.get_by_role("heading", name="<img src=x onerror=alert(1)>")).to_be_visible()


def test_a_screen_reader_is_told_the_answer(site: Page, answer, choose):
    answer(recognition(face("Ada Lovelace")))
    choose()
    expect(site.get_by_role("status")).to_have_text("Ada Lovelace, 98.3%.")


def test_the_page_fits_a_phone_without_scrolling_sideways(site: Page, answer, choose):
    site.set_viewport_size({"width": 360, "height": 740})
    boxes = [(40 + 150 * number, 400, 60, 80) for number in range(5)]
    answer(recognition(*(face("Adelheid-Wilhelmina Hohenzollern", box) for box in boxes)))
    choose()
    expect(site.locator(".box")).to_have_count(5)
    assert site.evaluate("document.documentElement.scrollWidth") == 360


def drawn_box(box: Locator, page: Page) -> tuple[float, float, float, float]:
    """The box as drawn, in pixels of the 800 pixel wide photo."""
    expect(box).to_be_visible()
    drawn, photo = box.bounding_box(), page.get_by_role("img", name="The photo you chose").bounding_box()
    scale = 800 / photo["width"]
    left, top = drawn["x"] - photo["x"], drawn["y"] - photo["y"]
    return left * scale, top * scale, drawn["width"] * scale, drawn["height"] * scale
