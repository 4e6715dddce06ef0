"""How a photo gets into the website, and what of it is sent."""

import base64
import io

import numpy as np
import pytest
from browser_fakes import drawn_photo, face, jpeg, recognition
from PIL import Image, ImageOps
from playwright.sync_api import JSHandle, Page, expect

LIMIT_BYTES = 4_500_000
ORIENTATION = 0x0112  # the EXIF tag; 6 is a phone held upright
OF_A_FILE = """([content, name]) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
    return transfer;
}"""

PASTE = """(clipboardData) =>
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }))"""


@pytest.fixture
def uploading(page: Page, server):
    """The website with an API that keeps what it is sent."""
    server.photos.clear()
    page.route("**/config.json", lambda route: route.fulfill(json={"api": server.address}))
    page.goto(server.address)
    return server


def test_a_photo_within_the_limit_is_sent_as_it_is(page: Page, uploading, choose):
    photo = drawn_photo()
    choose(photo)
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    assert uploading.photos == [photo]


def test_a_photo_over_the_limit_is_sent_smaller_and_upright(page: Page, uploading, choose):
    photo = large_phone_photo()
    assert len(photo) > LIMIT_BYTES
    choose(photo)
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    assert len(uploading.photos[0]) <= LIMIT_BYTES
    sent, original = Image.open(io.BytesIO(uploading.photos[0])), Image.open(io.BytesIO(photo))
    assert (sent.format, sent.size) == ("JPEG", (1536, 2048))
    assert thumbnail(sent) == pytest.approx(thumbnail(ImageOps.exif_transpose(original)), abs=12)


def test_a_large_file_that_the_browser_cannot_decode_is_not_sent(page: Page, uploading, choose):
    choose(bytes(7_300_000), "photo.heic")
    expect(page.locator("#reason")).to_contain_text("This photo has 7.3 MB")
    assert uploading.photos == []


def test_a_small_file_that_the_browser_cannot_decode_is_sent_as_it_is(page: Page, uploading, choose):
    choose(b"ftypheic, as far as anybody knows", "photo.heic")
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(page.get_by_text("show this kind of file")).to_be_visible()
    assert uploading.photos == [b"ftypheic, as far as anybody knows"]


def test_the_same_photo_can_be_chosen_twice(page: Page, uploading, choose):
    for times in (1, 2):
        with page.expect_response("**/recognize"):
            choose()
        assert len(uploading.photos) == times


def test_a_photo_dropped_anywhere_is_recognised(site: Page, answer):
    answer(recognition(face("Ada Lovelace")))
    site.locator("header").dispatch_event("drop", {"dataTransfer": transfer(site)})
    expect(site.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


def test_a_drop_without_a_photo_is_told(site: Page):
    nothing = site.evaluate_handle("new DataTransfer()")
    site.locator("header").dispatch_event("drop", {"dataTransfer": nothing})
    expect(site.locator("#reason")).to_contain_text("There was no photo in that.")


def test_a_pasted_photo_is_recognised(site: Page, answer):
    answer(recognition(face("Ada Lovelace")))
    site.evaluate(PASTE, transfer(site))
    expect(site.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


def test_a_photo_can_be_chosen_with_the_keyboard_alone(site: Page, answer):
    answer(recognition(face("Ada Lovelace")))
    photo = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": drawn_photo()}
    site.on("filechooser", lambda chooser: chooser.set_files(files=[photo]))
    site.keyboard.press("Tab")
    expect(site.get_by_label("Choose")).to_be_focused()
    site.keyboard.press("Enter")
    expect(site.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


def test_the_page_says_that_the_photo_is_not_kept(site: Page):
    expect(site.get_by_text("Your photo is not kept.")).to_be_visible()


def transfer(page: Page) -> JSHandle:
    return page.evaluate_handle(OF_A_FILE, [base64.b64encode(drawn_photo()).decode(), "photo.jpg"])


def large_phone_photo() -> bytes:
    """12 megapixels lying on their side in the file: four colours, and grain that makes it large."""
    quarters = np.array([[[200, 40, 40], [40, 160, 40]], [[40, 40, 200], [200, 200, 40]]], dtype=np.uint8)
    pixels = np.kron(quarters, np.ones((1512, 2016, 1), dtype=np.uint8))
    grain = np.random.default_rng(0).integers(-40, 41, pixels.shape[:2], dtype=np.int16)[..., None]
    image = Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    return jpeg(image, quality=95, exif=exif)


def thumbnail(image: Image.Image) -> list[int]:
    """Two by two colours tell which way up a photo is; grain and JPEG move them by a few of 255."""
    return list(image.convert("RGB").resize((2, 2), Image.Resampling.BOX).tobytes())
