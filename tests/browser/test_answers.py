"""How the website shows an answer: the names, the boxes, and faces that nobody knows."""

import io
import json
import re

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browser.fakes import API, LABELS, drawn_photo, face, jpeg, recognition, reply

WHITE = 235  # JPEG changes a white pixel by a few of 255
BOX_AND_PHOTO = "['.box', '#photo'].map((name) => document.querySelector(name).getBoundingClientRect())"
FILLED_SHARES = """(bars) => bars.map((bar) => {
    return parseFloat(getComputedStyle(bar, "::before").width) / bar.getBoundingClientRect().width;
})"""


def test_a_known_face_is_named_with_its_probability(site: Page, answer, choose):
    answer(recognition(face("Ada Lovelace")))
    choose()
    expect(site.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(site.locator(".faces summary")).to_have_text("Confidence98.3%")


@pytest.mark.parametrize(("complete", "sentences"), [(False, 1), (True, 0)])
def test_a_photo_whose_file_ends_early_is_said_to_be_incomplete(site: Page, answer, choose, complete, sentences):
    told = recognition(face("Ada Lovelace"))
    told["image"]["complete"] = complete
    answer(told)
    choose()
    expect(site.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(site.get_by_text("This file is incomplete")).to_have_count(sentences)


def test_the_photo_is_shown_before_the_answer_arrives(page: Page, server, choose):
    server.answering.clear()
    page.goto(server.address)
    choose()
    expect(page.get_by_role("img", name="Photo 1")).to_be_visible()
    expect(page.locator("#status")).to_have_text("Looking for faces…")
    server.answering.set()
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


@pytest.mark.parametrize("width", [360, 768, 1440, 2560])
def test_the_box_is_drawn_on_the_face_at_every_width(site: Page, answer, choose, width: int):
    site.set_viewport_size({"width": width, "height": 800})
    answer(recognition(face(box=(200, 100, 160, 200))))
    choose()
    assert drawn_box(site) == pytest.approx((200, 100, 160, 200), abs=1)


def test_the_box_stays_on_the_face_when_the_window_changes(site: Page, answer, choose):
    answer(recognition(face(box=(600, 20, 150, 170))))
    choose()
    expect(site.locator(".box")).to_be_visible()
    site.set_viewport_size({"width": 400, "height": 700})
    site.wait_for_function("innerWidth === 400")
    assert drawn_box(site) == pytest.approx((600, 20, 150, 170), abs=1)


def test_a_box_that_crosses_the_edge_ends_at_the_edge(site: Page, answer, choose):
    answer(recognition(face(box=(-40, 500, 160, 200))))
    choose()
    assert drawn_box(site) == pytest.approx((0, 500, 120, 100), abs=1)


def test_every_face_has_a_box_and_a_label(site: Page, answer, choose):
    known, stranger = face("Ada Lovelace", (50, 50, 200, 250)), face(None, (500, 50, 200, 250))
    answer(recognition(known, stranger))
    choose()
    expect(site.locator(".box .tag")).to_have_text(["1Ada Lovelace", "2Unknown"])
    expect(site.locator(".face summary")).to_have_text(["1Ada Lovelace98.3%", "2Unknown"])
    expect(site.locator("#panel").get_by_text("I know 1 of the 2 faces in this photo.")).to_be_visible()


def test_a_stranger_does_not_get_the_name_of_the_nearest_person(site: Page, answer, choose):
    answer(recognition(face(None)))
    choose()
    expect(site.get_by_role("heading", name="Nobody I know")).to_be_visible()
    for place in (
        site.locator(".tag"),
        site.locator("#panel h2"),
        site.locator(".faces summary"),
        site.locator("#status"),
    ):
        expect(place).not_to_contain_text("Ada")
        expect(place).not_to_contain_text("%")
    expect(site.locator("#panel").get_by_text("I found a face, but it isn’t anyone I know.")).to_be_visible()
    expect(site.get_by_text("Nobody I know")).to_have_count(1)


@pytest.mark.parametrize("faces", [1, 2])
def test_the_closest_people_of_a_stranger_have_no_figures(site: Page, answer, choose, faces: int):
    answer(recognition(*[face(None, (50 + 300 * number, 50, 200, 250)) for number in range(faces)]))
    choose()
    site.locator(".box").first.click()
    card = site.locator(".face").first
    expect(card.get_by_text("Closest, not a match")).to_be_visible()
    expect(card.locator(".bars li")).to_have_text(["Ada Lovelace", "Grace Hopper", "Joan Clarke"])
    expect(site.locator("#panel .faces")).not_to_contain_text("%")
    expect(site.locator(".bar")).to_have_count(0)


def test_a_name_is_shown_as_text_whatever_it_contains(site: Page, answer, choose):
    answer(recognition(face("<img src=x onerror=alert(1)>")))
    choose()
    expect(site.get_by_role("heading", name="<img src=x onerror=alert(1)>")).to_be_visible()


def test_a_screen_reader_announces_the_answer(site: Page, answer, choose):
    answer(recognition(face("Ada Lovelace")))
    choose()
    expect(site.locator("#status")).to_have_text("Ada Lovelace, 98.3%.")


def test_the_page_fits_a_phone_without_scrolling_sideways(site: Page, answer, choose):
    site.set_viewport_size({"width": 360, "height": 740})
    boxes = [(40 + 150 * number, 400, 60, 80) for number in range(5)]
    answer(recognition(*(face("Adelheid-Wilhelmina Hohenzollern", box) for box in boxes)))
    choose()
    expect(site.locator(".box")).to_have_count(5)
    assert site.evaluate("document.documentElement.scrollWidth") == 360


def test_the_likeliest_people_have_a_bar_each(site: Page, answer, choose):
    answer(recognition(face("Ada Lovelace")))
    choose()
    expect(site.locator(".bars li")).to_have_text(["Ada Lovelace98.3%", "Grace Hopper1.2%", "Joan Clarke0.3%"])
    shares = site.locator(".bars .bar").evaluate_all(FILLED_SHARES)
    assert shares == pytest.approx([0.983, 0.012, 0.003], abs=0.002)


def test_pointing_at_a_box_or_a_card_highlights_both(site: Page, answer, choose):
    answer(recognition(face("Ada Lovelace", (50, 50, 200, 250)), face(None, (500, 50, 200, 250))))
    choose()
    box, card = site.locator('.box[data-face="1"]'), site.locator('.face[data-face="1"]')
    box.hover()
    expect(card).to_have_class(re.compile(r"\blit\b"))
    site.locator('.face[data-face="0"]').hover()
    expect(card).not_to_have_class(re.compile(r"\blit\b"))
    expect(site.locator('.box[data-face="0"]')).to_have_class(re.compile(r"\blit\b"))


def test_a_click_on_a_face_opens_its_card(site: Page, answer, choose):
    answer(recognition(face("Ada Lovelace", (50, 50, 200, 250)), face(None, (500, 50, 200, 250))))
    choose()
    site.locator('.box[data-face="1"]').click()
    expect(site.locator('.face[data-face="1"] summary')).to_be_focused()
    expect(site.locator('.face[data-face="1"] .bars')).to_be_visible()
    expect(site.locator('.face[data-face="0"] .bars')).to_be_hidden()


def test_a_face_is_shown_as_the_network_saw_it(site: Page, answer, choose):
    answer(recognition(face("Ada Lovelace", (50, 50, 200, 250)), face(None, (500, 50, 200, 250))))
    asked = []

    def align(route: Route) -> None:
        asked.append(route.request.url)
        headers = {"Access-Control-Allow-Origin": "*", "Content-Type": "image/jpeg"}
        route.fulfill(body=drawn_photo((224, 224)), headers=headers)

    site.route(f"{API}/align**", align)
    choose()
    site.locator('.box[data-face="1"]').click()
    site.get_by_role("button", name="Show the cropped face").click()
    expect(site.get_by_role("img", name="The cropped face")).to_be_visible()
    assert asked == [f"{API}/align?face=2"]


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        (
            "en",
            "This face is blurred. I’m surer with a sharp photo of it. This face is dark. I’m surer with more light.",
        ),
        ("es", "Esta cara está borrosa."),
        ("hi", "यह चेहरा धुँधला है।"),
        ("ar", "هذا الوجه غير واضح."),
    ],
)
def test_a_face_whose_name_may_be_wrong_comes_with_advice(site: Page, answer, choose, language, sentences):
    site.goto(f"{site.url}?lang={language}")
    answer(recognition(face(advice=("blurred", "too_dark", "of_a_later_version"))))
    choose()
    expect(site.locator(".face")).to_contain_text(sentences)


def test_a_good_face_comes_without_advice(site: Page, answer, choose):
    answer(recognition(face()))
    choose()
    expect(site.locator(".face .fine")).to_have_text(["Most likely:"])
    names = "Ada Lovelace98.3%Grace Hopper1.2%Joan Clarke0.3%"
    expect(site.locator(".face")).to_have_text(f"Confidence98.3%Most likely:{names}Show the cropped face")


def test_advice_that_cannot_be_loaded_leaves_the_answer_as_it_is(site: Page, answer, choose):
    site.route("**/words/advice/*", lambda route: route.abort())
    answer(recognition(face(advice=("blurred",))))
    choose()
    expect(site.locator(".face .fine")).to_have_text(["Most likely:"])


def test_timings_and_model_are_behind_a_disclosure(site: Page, answer, choose):
    answer(recognition(face("Ada Lovelace")))
    choose()
    expect(site.locator(".more dl")).to_be_hidden()
    site.get_by_text("Details").click()
    expect(site.locator(".more dl")).to_contain_text("Recognising the faces63 ms")
    expect(site.locator(".more dl")).to_contain_text("Model3f9c2a7b10de")


def test_the_answer_and_the_command_can_be_copied(site: Page, context, answer, choose):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    answer(recognition(face("Ada Lovelace")))
    choose()
    site.get_by_role("button", name="Copy JSON").click()
    expect(site.get_by_text("Answer copied.")).to_be_visible()
    assert json.loads(site.evaluate("navigator.clipboard.readText()")) == recognition(face("Ada Lovelace"))
    site.get_by_role("button", name="Copy curl").click()
    expect(site.get_by_text("Command copied.")).to_be_visible()
    assert site.evaluate("navigator.clipboard.readText()") == f"curl -F image=@photo.jpg {API}/recognize"


def test_the_picture_of_the_result_is_drawn_in_the_browser_without_a_request(site: Page, answer, choose):
    answer(recognition(face("Ada Lovelace")))
    choose()
    expect(site.locator(".box")).to_be_visible()
    requests = []
    site.on("request", lambda request: requests.append(request) if request.url.startswith("http") else None)
    with site.expect_download() as download:
        site.get_by_role("button", name="Save the result").click()
    with Image.open(download.value.path()) as file:
        image = file.convert("RGB")
    assert (download.value.suggested_filename, image.size) == ("who-is-this.jpg", (800, 600))
    assert min(image.getpixel((200, 200))) > WHITE  # the box
    assert min(image.getpixel((280, 200))) < WHITE  # the face in it
    assert {request.resource_type for request in requests} <= {"script"}  # the module that draws it


def test_boxes_are_copied_and_saved_in_pixels_of_the_photo_that_was_chosen(site: Page, context, answer, choose):
    """The photo that is sent is smaller: 2048 x 1536."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    answer(recognition(face(box=(512, 384, 256, 512)), size=(2048, 1536)))
    choose(jpeg(Image.new("RGB", (2560, 1920), "#88aacc")))
    expect(site.locator(".box")).to_be_visible()
    site.get_by_role("button", name="Copy JSON").click()
    expect(site.get_by_text("Answer copied.")).to_be_visible()
    copied = json.loads(site.evaluate("navigator.clipboard.readText()"))
    assert copied["faces"][0]["box"] == {"left": 640, "top": 480, "width": 320, "height": 640}
    assert copied["image"] == {"width": 2560, "height": 1920, "complete": True, "rotation": 0}
    image = saved_picture(site)
    assert image.size == (2560, 1920)
    assert min(image.getpixel((640, 800))) > WHITE  # the box
    assert min(image.getpixel((800, 800))) < WHITE  # the face in it


def test_the_saved_picture_of_a_huge_photo_fits_the_canvas_of_a_phone(site: Page, answer, choose):
    answer(recognition(face(box=(512, 384, 256, 512)), size=(2048, 1536)))
    choose(jpeg(Image.new("L", (4800, 3600))))
    expect(site.locator(".box")).to_be_visible()
    width, height = saved_picture(site).size
    assert 16_000_000 < width * height <= 4096 * 4096
    assert width / height == pytest.approx(4 / 3, abs=0.001)


def test_a_photo_that_is_deleted_in_the_meantime_is_saved_from_its_copy(site: Page, answer, tmp_path):
    answer(recognition(face(box=(512, 384, 256, 512)), size=(2048, 1536)))
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (2400, 1800), "#88aacc").save(path)
    site.get_by_label("Choose").set_input_files(path)
    expect(site.locator(".box")).to_be_visible()
    path.unlink()
    assert saved_picture(site).size == (2048, 1536)


def saved_picture(page: Page) -> Image.Image:
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the result").click()
    with Image.open(download.value.path()) as file:
        return file.convert("RGB")


def test_several_photos_become_a_strip(page: Page, server, choose):
    labels = {600: "Ada Lovelace", 601: None, 602: "Grace Hopper"}
    server.recognize = lambda photo: recognition(face(labels[height_of(photo)]))
    page.goto(server.address)
    choose(*[drawn_photo((800, height)) for height in labels])
    expect(page.locator("#strip button")).to_have_count(3)
    for name in ("Photo 1: Ada Lovelace", "Photo 2: Nobody I know", "Photo 3: Grace Hopper"):
        expect(page.get_by_role("button", name=name)).to_be_visible()
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    page.get_by_role("button", name="Photo 3: Grace Hopper").click()
    expect(page.get_by_role("heading", name="Grace Hopper")).to_be_visible()
    expect(page.locator(".box .name")).to_have_text("Grace Hopper")


def height_of(photo: bytes) -> int:
    return Image.open(io.BytesIO(photo)).height


def drawn_box(page: Page) -> tuple[float, float, float, float]:
    """Return left, top, width and height of the only box, in pixels of the photo, which is 800 pixels wide."""
    expect(page.locator(".box")).to_be_visible()
    expect(page.locator("#frame")).to_have_css("aspect-ratio", "800 / 600")  # the page has laid the photo out
    drawn, photo = page.evaluate(BOX_AND_PHOTO)
    scale = 800 / photo["width"]
    left, top = drawn["x"] - photo["x"], drawn["y"] - photo["y"]
    return left * scale, top * scale, drawn["width"] * scale, drawn["height"] * scale


@pytest.mark.parametrize("allowed", [True, False])
def test_the_owners_picture_of_a_person_is_shown_where_the_owner_allows_it(page: Page, server, choose, allowed):
    asked = []
    page.route("**/config.json", lambda route: route.fulfill(json={"api": API, "references": allowed}))
    page.route(f"{API}/labels", lambda route: reply(route, LABELS))
    page.route(f"{API}/recognize", lambda route: reply(route, recognition({**face(), "id": "k3vq2m7xw5ta"})))

    def picture(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(body=drawn_photo(), content_type="image/jpeg", headers={"Access-Control-Allow-Origin": "*"})

    page.route(f"{API}/people/*/thumbnail", picture)
    page.goto(server.address)
    choose()
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(page.locator("img.reference")).to_have_count(int(allowed))
    assert asked == [f"{API}/people/k3vq2m7xw5ta/thumbnail"] * allowed
