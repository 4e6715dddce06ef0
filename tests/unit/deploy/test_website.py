"""The website as it is uploaded: what its files are called, what they say, and for how long they are kept."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from typer.testing import CliRunner

from deploy import website
from deploy.errors import DeployError
from deploy.rollout import Addresses
from scripts import deploy
from scripts.__main__ import application

API = "https://abc.execute-api.eu-central-1.amazonaws.com"
ADDRESS = "https://d111111abcdef8.cloudfront.net"
PAGE = """<!doctype html>
<!-- The deployment replaces all of connect-src but 'self'. -->
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; connect-src 'self' https:; base-uri 'none'">
<meta property="og:image" content="card.png">
<link rel="icon" href="favicon.svg">
<link rel="stylesheet" href="assets/style.css">
<script type="module" src="assets/main.js"></script>
"""


@pytest.fixture
def folder(tmp_path):
    """A website of two modules, a style and an icon."""
    folder = tmp_path / "site"
    files = {
        "index.html": PAGE,
        "favicon.svg": "<svg/>",
        "assets/style.css": "body {}",
        "assets/main.js": 'import "./parts/boxes.js";',
        "assets/parts/boxes.js": "export {};",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def pages(folder):
    """Build the website in the folder, as it stands when this is called."""

    def pages(examples=()):
        return website.build(examples, folder).pages(ADDRESS, API)

    return pages


@pytest.fixture
def camera_photo(tmp_path):
    """A photo of a phone held upright: stored on its side, red where up is, with a place in its metadata."""
    pixels = np.full((1500, 3000, 3), 255, dtype=np.uint8)
    pixels[:, :300] = (200, 0, 0)  # the first columns, which orientation 6 turns into the first rows
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "Phone"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    path = tmp_path / "IMG_0001.jpg"
    Image.fromarray(pixels).save(path, exif=exif, comment=b"at home")
    return path


@pytest.fixture
def plain_photo(tmp_path):
    path = tmp_path / "small.png"
    Image.new("RGB", (300, 200), "teal").save(path)
    return path


def named(pages, key):
    (page,) = (page for page in pages if page.key == key)
    return page


def entrance(pages):
    return named(pages, "index.html").body.decode()


def prefix(pages):
    """Return the folder of the assets, after checking its form."""
    prefixes = {match[0] for page in pages if (match := re.match(r"assets/[0-9a-f]{12}/", page.key))}
    (prefix,) = prefixes
    return prefix


def test_assets_are_uploaded_unchanged_to_a_folder_named_by_their_hash(pages):
    found = pages()
    keys = {page.key for page in found}
    assets = {f"{prefix(found)}{name}" for name in ("style.css", "main.js", "parts/boxes.js")}
    assert keys == assets | {"index.html", "config.json", "favicon.svg"}
    assert named(found, f"{prefix(found)}main.js").body == b'import "./parts/boxes.js";'


def test_the_same_content_keeps_its_name(pages):
    assert pages() == pages()


@pytest.mark.parametrize("change", ["content", "name"])
def test_a_change_in_any_asset_renames_them_all(folder, pages, change):
    before = prefix(pages())
    module = folder / "assets/parts/boxes.js"
    if change == "content":
        module.write_text("export const more = 1;")
    else:
        module.rename(module.with_name("frames.js"))
    assert prefix(pages()) != before


def test_changes_outside_the_assets_do_not_rename_the_assets(folder, pages):
    before = prefix(pages())
    (folder / "favicon.svg").write_text("<svg></svg>")
    assert prefix(pages()) == before


def test_the_page_names_the_assets_where_they_are(pages):
    found = pages()
    names = re.findall(r'"(assets/[^"]+)"', entrance(found))
    assert names == [f"{prefix(found)}style.css", f"{prefix(found)}main.js"]


def test_files_named_by_content_are_cached_for_a_year_and_the_page_is_revalidated(pages, plain_photo):
    kept = {page.key: page.cache_control for page in pages([plain_photo])}
    good, asked = "public, max-age=31536000, immutable", "no-cache"
    assert {kept.pop("index.html"), kept.pop("config.json")} == {asked}
    assert kept.pop("favicon.svg") == "public, max-age=86400"
    assert set(kept.values()) == {good}


def test_the_page_may_talk_to_the_api_and_to_no_other_host(pages):
    assert f"default-src 'none'; connect-src 'self' {API}; base-uri 'none'" in entrance(pages())


def test_only_the_origin_of_the_api_goes_into_the_policy(folder):
    page = entrance(website.build((), folder).pages(ADDRESS, f"{API}/stage"))
    assert f"connect-src 'self' {API};" in page


def test_the_social_card_is_named_in_full(pages):
    assert f'<meta property="og:image" content="{ADDRESS}/card.png">' in entrance(pages())


def test_the_configuration_names_the_api_and_no_examples_by_default(pages):
    assert json.loads(named(pages(), "config.json").body) == {"api": API, "examples": []}


def test_text_is_served_as_text(pages):
    kinds = {Path(page.key).suffix: page.content_type for page in pages()}
    assert kinds == {
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json; charset=utf-8",
        ".svg": "image/svg+xml",
    }


def test_the_page_goes_live_last_and_its_configuration_before_it(pages, plain_photo):
    assert [page.key for page in pages([plain_photo])][-2:] == ["config.json", "index.html"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"assets/', '"', "must name its files"),
        ('src="assets/main.js"', "src='assets/main.js'", "in no other way"),
        ("assets/main.js", "assets/mian.js", "names assets/mian.js, which does not exist"),
        ("connect-src", "img-src", "needs one Content-Security-Policy with a connect-src"),
        ("base-uri 'none'", "connect-src 'self'", "needs one Content-Security-Policy with a connect-src"),
        ("card.png", "", "needs a social card"),
    ],
)
def test_a_page_that_cannot_be_filled_in_is_not_deployed(folder, pages, old, new, said):
    (folder / "index.html").write_text(PAGE.replace(old, new))
    with pytest.raises(DeployError, match=said):
        pages()


def test_a_folder_without_a_page_is_not_deployed(folder, pages):
    (folder / "index.html").unlink()
    with pytest.raises(DeployError, match=r"has no index\.html"):
        pages()


def test_examples_are_listed_in_their_order_and_once(pages, camera_photo, plain_photo):
    found = pages([plain_photo, camera_photo, plain_photo])
    listed = json.loads(named(found, "config.json").body)["examples"]
    assert [Image.open(io.BytesIO(named(found, key).body)).width for key in listed] == [300, 512]
    assert all(re.fullmatch(r"examples/[0-9a-f]{12}\.jpg", key) for key in listed)
    assert named(found, listed[0]).content_type == "image/jpeg"


def test_an_example_is_upright_small_and_without_metadata(pages, camera_photo):
    (example,) = (page for page in pages([camera_photo]) if page.key.startswith("examples/"))
    image = Image.open(io.BytesIO(example.body))
    assert (image.format, image.size) == ("JPEG", (512, 1024))
    assert dict(image.getexif()) == {}
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
    red, green, blue = image.getpixel((256, 20))
    assert red > 150 > max(green, blue)


def test_a_small_example_is_not_blown_up(pages, plain_photo):
    (example,) = (page for page in pages([plain_photo]) if page.key.startswith("examples/"))
    assert Image.open(io.BytesIO(example.body)).size == (300, 200)


def test_an_example_that_is_not_a_photo_is_reported_by_name(pages, tmp_path):
    diary = tmp_path / "diary.txt"
    diary.write_text("Dear diary")
    with pytest.raises(DeployError, match=r"diary\.txt cannot be an example: This is not a photo"):
        pages([diary])


@pytest.fixture
def visage_deploy(monkeypatch):
    """Run `visage deploy` without deploying; return the hosting and website it would deploy, and the run's result."""

    def visage_deploy(*words):
        begun = []
        monkeypatch.setattr(deploy, "_check", lambda *_: None)
        monkeypatch.setattr(deploy, "_load", lambda *_: "bundle")
        monkeypatch.setattr(deploy, "_target", lambda *_: "target")
        monkeypatch.setattr(
            deploy,
            "bring_up",
            lambda *given: begun.append(given[3:5]) or Addresses("http://api.test", "http://site.test"),
        )
        return begun, CliRunner().invoke(application(), ["deploy", *map(str, words)])

    return visage_deploy


def test_the_default_is_cloudfront_without_examples(visage_deploy):
    ((hosting, site),), done = visage_deploy()
    assert (hosting, site.examples) == ("cloudfront", ())
    assert "plain HTTP" not in done.stderr


def test_deploying_a_plain_website_prints_a_note_about_its_limits(visage_deploy):
    ((hosting, _),), done = visage_deploy("--website", "s3")
    assert hosting == "s3"
    assert "Website  http://site.test\n" in done.stdout
    assert "do not let it use the camera" in " ".join(done.stderr.split())


def test_examples_are_given_one_by_one(visage_deploy, camera_photo, plain_photo):
    ((_, site),), _ = visage_deploy("--example", plain_photo, "--example", camera_photo)
    assert len(site.examples) == 2


def test_a_bad_example_stops_the_deployment_before_it_begins(visage_deploy, tmp_path):
    diary = tmp_path / "diary.txt"
    diary.write_text("Dear diary")
    begun, done = visage_deploy("--example", diary)
    assert isinstance(done.exception, DeployError)
    assert begun == []
