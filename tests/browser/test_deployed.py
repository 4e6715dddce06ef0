"""The deployed website with the deployed API: real photos and real answers."""

import io
import re
from pathlib import Path

import pillow_heif
import pytest
from PIL import ExifTags, Image
from playwright.sync_api import Page, expect

from api import MAX_PHOTO_BYTES
from tests.browser.fakes import drawn_photo, jpeg

UNSEEN = Path("unseen/Barack Obama/obama2.jpg")
UNSEEN_WIDTH = 626
UNSEEN_FEATURES = {
    "right eye": (252, 369),
    "left eye": (370, 380),
    "mouth": (300, 525),
}  # pixels
ANSWERED_MS = 30_000  # API Gateway's limit; the first photo may wait for a cold start


@pytest.fixture
def deployed(page: Page, stack) -> Page:
    page.goto(stack.site)
    return page


def test_an_unseen_photo_gets_its_name(deployed: Page, choose, samples: Path):
    choose(samples / UNSEEN)
    expect(deployed.get_by_role("heading", name="Barack Obama")).to_be_visible(timeout=ANSWERED_MS)
    expect(deployed.locator(".box .name")).to_have_text("Barack Obama")


def test_the_box_lies_on_the_face(deployed: Page, choose, samples: Path):
    choose(samples / UNSEEN)
    expect(deployed.locator(".box")).to_be_visible(timeout=ANSWERED_MS)
    box = deployed.locator(".box").bounding_box()
    photo = deployed.get_by_role("img", name="Photo 1").bounding_box()
    scale = photo["width"] / UNSEEN_WIDTH
    for x, y in UNSEEN_FEATURES.values():
        assert 0 < photo["x"] + x * scale - box["x"] < box["width"]
        assert 0 < photo["y"] + y * scale - box["y"] < box["height"]
    assert box["width"] < photo["width"] * 0.7


def test_strangers_are_shown_as_nobody_known(deployed: Page, choose, samples: Path):
    choose(samples / "strangers/friends.jpg")
    expect(deployed.get_by_role("heading", name="Nobody I know")).to_be_visible(timeout=ANSWERED_MS)
    assert set(deployed.locator(".box .name").all_text_contents()) == {"Unknown"}


def test_a_damaged_photo_gets_the_sentence_of_the_api(deployed: Page, choose):
    choose(b"\xff\xd8\xff\xe0 and no more of the photo")
    with deployed.expect_response("**/recognize", timeout=ANSWERED_MS) as response:
        deployed.get_by_role("button", name="Send unchanged").click()
    assert response.value.status == 422
    expect(deployed.locator("#reason")).to_contain_text(response.value.json()["detail"])


def test_a_heic_without_a_type_gets_its_name_once_the_visitor_agrees(deployed: Page, samples: Path):
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.open(samples / UNSEEN)).save(file)
    photo = {"name": "IMG_0001", "mimeType": "", "buffer": file.getvalue()}
    deployed.get_by_label("Choose").set_input_files(files=[photo])
    deployed.get_by_role("button", name="Send unchanged").click()
    expect(deployed.get_by_role("heading", name="Barack Obama")).to_be_visible(timeout=ANSWERED_MS)


def test_a_file_of_12_megabytes_that_the_browser_cannot_open_gets_its_name(deployed: Page, samples: Path):
    deployed.get_by_label("Choose").set_input_files(files=[scan(samples)])
    deployed.get_by_role("button", name="Send unchanged").click()
    expect(deployed.get_by_role("heading", name="Barack Obama")).to_be_visible(timeout=ANSWERED_MS)


def test_a_face_is_shown_as_the_network_saw_it(deployed: Page, choose, samples: Path):
    choose(samples / "strangers/friends.jpg")
    deployed.locator('.face[data-face="1"] summary').click(timeout=ANSWERED_MS)
    deployed.locator('.face[data-face="1"]').get_by_role("button", name="Show the cropped face").click()
    expect(deployed.get_by_role("img", name="The cropped face")).to_be_visible(timeout=ANSWERED_MS)


def test_a_rotated_phone_photo_of_12_megapixels_is_recognised(deployed: Page, choose, samples: Path):
    photo = phone_photo(samples / UNSEEN)
    with deployed.expect_request("**/recognize") as request:
        choose(photo)
    expect(deployed.get_by_role("heading", name="Barack Obama")).to_be_visible(timeout=ANSWERED_MS)
    assert int(request.value.all_headers()["content-length"]) < MAX_PHOTO_BYTES
    photo = deployed.get_by_role("img", name="Photo 1").bounding_box()
    assert photo["height"] > photo["width"]


def test_a_photo_without_a_face_gets_advice_and_a_reference(deployed: Page, choose):
    choose(drawn_photo((640, 480)))
    expect(deployed.locator("#reason")).to_contain_text("I can’t find a face in this photo.", timeout=ANSWERED_MS)
    expect(deployed.locator("#panel code")).to_have_text(re.compile(r"[0-9a-f-]{8,}"))


def test_an_example_of_the_owner_is_recognised(deployed: Page):
    deployed.get_by_role("button", name="Example 1").click(timeout=ANSWERED_MS)
    expect(deployed.locator(".box").first).to_be_visible(timeout=ANSWERED_MS)


def scan(samples: Path) -> dict:
    """Return the file of a TIFF of 12 MB: browsers other than Safari cannot open it, and no request can carry it."""
    file = io.BytesIO()
    with Image.open(samples / UNSEEN) as portrait:
        portrait.convert("RGB").resize((1450, 2780)).save(file, "TIFF")
    assert len(file.getvalue()) > 12_000_000
    return {"name": "scan.tif", "mimeType": "image/tiff", "buffer": file.getvalue()}


def phone_photo(path: Path) -> bytes:
    """Return the photo as a phone held upright writes it: 12 megapixels on their side, and an orientation tag."""
    with Image.open(path) as file:
        image = file.convert("RGB")
    scale = (12_000_000 / (image.width * image.height)) ** 0.5
    lying = image.resize((round(image.width * scale), round(image.height * scale))).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return jpeg(lying, quality=95, exif=exif)


def test_the_people_it_knows_are_listed(deployed: Page, samples: Path):
    people = sorted(folder.name for folder in (samples / "people").iterdir())
    expect(deployed.locator(".names li")).to_have_text(people, timeout=ANSWERED_MS)
