"""The page of `visage sort --page`: people are merged, split and named by drag, by keyboard, and in every browser."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from model.settings import ROOT
from tests.piles import SORTED


@pytest.fixture
def opened(page, sorted_address):
    """The open page in Chromium."""
    page.goto(sorted_address)
    expect(page.locator(".card .face img").first).to_be_visible()
    return page


def said(page, text):
    expect(page.locator("#said")).to_have_text(text)


def test_a_card_that_is_dragged_onto_another_is_merged_with_it_and_undone(opened, sorted_pile):
    opened.locator("#person-2 .grip").drag_to(opened.locator("#person-1 .faces"))
    said(opened, "person-002 and person-001 are one person now.")
    assert len(sorted_pile.folders()["person-001"]) == 7
    opened.get_by_role("button", name="Undo").click()
    said(opened, "Undone.")
    assert sorted_pile.folders() == SORTED


def test_a_face_is_dragged_to_another_person_to_a_new_one_and_to_nobody(opened, sorted_pile):
    face = opened.get_by_role("button", name="in a1.jpg")
    face.drag_to(opened.locator("#person-1"))
    said(opened, "1 face went to person-001.")
    assert "a1.jpg" in sorted_pile.folders()["person-001"]
    opened.get_by_role("button", name="in b1.jpg").drag_to(opened.locator("#person-2"))
    said(opened, "1 face went to person-002.")
    face.hover()
    opened.mouse.down()
    opened.mouse.move(10, 10, steps=5)
    expect(opened.locator("#drop-new")).to_be_visible()
    opened.locator("#drop-new").hover()
    opened.locator("#drop-new").hover()
    opened.mouse.up()
    said(opened, "1 face went to a new person.")
    assert sorted_pile.folders()["person-003"] == ["a1.jpg"]
    opened.get_by_role("button", name="in b2.jpg").drag_to(opened.locator("#nobody"))
    said(opened, "1 face went to nobody.")
    assert "b2.jpg" in sorted_pile.folders()["unsorted"]


def test_two_people_who_look_alike_are_told_apart_for_good(opened, sorted_pile):
    sorted_pile.decide(lambda state: replace(state, alike=[(2, 1)]))
    opened.reload()
    opened.get_by_role("button", name="Two people").click()
    said(opened, "person-002 and person-001 are two people.")
    expect(opened.locator("#alike")).to_be_hidden()
    opened.reload()
    expect(opened.locator(".card")).to_have_count(3)
    expect(opened.locator("#alike")).to_be_hidden()
    assert sorted_pile.folders() == SORTED


def test_everything_can_be_done_with_the_keyboard(opened, sorted_pile):
    opened.locator("#name-1").focus()
    opened.keyboard.type("Bob")
    opened.keyboard.press("Enter")
    said(opened, "Named Bob.")
    expect(opened.locator("#name-1")).to_be_focused()
    for photo in ("a1.jpg", "a2.jpg"):
        opened.get_by_role("button", name=f"in {photo}").focus()
        opened.keyboard.press("Space")
    said(opened, "2 faces chosen.")
    opened.get_by_label("Move to").select_option("nobody")
    opened.get_by_role("button", name="Move").press("Enter")
    said(opened, "2 faces went to nobody.")
    opened.get_by_label("Who else is person-002?").select_option("Bob")
    said(opened, "person-002 and Bob are one person now.")
    assert sorted_pile.folders() == {
        "Bob": ["a3.jpg", "b1.jpg", "b2.jpg", "b3.jpg", "b4.jpg"],
        "unsorted": ["a1.jpg", "a2.jpg", "c1.jpg", "hills.jpg"],
    }


def test_a_name_that_is_taken_and_a_change_from_elsewhere_are_said(opened, sorted_pile):
    opened.locator("#name-1").fill("Ann/Lee")
    opened.locator("#name-1").press("Enter")
    expect(opened.locator("#notice")).to_contain_text("no folder can be called")
    sorted_pile.put("dora", "d1.jpg", "d2.jpg", "d3.jpg")
    sorted_pile.sort()
    opened.locator("#name-1").fill("Bob")
    opened.locator("#name-1").press("Enter")
    expect(opened.locator("#notice")).to_contain_text("changed elsewhere")
    expect(opened.locator("#person-3")).to_be_visible()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_narrow_and_wide_and_breaks_no_rule_of_accessibility(opened, width, scheme):
    opened.set_viewport_size({"width": width, "height": 800})
    opened.emulate_media(color_scheme=scheme)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    opened.evaluate((ROOT / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8"))
    assert [rule["id"] for rule in opened.evaluate("axe.run()")["violations"]] == []
