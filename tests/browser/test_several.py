"""Several photos: the summary, the strip with a keyboard, filters, adding, removing, saving; and what the tab keeps."""

import csv
import io
import json

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.fakes import drawn_photo, face, problem, recognition, wait_for_kept

KNOWN, STRANGER = 600, 601  # heights of photos, by which the fake service tells them apart


@pytest.fixture
def photos(page: Page, server):
    """The open website, and a function that chooses photos of these heights."""
    labels = {KNOWN: "Ada Lovelace", STRANGER: None}
    server.recognize = lambda photo: recognition(face(labels[Image.open(io.BytesIO(photo)).height]))
    page.goto(server.address)
    expect(page.locator(".languages [aria-current]")).to_be_visible()

    def choose(*heights: int, into: str = "#file") -> None:
        files = [
            {"name": f"{number}.jpg", "mimeType": "image/jpeg", "buffer": drawn_photo((800, height))}
            for number, height in enumerate(heights, 1)
        ]
        page.locator(into).set_input_files(files=files)

    return choose


def test_several_photos_are_summed_up_and_can_be_filtered(page: Page, photos):
    photos(KNOWN, STRANGER, KNOWN)
    expect(page.locator(".overview")).to_have_text("2 of 3 known.")
    expect(page.locator("#status")).to_have_text("2 of 3 known.")
    page.get_by_role("button", name="Not known 1").click()
    expect(page.locator("#strip li:visible")).to_have_count(1)
    expect(page.get_by_role("heading", name="Nobody I know")).to_be_visible()
    page.get_by_role("button", name="All 3").click()
    expect(page.locator("#strip li:visible")).to_have_count(3)


def test_photos_of_one_kind_have_no_filters(page: Page, photos):
    photos(KNOWN, KNOWN)
    expect(page.locator(".overview")).to_have_text("2 of 2 known.")
    expect(page.locator(".filters")).to_be_hidden()


@pytest.mark.parametrize(("direction", "forward"), [("ltr", "ArrowRight"), ("rtl", "ArrowLeft")])
def test_the_strip_is_one_stop_of_the_tab_key_and_the_arrow_keys_move_in_it(page: Page, photos, direction, forward):
    photos(KNOWN, STRANGER, KNOWN)
    expect(page.locator(".overview")).to_have_text("2 of 3 known.")
    page.evaluate("(direction) => (document.documentElement.dir = direction)", direction)
    buttons = page.locator("#strip button")
    assert [button.get_attribute("tabindex") for button in buttons.all()] == ["0", "-1", "-1"]
    buttons.first.focus()
    for key, index in ((forward, 1), ("End", 2), (forward, 2), ("Home", 0)):
        page.keyboard.press(key)
        expect(buttons.nth(index)).to_be_focused()
        expect(buttons.nth(index)).to_have_attribute("aria-current", "true")
    page.keyboard.press("Delete")
    expect(buttons).to_have_count(2)
    expect(buttons.first).to_be_focused()


def test_photos_are_added_and_single_ones_removed(page: Page, photos):
    photos(KNOWN)
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    photos(STRANGER, into="#more")
    expect(page.locator(".overview")).to_have_text("1 of 2 known.")
    expect(page.get_by_role("heading", name="Nobody I know")).to_be_visible()
    page.get_by_role("button", name="Remove this photo").click()
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(page.locator("#strip")).to_be_hidden()


def test_escape_cancels_what_is_under_way(page: Page, server, photos):
    server.answering.clear()
    photos(KNOWN, KNOWN, KNOWN)
    expect(page.locator("#strip .working")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.locator("#strip .cancelled")).to_have_count(3)
    server.answering.set()
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("#strip .known")).to_have_count(3)


@pytest.mark.parametrize("kind", ["CSV", "JSON"])
def test_all_results_are_saved_as_a_file(page: Page, photos, kind: str):
    photos(KNOWN, STRANGER)
    expect(page.locator(".overview")).to_have_text("1 of 2 known.")
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Save all as {kind}").click()
    text = download.value.path().read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text))) if kind == "CSV" else json.loads(text)
    assert [row["file"] for row in rows] == ["1.jpg", "2.jpg"]


def test_results_survive_a_reload_without_what_needs_the_photo_and_can_be_forgotten(page: Page, server, photos):
    photos(KNOWN, STRANGER)
    expect(page.locator(".overview")).to_have_text("1 of 2 known.")
    expect(page.get_by_role("button", name="Show the cropped face")).to_be_visible()
    wait_for_kept(page, 2)
    page.reload()
    expect(page.locator(".overview")).to_have_text("1 of 2 known.")
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(page.locator(".box.known")).to_be_visible()
    expect(page.get_by_role("button", name="Show the cropped face")).to_be_hidden()
    assert len(server.photos) == 2
    page.get_by_role("button", name="Forget these").click()
    expect(page.get_by_role("heading", name="Who is this?")).to_be_visible()
    expect(page.locator("#panel")).to_be_hidden()
    assert kept(page) == 0
    page.reload()
    expect(page.locator(".names li").first).to_be_visible()
    expect(page.locator("#panel")).to_be_hidden()


def test_back_shows_the_photos_that_were_chosen_before(page: Page, photos):
    photos(KNOWN)
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    wait_for_kept(page, 1)
    photos(STRANGER)
    expect(page.get_by_role("heading", name="Nobody I know")).to_be_visible()
    wait_for_kept(page, 2)
    page.go_back()
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name="Nobody I know")).to_be_visible()


def test_a_photo_without_a_face_survives_a_reload_too(page: Page, site, answer, choose):
    answer(*problem("no-face", 422))
    choose()
    expect(page.locator("#reason")).to_contain_text("find a face")
    wait_for_kept(page, 1)
    page.reload()
    expect(page.locator("#reason")).to_contain_text("find a face")


def test_an_answer_survives_a_reload_before_its_small_picture_is_made(page: Page, server, photos):
    page.evaluate("() => void (OffscreenCanvas.prototype.convertToBlob = () => new Promise(() => {}))")
    photos(KNOWN, STRANGER)
    expect(page.locator(".overview")).to_have_text("1 of 2 known.")
    wait_for_kept(page, 2, "recognition")
    page.reload()
    expect(page.locator(".overview")).to_have_text("1 of 2 known.")
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    assert len(server.photos) == 2


def test_only_small_pictures_are_kept(page: Page, photos):
    photos(KNOWN)
    wait_for_kept(page, 1)
    sizes = page.evaluate("Object.values(sessionStorage).map((text) => text.length)")
    assert max(sizes) < 60_000


def kept(page: Page) -> int:
    return page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('photo ')).length")
