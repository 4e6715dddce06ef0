"""Real photos are sent through the real handler: people are named, and damaged photos are refused."""

import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFilter

from api.schemas import EXAMPLES
from preprocess.detect import Box

ANSWER_SECONDS = 10
"""More than this counts as a hang. Processor time is measured, so that a busy machine makes no difference."""


@pytest.fixture(scope="session")
def portrait(samples):
    """The bytes of a photo of Barack Obama that training never saw."""
    return (samples / "unseen" / "Barack Obama" / "obama2.jpg").read_bytes()


@pytest.fixture(scope="session")
def picture(portrait):
    """The same photo, decoded, small enough for any format."""
    image = Image.open(io.BytesIO(portrait))
    image.thumbnail((700, 700))
    return image


@pytest.fixture
def ask(http_api, portrait):
    """Send a photo, in time, and then make sure that the next one is answered too."""

    def ask(photo):
        began = time.thread_time()
        answer = http_api.upload(photo)
        assert time.thread_time() - began < ANSWER_SECONDS
        assert http_api.upload(portrait).json["label"] == "Barack Obama"
        return answer

    return ask


def test_an_unseen_photo_gets_its_name(real, portrait):
    answer = real.upload(portrait).json
    assert (answer["label"], answer["known"]) == ("Barack Obama", True)
    assert answer["probability"] == answer["faces"][0]["probability"]
    assert set(answer["timing_ms"]) == {"decode", "detect", "align", "recognize", "total"}


def alike(value, example):
    """Whether a value has the form of an example, and the same words and about the same numbers where they are alike.

    Other libraries and machines give slightly other numbers, and another bundle has another version and other ids.
    """
    if isinstance(example, dict):
        own = example.keys() - {"version", "roster", "id", "timing_ms"}
        return value.keys() == example.keys() and all(alike(value[name], example[name]) for name in own)
    if isinstance(example, list):
        return len(value) == len(example) and all(map(alike, value, example))
    if isinstance(example, float | int) and not isinstance(example, bool):
        return value == pytest.approx(example, rel=0.25, abs=0.5)
    return value == example


def test_the_examples_of_the_contract_are_answers_to_these_photos(http_api, portrait, samples):
    other = (samples / "people" / "Barack Obama" / "obama.jpg").read_bytes()
    answers = {
        "Recognition": http_api.upload(portrait),
        "Detection": http_api.upload(portrait, path="/detect"),
        "Verification": http_api.compare(a=("a.jpg", portrait), b=("b.jpg", other)),
        "Labels": http_api.get("/labels"),
    }
    for name, answer in answers.items():
        assert alike(answer.json, EXAMPLES[name]), (name, answer.json)


def test_two_photos_are_compared_by_the_faces_that_are_meant(real, portrait, samples):
    group = (samples / "strangers" / "friends.jpg").read_bytes()
    assert real.compare(a=("a.jpg", portrait), b=("b.jpg", portrait)).json["similarity"] == pytest.approx(1, abs=1e-3)
    answer = real.compare(a=("a.jpg", portrait), b=("b.jpg", group), face_b="4").json
    assert answer["same"] is False
    assert (answer["b"]["face"], answer["b"]["faces"], answer["a"]["faces"]) == (4, 6, 1)
    assert answer["b"]["box"] == real.upload(group, path="/detect").json["faces"][3]["box"]
    assert set(answer["timing_ms"]) == {"decode", "detect", "align", "embed", "total"}
    assert (
        "`face_b` may be 1 to 6" in real.compare(b=("b.jpg", group), a=("a.jpg", portrait), face_b="7").json["detail"]
    )


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photo_that_lies_sideways_gets_its_name_and_a_box_in_its_own_pixels(http_api, portrait, quarters):
    upright = Image.open(io.BytesIO(portrait))
    file = io.BytesIO()
    Image.fromarray(np.rot90(np.asarray(upright), -quarters)).save(file, "JPEG", quality=95)
    answer = http_api.upload(file.getvalue()).json
    assert (answer["label"], answer["known"]) == ("Barack Obama", True)
    size = (upright.width, upright.height) if quarters == 2 else (upright.height, upright.width)
    assert (answer["image"]["width"], answer["image"]["height"]) == size
    assert answer["image"]["rotation"] == 360 - 90 * quarters
    box = Box(**http_api.upload(portrait).json["faces"][0]["box"], score=0).turned(quarters, *upright.size)
    assert answer["faces"][0]["box"]["left"] == pytest.approx(box.left, abs=0.1 * box.width)
    assert answer["faces"][0]["box"]["top"] == pytest.approx(box.top, abs=0.1 * box.width)


SEEN = ("box", "detection_score", "landmarks", "pose", "quality", "advice")


def test_detection_sees_what_recognition_sees_and_names_nobody(http_api, samples):
    photo = (samples / "strangers" / "friends.jpg").read_bytes()
    recognition, detection = http_api.upload(photo).json, http_api.upload(photo, path="/detect").json
    assert detection["faces"] == [{member: face[member] for member in SEEN} for face in recognition["faces"]]
    assert len(detection["faces"]) == 6
    assert detection["image"] == recognition["image"]
    assert detection["model"]["version"] == recognition["model"]["version"]


def test_a_mirrored_photo_mirrors_the_pose(http_api, picture):
    faces = []
    for image in (picture, picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)):
        file = io.BytesIO()
        image.save(file, "PNG")
        faces.append(http_api.upload(file.getvalue(), path="/detect").json["faces"][0])
    face, mirrored = faces
    assert face["pose"]["yaw"] == pytest.approx(-mirrored["pose"]["yaw"], abs=6)
    assert face["pose"]["roll"] == pytest.approx(-mirrored["pose"]["roll"], abs=6)
    points = face["landmarks"]
    assert points["right_eye"]["x"] < points["nose"]["x"] < points["left_eye"]["x"]
    assert max(points["right_eye"]["y"], points["left_eye"]["y"]) < points["nose"]["y"] < points["mouth_left"]["y"]


@pytest.mark.parametrize(
    ("spoil", "advice"),
    [
        (lambda image: image.filter(ImageFilter.GaussianBlur(7)), "blurred"),
        (lambda image: image.resize((40, round(40 * image.height / image.width))), "too_small"),
        (lambda image: image.point(lambda value: value // 14), "too_dark"),
    ],
    ids=["blurred", "too_small", "too_dark"],
)
def test_a_photo_that_is_too_poor_gets_advice(http_api, picture, spoil, advice):
    answers = []
    for image in (picture, spoil(picture)):
        file = io.BytesIO()
        image.save(file, "PNG")
        answers.append(http_api.upload(file.getvalue(), path="/detect").json["faces"][0])
    good, poor = answers
    assert good["advice"] == []
    assert advice in poor["advice"]
    assert poor["quality"]["score"] < good["quality"]["score"]


def test_a_photo_sent_without_a_form_gets_the_same_answer(real, portrait):
    by_itself, in_a_form = real.post("/recognize", portrait, "image/jpeg").json, real.upload(portrait).json
    assert by_itself["faces"] == in_a_form["faces"]


def test_strangers_are_nobody(real, samples):
    answer = real.upload((samples / "strangers" / "friends.jpg").read_bytes()).json
    assert (answer["label"], answer["known"]) == (None, False)
    assert len(answer["faces"]) > 1
    assert not [face for face in answer["faces"] if face["known"] or face["label"]]


def test_every_box_lies_in_the_photo(real, samples):
    answer = real.upload((samples / "strangers" / "friends.jpg").read_bytes()).json
    for box in (face["box"] for face in answer["faces"]):
        assert box["left"] + box["width"] <= answer["image"]["width"]
        assert box["top"] + box["height"] <= answer["image"]["height"]


def test_an_aligned_face_is_a_square_jpeg(real, portrait):
    image = Image.open(io.BytesIO(real.upload(portrait, path="/align").body))
    assert image.format == "JPEG"
    assert image.width == image.height


def test_labels_are_the_folders_of_people(real, samples):
    people = sorted(folder.name for folder in (samples / "people").iterdir())
    assert sorted(real.get("/labels").json["labels"]) == people


def test_health_answers_with_the_version_that_recognizes(real, portrait):
    assert real.get("/health").json["model"]["version"] == real.upload(portrait).json["model"]["version"]


@pytest.mark.parametrize("mode", ["CMYK", "L", "1-bit", "16-bit", "palette", "transparent", "animated", "webp", "tiff"])
def test_every_kind_of_image_is_answered(ask, picture, mode):
    assert ask(_save(picture, mode)).status == 200


@pytest.mark.parametrize(
    ("make", "status", "problem"),
    [
        (lambda _: b"Dear Sir or Madam, this is not a photo.", 415, "unsupported-format"),
        (lambda _: b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported-format"),
        (lambda _: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "unsupported-format"),
        (lambda portrait: portrait[: len(portrait) // 2], 422, "unreadable-photo"),
        (lambda portrait: portrait[:200], 422, "unreadable-photo"),
        (lambda _: _png(30_000, 30_000), 413, "too-large"),
        (lambda _: _png(2**31 - 1, 2**31 - 1), 413, "too-large"),
        (lambda _: _png(0, 0), 422, "unreadable-photo"),
        (lambda _: _png(100, 100), 422, "no-face"),
        (lambda _: _png(1, 1), 422, "no-face"),
        (lambda _: _png(1, 60_000), 422, "no-face"),
        (lambda portrait: portrait.ljust(5_000_000, b"\0"), 413, "too-large"),
    ],
    ids=[
        "text", "svg", "postscript", "half", "header", "30,000", "2 billion", "0", "100", "1", "line", "5 MB",
    ],
)  # fmt: skip
def test_damaged_files_and_photos_without_a_face_get_different_reasons(ask, portrait, make, status, problem):
    answer = ask(make(portrait))
    assert (answer.status, answer.problem) == (status, problem)


def test_noise_behind_a_good_header_is_answered(ask, portrait):
    damaged = bytearray(portrait)
    damaged[2000::97] = bytes(len(damaged[2000::97]))
    assert ask(bytes(damaged)).status in {200, 422}


def test_a_photo_in_any_format_that_came_as_text_gets_a_hint_at_the_gateways_setting(real, portrait, picture):
    """An API without binary media types replaces bytes that are not UTF-8."""
    for photo in (portrait, *(_save(picture, mode) for mode in ("palette", "animated", "webp", "tiff"))):
        answer = real.upload(photo, encoded=False)
        assert (answer.status, answer.problem) == (415, "unsupported-format")
        assert "binaryMediaTypes" in answer.json["detail"]
    assert real.upload(portrait).status == 200


def test_no_photo_leaves_a_file(real, portrait, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert real.upload(portrait.ljust(3_000_000, b"\0")).status == 200
    assert not list(tmp_path.iterdir())


def _save(picture, mode):
    """Encode a picture in an uncommon way."""
    file = io.BytesIO()
    match mode:
        case "CMYK":
            picture.convert("CMYK").save(file, "JPEG")
        case "L":
            picture.convert("L").save(file, "PNG")
        case "1-bit":
            picture.convert("L").convert("1").save(file, "PNG")
        case "16-bit":
            Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(file, "PNG")
        case "palette":
            picture.convert("P").save(file, "PNG")
        case "transparent":
            picture.quantize().save(file, "PNG", transparency=0)
        case "animated":
            picture.save(file, "GIF", save_all=True, append_images=[picture.rotate(90), picture.rotate(180)])
        case _:
            picture.save(file, mode)
    return file.getvalue()


def _png(width, height):
    """Write a PNG by hand: black, 8-bit grey; of a huge one only the first rows are there."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = bytes((width + 1) * height) if width * height < 1_000_000 else bytes(1_000_000)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
