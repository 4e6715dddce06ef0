"""The function that goes to AWS, the zip and the image, within what Lambda allows it."""

import io
import math
import os
from contextlib import contextmanager
from functools import cache

import pytest
from PIL import Image

from api.upload import MAX_PHOTO_BYTES
from bench.limits import encoded
from model import bundle as bundles
from model.engines import ONNX
from model.keys import SCOPES, Keys, today
from model.roster import Roster
from model.space import embedding_space
from scripts import samples as sample_photos
from tests.gateway import Client, read_event
from tests.jail.jail import START_SECONDS, running

FORMATS = {
    "JPEG": {"quality": 90},
    "PNG": {},
    "WEBP": {"quality": 90},
    "GIF": {},
    "BMP": {},
    "TIFF": {"compression": "tiff_lzw"},
    "AVIF": {"quality": 80},
    "HEIF": {"quality": 80},
}


@pytest.fixture(scope="module")
def portrait(samples):
    """A photo of one person of the model."""
    with Image.open(samples / sample_photos.UNSEEN) as image:
        image.thumbnail((800, 800))
        return image.convert("RGB")


@contextmanager
def full(folder):
    """Fill the file system of a folder."""
    fill = folder / "fill"
    try:
        with fill.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(1 << 20)):
                    pass
            except OSError:
                pass
        yield
    finally:
        fill.unlink()


def test_it_starts_within_lambdas_ten_seconds(function):
    function.wait_until("ready")
    assert function.processor_seconds() < START_SECONDS
    assert function.services.failures == []
    assert "model ready" in function.log


def test_every_file_of_the_code_can_be_read_by_lambdas_user(deployment):
    modes = {path: path.stat().st_mode for path in (deployment.task, *deployment.task.rglob("*"))}
    assert [path for path, mode in modes.items() if mode & 0o444 != 0o444] == []
    assert [path for path, mode in modes.items() if path.is_dir() and mode & 0o111 != 0o111] == []


def test_it_answers_every_route(api, deployment, portrait):
    photo = encoded(portrait, "JPEG")
    health = api.get("/health")
    assert health.status == 200
    assert health.json["engine"]["name"] == deployment.engine
    assert api.get("/labels").json["labels"]
    assert api.get("/openapi.json").json["openapi"].startswith("3.1.")
    assert api.upload(photo).status == 200
    assert len(api.post("/detect", photo, "image/jpeg").json["faces"]) == 1
    with Image.open(io.BytesIO(api.post("/align?face=1", photo, "image/jpeg").body)) as face:
        assert face.format == "JPEG"
    assert api.send("OPTIONS", "/recognize").status in {200, 204}
    assert api.send("HEAD", "/health").status == 200
    assert api.get("/nothing").problem == "not-found"


def test_it_answers_the_warmer_and_events_that_are_no_requests(api, function):
    assert function(read_event("schedule"))["was_warm"] is True
    assert function({"Records": []})["statusCode"] == 400


def test_it_names_the_person_in_a_photo_of_every_format(api, portrait):
    named = {}
    for kind, options in FORMATS.items():
        answer = api.post("/recognize", encoded(portrait, kind, **options), "application/octet-stream")
        assert answer.status == 200, (kind, answer.body)
        named[kind] = [(face["label"], face["known"]) for face in answer.json["faces"]]
    assert list(named.values()) == [named["JPEG"]] * len(FORMATS)
    assert named["JPEG"][0][1]


@pytest.mark.parametrize(
    ("kind", "mode", "megapixels", "options"),
    [
        ("JPEG", "RGB", 200, {}),
        ("JPEG", "RGB", 45, {"progressive": True}),
        ("PNG", "RGB", 26, {"compress_level": 1}),
        ("PNG", "RGBA", 20, {"compress_level": 1}),
        ("WEBP", "RGB", 21, {"method": 0}),
        ("GIF", "L", 45, {}),
        ("AVIF", "RGB", 35, {"speed": 10}),
    ],
)
def test_the_largest_photos_that_it_accepts_do_not_take_its_memory(function, api, kind, mode, megapixels, options):
    (process,) = function.processes()
    photo = plain(kind, mode, megapixels, **options)
    assert len(photo) < MAX_PHOTO_BYTES
    assert api.post("/recognize", photo, "application/octet-stream").problem == "no-face"
    assert function.processes() == [process]


def test_photos_that_would_take_its_memory_are_refused(function, api):
    (process,) = function.processes()
    photo = plain("PNG", "RGB", 63, compress_level=1)
    assert api.post("/recognize", photo, "image/png").problem == "too-large"
    assert function.processes() == [process]


@cache
def plain(kind, mode, megapixels, **options):
    """Return a photo of nothing: it has many pixels and few bytes."""
    side = int(math.sqrt(1e6 * megapixels))
    return encoded(Image.new(mode, (side, side)), kind, **options)


def test_it_leaves_no_process_no_open_file_and_nothing_in_tmp(function, api, portrait):
    photo = encoded(portrait, "JPEG")
    api.upload(photo)
    before = resources(function)
    assert len(before[0]) == 1
    for _ in range(3):
        api.upload(photo)
        api.post("/align", photo, "image/jpeg")
        api.post("/recognize", photo[:-2000], "image/jpeg")
        api.post("/recognize", bytes(MAX_PHOTO_BYTES + 1), "image/jpeg")
        api.post("/recognize", b"no photo", "image/jpeg")
    assert resources(function) == before
    assert function.services.failures == []


def resources(function):
    """Return the processes, the number of open files, and the bytes in /tmp, once the function is idle.

    After its answer it still has to close the connection, and to ask for the next event.
    """
    function.wait_until("ready")
    return function.processes(), function.open_files(), function.tmp_used()


def test_it_answers_while_tmp_is_full(function, api, portrait):
    with full(function.tmp()):
        answer = api.upload(encoded(portrait, "JPEG"), encoded(portrait, "BMP"))
        assert answer.problem == "several-images"
        assert api.upload(encoded(portrait, "BMP")).status == 200


def test_without_room_for_the_model_it_starts_and_says_that_it_has_none(deployment, bundle, tmp_path):
    with running(deployment, bundle, tmp_path, tmp_bytes=4_000_000) as function:
        function.wait_until("ready")
        assert function.processor_seconds() < START_SECONDS
        api = Client(function, "2.0")
        assert api.get("/health").status == 503
        used = function.tmp_used()
        assert api.get("/health").problem == "model-unavailable"
        (process,) = function.processes()
        assert function.tmp_used() == used
    assert "No space left on device" in function.log
    with pytest.raises(ProcessLookupError):  # what the block has started ends with it
        os.kill(process, 0)


def test_its_snapshot_holds_the_model_but_no_keys_and_nobody_of_the_roster_and_needs_no_credentials_in_the_environment(
    layout, bundle, portrait, tmp_path
):
    with running(layout(ONNX.name), bundle, tmp_path, snapshot=True, auth="key") as function:
        function.services.roster = Roster(embedding_space(bundles.load(str(bundle), files=()).manifest)).to_bytes()
        function.wait_until("snapshot")
        assert function.processor_seconds() < START_SECONDS
        assert function.services.asked_for_credentials == 2  # by what downloads the model, and what reads all else
        assert function.services.read_rosters == 0
        assert "model ready" in function.log
        assert len(function.processes()) == 1  # a snapshot of a download would be restored again and again
        function.services.restored.set()
        function.wait_until("ready")
        api = Client(function, "2.0")
        assert api.upload(encoded(portrait, "JPEG")).problem == "key-missing"
        keys, _, key = Keys("dev").created("ci", SCOPES, today())
        function.services.keys = keys.to_json()
        headers = {"authorization": f"Bearer {key}", "content-type": "image/jpeg"}
        recognised = api.send("POST", "/recognize", encoded(portrait, "JPEG"), headers)
        assert (recognised.status, recognised.json["model"]["roster"]) == (200, 0)
        identity = recognised.json["faces"][0]["id"]
        added = api.send("POST", f"/people/{identity}/photos", encoded(portrait.rotate(4), "JPEG"), headers)
        assert (added.status, added.json["roster"]["version"]) == (200, 1)
        assert Roster.from_bytes(function.services.roster).find(identity)
