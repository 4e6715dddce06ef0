"""The website as it is uploaded: what its files are called, what they say, and for how long they are kept."""

import base64
import io
import json
import re
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from typer.testing import CliRunner

from deploy import website
from deploy.access import OPEN, Access, Auth
from deploy.errors import DeployError
from deploy.options import Options
from deploy.owner import UNSAID, Owner
from deploy.rollout import Addresses
from scripts import deploy
from scripts.command_line import application
from scripts.console import CommandError

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

PRIVACY = (
    '<link rel="stylesheet" href="assets/style.css">\n<p data-with="name" hidden><bdi data-owner="name"></bdi></p>\n'
)
OWNERS_PAGE = """<meta http-equiv="Content-Security-Policy" content="connect-src 'self' https:; base-uri 'none'">
<script type="module" src="assets/owner/main.js"></script>
"""
WORKER = "const SITE = {};\n"


@pytest.fixture
def folder(tmp_path):
    """A website of two modules, a style and an icon."""
    folder = tmp_path / "site"
    files = {
        "index.html": PAGE,
        "privacy.html": PRIVACY,
        "owner.html": OWNERS_PAGE,
        "sw.js": WORKER,
        "favicon.svg": "<svg/>",
        "assets/style.css": "body {}",
        "assets/main.js": 'import "./parts/boxes.js";',
        "assets/parts/boxes.js": "export {};",
        "assets/owner/main.js": "export {};",
        "assets/words/owner/en.js": "export {};",
        "assets/words/en.js": "export {};",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def pages(folder):
    """Build the website in the folder, as it stands when this is called."""

    def pages(examples=()):
        return website.build(examples, folder).pages(ADDRESS, website.Services(API))

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
    names = ("style.css", "main.js", "parts/boxes.js", "owner/main.js", "words/owner/en.js", "words/en.js")
    assets = {f"{prefix(found)}{name}" for name in names}
    assert keys == assets | {"index.html", "config.json", "favicon.svg", "owner.html", "privacy.html", "sw.js"}
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
    assert {kept.pop(name) for name in ("index.html", "config.json", "owner.html", "privacy.html", "sw.js")} == {asked}
    assert kept.pop("favicon.svg") == "public, max-age=86400"
    assert set(kept.values()) == {good}


def test_the_page_may_talk_to_the_api_and_to_no_other_host(pages):
    assert f"default-src 'none'; connect-src 'self' {API}; base-uri 'none'" in entrance(pages())


def test_only_the_origin_of_the_api_goes_into_the_policy(folder):
    page = entrance(website.build((), folder).pages(ADDRESS, website.Services(f"{API}/stage")))
    assert f"connect-src 'self' {API};" in page


def test_the_social_card_is_named_in_full(pages):
    assert f'<meta property="og:image" content="{ADDRESS}/card.png">' in entrance(pages())


def test_the_configuration_names_the_api_and_no_examples_by_default(pages):
    said = json.loads(named(pages(), "config.json").body)
    assert (said["api"], said["examples"]) == (API, [])


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
    assert [page.key for page in pages([plain_photo])][-3:] == ["config.json", "index.html", "sw.js"]


def worker_list(pages):
    """Return the list of files that the service worker keeps."""
    (listed,) = re.findall(r"^const SITE = (.*);$", named(pages, "sw.js").body.decode(), re.MULTILINE)
    return json.loads(listed)


def test_the_service_worker_lists_every_file_but_pictures_itself_and_the_owners_page(folder, pages, plain_photo):
    (folder / "icon-192.png").write_bytes(b"png")
    found = pages([plain_photo])
    listed = worker_list(found)
    kinds = ("image/png", "image/jpeg")
    keys = {page.key for page in found if page.content_type not in kinds and "owner" not in page.key} - {"sw.js"}
    assert {*listed["assets"], *listed["others"]} == keys
    assert {name.partition("/")[0] for name in listed["assets"]} == {"assets"}


def test_the_service_worker_has_the_hash_of_each_file_that_may_change_under_its_name(pages):
    found = pages()
    for name, integrity in worker_list(found)["others"].items():
        digest = base64.b64decode(integrity.removeprefix("sha256-"))
        assert digest == sha256(named(found, name).body).digest()


@pytest.mark.parametrize("changed", ["assets/main.js", "favicon.svg", "privacy.html", "owner"])
def test_every_change_of_a_listed_file_gives_the_service_worker_a_new_version(folder, pages, changed):
    before = worker_list(pages())["version"]
    if changed == "owner":
        after = website.build((), folder).pages(ADDRESS, website.Services(API), Owner("Ada"))
    else:
        path = folder / changed
        path.write_text(path.read_text() + "\n")
        after = pages()
    assert worker_list(after)["version"] != before


def test_the_owner_is_on_the_privacy_page(folder):
    found = website.build((), folder).pages(ADDRESS, website.Services(API), Owner("Ada"))
    assert "<p><bdi>Ada</bdi></p>" in named(found, "privacy.html").body.decode()
    assert f'"{prefix(found)}style.css"' in named(found, "privacy.html").body.decode()


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


@pytest.mark.parametrize("name", ["index.html", "privacy.html", "owner.html", "sw.js"])
def test_a_folder_without_its_pages_or_service_worker_is_not_deployed(folder, pages, name):
    (folder / name).unlink()
    with pytest.raises(DeployError, match=f"has no {re.escape(name)}"):
        pages()


def test_a_service_worker_without_a_place_for_the_list_is_not_deployed(folder, pages):
    (folder / "sw.js").write_text("const FILES = [];")
    with pytest.raises(DeployError, match="needs one line `const SITE = …;`"):
        pages()


def test_a_privacy_page_that_names_a_missing_file_is_not_deployed(folder, pages):
    (folder / "privacy.html").write_text(PRIVACY.replace("style.css", "stile.css"))
    with pytest.raises(DeployError, match=r"privacy\.html names assets/stile\.css, which does not exist"):
        pages()


def test_the_owners_page_may_talk_to_the_api_and_has_the_new_names_of_its_files(pages):
    found = pages()
    page = named(found, "owner.html").body.decode()
    assert f"connect-src 'self' {API}; base-uri" in page
    assert f'"{prefix(found)}owner/main.js"' in page


def test_an_owners_page_without_a_place_for_the_api_is_not_deployed(folder, pages):
    (folder / "owner.html").write_text(OWNERS_PAGE.replace("connect-src", "img-src"))
    with pytest.raises(DeployError, match=r"owner\.html needs one Content-Security-Policy"):
        pages()


def test_examples_are_listed_in_their_order_and_once(pages, camera_photo, plain_photo):
    found = pages([plain_photo, camera_photo, plain_photo])
    listed = json.loads(named(found, "config.json").body)["examples"]
    assert [Image.open(io.BytesIO(named(found, each["photo"]).body)).width for each in listed] == [300, 512]
    keys = [key for each in listed for key in each.values()]
    assert all(re.fullmatch(r"examples/[0-9a-f]{12}\.jpg", key) for key in keys)
    assert {named(found, key).content_type for key in keys} == {"image/jpeg"}


def test_an_example_is_upright_small_and_without_metadata(pages, camera_photo):
    photo, thumbnail = examples_of(pages([camera_photo]))
    assert [photo.size, thumbnail.size] == [(512, 1024), (144, 144)]
    for image in (photo, thumbnail):
        assert image.format == "JPEG"
        assert dict(image.getexif()) == {}
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
    red, green, blue = photo.getpixel((256, 20))
    assert red > 150 > max(green, blue)


def test_the_thumbnail_of_an_example_is_the_middle_of_the_photo(pages, tmp_path):
    pixels = np.full((600, 1200, 3), 255, dtype=np.uint8)
    pixels[:, 300:900] = (0, 0, 200)  # the square in the middle
    path = tmp_path / "wide.png"
    Image.fromarray(pixels).save(path)
    _, thumbnail = examples_of(pages([path]))
    assert all(red < 60 and blue > 150 for red, _, blue in (thumbnail.getpixel(at) for at in ((4, 4), (139, 139))))


def test_the_thumbnail_of_an_example_downloads_in_a_few_kilobytes(pages, tmp_path):
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    path = tmp_path / "busy.png"
    coarse.resize((1600, 1200), Image.Resampling.BICUBIC).save(path)
    example = json.loads(named(found := pages([path]), "config.json").body)["examples"][0]
    assert len(named(found, example["thumbnail"]).body) < 5000


@pytest.mark.parametrize("size", [(300, 200), (90, 60), (1, 1)])
def test_a_small_example_is_not_blown_up(pages, tmp_path, size):
    path = tmp_path / "small.png"
    Image.new("RGB", size, "teal").save(path)
    photo, thumbnail = examples_of(pages([path]))
    assert (photo.size, thumbnail.size) == (size, (min(144, *size),) * 2)


def examples_of(pages):
    """Return the photo and the thumbnail of the only example."""
    (example,) = json.loads(named(pages, "config.json").body)["examples"]
    return [Image.open(io.BytesIO(named(pages, example[name]).body)) for name in ("photo", "thumbnail")]


def test_an_example_that_is_not_a_photo_is_reported_by_name(pages, tmp_path):
    diary = tmp_path / "diary.txt"
    diary.write_text("Dear diary")
    with pytest.raises(DeployError, match=r"diary\.txt cannot be an example: This is not a photo"):
        pages([diary])


@pytest.fixture
def visage_deploy(monkeypatch):
    """Run `visage deploy` without deploying; return the hosting and website it would deploy, and the run's result."""

    def visage_deploy(*words, kept=UNSAID, access=OPEN):
        begun = []
        monkeypatch.setattr(deploy, "_check", lambda *_: None)
        monkeypatch.setattr(deploy, "_load", lambda *_: "bundle")
        monkeypatch.setattr(deploy, "_target", lambda *_: "target")
        monkeypatch.setattr(Owner, "kept", lambda _: kept)
        monkeypatch.setattr(Options, "kept", lambda _: Options())
        monkeypatch.setattr(deploy.stack, "access", lambda _: access)

        def bring_up(*given, plan):
            begun.append((*given[3:5], plan.access, given[-1]))
            return Addresses("http://api.test", "http://site.test")

        monkeypatch.setattr(deploy, "bring_up", bring_up)
        return begun, CliRunner().invoke(application(), ["deploy", *map(str, words)])

    return visage_deploy


def test_the_default_is_cloudfront_without_examples(visage_deploy):
    ((hosting, site, *_),), done = visage_deploy()
    assert (hosting, site.examples) == ("cloudfront", ())
    assert "plain HTTP" not in done.stderr


def test_deploying_a_plain_website_prints_a_note_about_its_limits(visage_deploy):
    ((hosting, *_),), done = visage_deploy("--website", "s3")
    assert hosting == "s3"
    assert "Website  http://site.test\n" in done.stdout
    assert "do not let it use the camera" in " ".join(done.stderr.split())


def test_examples_are_given_one_by_one(visage_deploy, camera_photo, plain_photo):
    ((_, site, *_),), _ = visage_deploy("--example", plain_photo, "--example", camera_photo)
    assert len(site.examples) == 2


def test_a_bad_example_stops_the_deployment_before_it_begins(visage_deploy, tmp_path):
    diary = tmp_path / "diary.txt"
    diary.write_text("Dear diary")
    begun, done = visage_deploy("--example", diary)
    assert isinstance(done.exception, DeployError)
    assert begun == []


def test_the_owner_is_kept_and_what_is_given_replaces_it(visage_deploy):
    kept = Owner("Ada", "ada@example.org", consent=True)
    ((*_, owner),), done = visage_deploy(kept=kept)
    assert owner == kept
    assert "privacy page" not in done.stderr
    ((*_, owner),), _ = visage_deploy("--owner", "Grace", "--consent-text", "I agree.", kept=kept)
    assert owner == Owner("Grace", "ada@example.org", "I agree.")
    ((*_, owner),), _ = visage_deploy("--no-consent", kept=kept)
    assert owner.consent is False
    ((*_, owner),), _ = visage_deploy("--owner-link", kept=kept)
    assert owner == Owner("Ada", "ada@example.org", consent=True, link=True)


def test_who_may_use_the_api_is_kept_and_what_is_given_replaces_it(visage_deploy):
    kept = Access(Auth.KEY, private_labels=True)
    ((*_, access, _),), done = visage_deploy(access=kept)
    assert access == kept
    assert "visage keys create NAME --stage local" in " ".join(done.stderr.split())
    ((*_, access, _),), done = visage_deploy("--auth", "none", "--public-labels", access=kept)
    assert access == OPEN
    assert "where its owner alone may do something" in " ".join(done.stderr.split())


def test_a_deployment_without_an_owner_says_once_what_to_set(visage_deploy):
    _, done = visage_deploy()
    assert done.stderr.count("--owner and --contact") == 1


def test_a_bad_contact_stops_the_deployment_before_it_begins(visage_deploy):
    begun, done = visage_deploy("--contact", "nobody")
    assert isinstance(done.exception, DeployError)
    assert begun == []


def test_no_consent_and_a_sentence_of_consent_contradict_each_other(visage_deploy):
    begun, done = visage_deploy("--no-consent", "--consent-text", "I agree.")
    assert isinstance(done.exception, CommandError)
    assert begun == []
