"""The deployed website as an app: without a network, after a new deployment, installed, and as a target for sharing."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from deploy import website
from deploy.owner import UNSAID, Owner
from deploy.website import Page as File
from tests.browser.deployment import Deployment
from tests.browser.fakes import API, LABELS, SITE, drawn_photo, face, recognition, reply

KEPT = """async () => {
    const names = await caches.keys();
    const keys = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    const paths = keys.flat().map(({ url }) => url.replace(`${location.origin}/`, ""));
    return [names, paths.sort()];
}"""

ACTIVATED = """async () => {
    const { active } = await navigator.serviceWorker.ready;
    if (active.state === "activated") return;
    await new Promise((resolve) => (active.onstatechange = () => active.state === "activated" && resolve()));
}"""

UPDATED = """async () => {
    const registration = await navigator.serviceWorker.ready;
    await registration.update().catch(() => {});
    const worker = registration.installing ?? registration.waiting;
    if (!worker) return;
    const isDone = () => ["activated", "redundant"].includes(worker.state);
    await new Promise((resolve) => isDone() ? resolve() : (worker.onstatechange = () => isDone() && resolve()));
}"""


@pytest.fixture(scope="module")
def running_deployment() -> Iterator[Deployment]:
    with Deployment() as server, server.running():
        yield server


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("examples") / "example.jpg"
    path.write_bytes(drawn_photo())
    return path


@pytest.fixture
def patience() -> int:
    """How long the service worker waits for the network, in milliseconds: a busy machine is no bad network."""
    return 60_000


@pytest.fixture
def files(example: Path, patience: int) -> Callable[..., list[File]]:
    """Return the website's files as they are deployed; `edit` changes a file of site/ before."""

    def files(owner: Owner = UNSAID, **texts: str) -> list[File]:
        site = website.build([example])
        pages = replace(site, **texts).pages("https://site.test", website.Services(API), owner)
        return [waiting(page, patience) for page in pages]

    return files


def waiting(page: File, patience: int) -> File:
    """Let the service worker wait so long."""
    if page.key != "sw.js":
        return page
    script, replaced = re.subn(rb"PATIENCE_MS = \d+", b"PATIENCE_MS = %d" % patience, page.body)
    assert replaced == 1
    return replace(page, body=script)


@pytest.fixture
def deployment(running_deployment: Deployment, files) -> Iterator[Deployment]:
    running_deployment.deploy(files())
    yield running_deployment
    running_deployment.released.set()


@pytest.fixture
def app(page: Page, deployment: Deployment) -> Page:
    """The open website whose service worker is ready. It serves the page from the next load on."""
    page.route(f"{API}/labels", lambda route: reply(route, LABELS))
    page.route(f"{API}/recognize", lambda route: reply(route, recognition(face())))
    page.goto(deployment.address)
    page.evaluate(ACTIVATED)
    return page


def is_open(page: Page) -> None:
    expect(page.get_by_role("heading", name="Who is this?")).to_be_visible()
    expect(page.locator("#shoot")).to_be_enabled()  # the modules have run


def test_the_page_opens_without_a_network_after_one_visit(app: Page, context: BrowserContext):
    context.set_offline(True)
    app.reload()
    is_open(app)
    expect(app.locator("#offline")).to_be_visible()
    expect(app.locator("#known")).to_contain_text("You’re offline.")
    context.set_offline(False)


def test_the_page_and_the_privacy_page_open_without_a_network_in_every_language(app: Page, context: BrowserContext):
    context.set_offline(True)
    for language, title in (("es", "¿Quién es?"), ("ar", "من هذا؟")):
        app.goto(f"{app.url.partition('?')[0]}?lang={language}")
        expect(app.locator("#title")).to_have_text(title)
    app.get_by_role("link", name="الخصوصية").click()
    expect(app.get_by_role("heading", name="الخصوصية")).to_be_visible()
    context.set_offline(False)


def test_without_a_network_a_photo_waits_with_a_sentence(app: Page, context: BrowserContext, choose):
    app.reload()
    is_open(app)
    context.set_offline(True)
    app.unroute(f"{API}/recognize")
    choose()
    expect(app.locator("#reason")).to_contain_text("Connect to a network")
    context.set_offline(False)


def test_nothing_of_a_photo_or_an_answer_is_kept(app: Page, deployment: Deployment, choose):
    app.reload()
    with app.expect_response(f"{API}/recognize") as answer:
        choose()
    expect(app.locator(".box")).to_be_visible()
    assert not answer.value.from_service_worker
    listed = worker_list(deployment)
    assert app.evaluate(KEPT)[0] == [f"visage-{listed['version']}"]
    assert kept_files(app) == {*listed["assets"], *listed["others"]}
    assert app.evaluate("indexedDB.databases()") == []


def test_an_example_is_kept_once_it_was_seen(app: Page, context: BrowserContext, deployment: Deployment):
    examples = [key for key in deployment.pages if key.startswith("examples/")]
    assert not set(examples) & set(app.evaluate(KEPT)[1])
    app.reload()
    app.get_by_role("button", name="Example 1").scroll_into_view_if_needed()
    app.get_by_role("button", name="Example 1").click()
    expect(app.locator(".box")).to_be_visible()
    context.set_offline(True)
    app.reload()
    picture = app.locator("#examples img")
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("(picture) => picture.naturalWidth") > 0
    assert set(examples) <= set(app.evaluate(KEPT)[1])
    context.set_offline(False)


def test_a_new_deployment_is_in_force_after_the_next_load(
    app: Page, context: BrowserContext, deployment: Deployment, files
):
    former = app.evaluate(KEPT)[0]
    app.reload()
    deployment.deploy(files(index=changed_index()))
    app.reload()
    expect(app.locator(".masthead span")).to_have_text("Visage 2")
    app.evaluate(UPDATED)
    latter = app.evaluate(KEPT)[0]
    assert len(latter) == 1
    assert latter != former
    context.set_offline(True)
    app.reload()
    expect(app.locator(".masthead span")).to_have_text("Visage 2")
    context.set_offline(False)


def changed_index() -> str:
    return website.build().index.replace("<span>Visage</span>", "<span>Visage 2</span>")


@pytest.mark.parametrize("fault", ["syntax", "missing", "half"])
def test_a_broken_deployment_neither_locks_visitors_in_nor_out(
    app: Page, context: BrowserContext, deployment: Deployment, files, fault: str
):
    new = {page.key: page for page in files(index=changed_index())}
    if fault == "syntax":
        new["sw.js"] = replace(new["sw.js"], body=b"const SITE = {")
    elif fault == "missing":
        del new["sw.js"]
    else:
        new["index.html"] = replace(new["index.html"], body=new["index.html"].body + b"\n")
    deployment.deploy(new.values())
    app.reload()
    expect(app.locator(".masthead span")).to_have_text("Visage 2")
    app.evaluate(UPDATED)
    context.set_offline(True)
    app.reload()
    expect(app.locator(".masthead span")).to_have_text("Visage")
    is_open(app)
    context.set_offline(False)


def test_the_page_opens_while_the_server_fails(app: Page, deployment: Deployment):
    deployment.failing = {"index.html": 503, "config.json": 502}
    app.reload()
    is_open(app)
    expect(app.locator(".names li").first).to_be_visible()


def test_a_website_that_was_removed_is_not_shown_any_more(app: Page, deployment: Deployment):
    deployment.failing = {"index.html": 403}
    assert app.reload().status == 403


@pytest.mark.parametrize("patience", [300])
def test_the_page_opens_on_a_network_that_does_not_answer_in_time(app: Page, deployment: Deployment):
    deployment.held = {"index.html", "config.json"}
    app.reload()
    is_open(app)
    expect(app.locator(".names li").first).to_be_visible()


def test_the_owners_page_is_never_kept(app: Page, deployment: Deployment, files):
    app.reload()
    is_open(app)
    app.goto(f"{deployment.address}/owner.html")
    expect(app.locator("#key-place input")).to_be_visible()
    assert not [name for name in kept_files(app) if "owner" in name]
    deployment.deploy(files(owners_page=website.build().owners_page.replace("<span>Visage<", "<span>Visage 2<")))
    app.reload()
    expect(app.locator(".masthead span")).to_have_text("Visage 2")
    deployment.failing = {"owner.html": 503}
    assert app.reload().status == 503


def test_requests_to_the_api_pass_by_the_service_worker(app: Page):
    with app.expect_response(f"{API}/labels") as answer:
        app.reload()
    assert not answer.value.from_service_worker
    assert app.evaluate("navigator.serviceWorker.controller.scriptURL").endswith("/sw.js")


def test_on_plain_http_there_is_no_service_worker_and_no_error(page: Page, deployment: Deployment):
    page.route(f"{API}/labels", lambda route: reply(route, LABELS))
    page.goto(deployment.insecure_address)
    is_open(page)
    expect(page.locator(".names li").first).to_be_visible()
    assert page.evaluate("navigator.serviceWorker === undefined")
    assert "sw.js" not in deployment.requested


def test_a_website_that_was_not_deployed_has_no_service_worker(site: Page):
    expect(site.locator(".names li").first).to_be_visible()
    assert site.evaluate("navigator.serviceWorker.getRegistrations().then(({ length }) => length)") == 0


def share(page: Page, deployment: Deployment, *photos: bytes) -> None:
    """Send photos as a phone's share sheet does: with a POST that opens the page."""
    page.goto("about:blank")
    page.set_content(
        f'<form method="post" enctype="multipart/form-data" action="{deployment.address}/share">'
        '<input type="file" name="photos" multiple></form>'
    )
    files = [
        {"name": f"{number}.jpg", "mimeType": "image/jpeg", "buffer": photo} for number, photo in enumerate(photos)
    ]
    page.locator("input").set_input_files(files=files)
    page.locator("form").evaluate("(form) => form.submit()")
    page.wait_for_url(f"{deployment.address}/index.html*")


def test_a_photo_that_another_app_shares_is_sent_and_not_kept(app: Page, deployment: Deployment):
    before = kept_files(app)
    with app.expect_request(f"{API}/recognize"):
        share(app, deployment, drawn_photo())
    expect(app.locator(".box")).to_be_visible()
    assert app.url == f"{deployment.address}/index.html"
    assert kept_files(app) == before
    app.reload()
    is_open(app)
    expect(app.locator("#note")).to_be_hidden()


def test_several_photos_can_be_shared_at_once(app: Page, deployment: Deployment):
    share(app, deployment, drawn_photo(), drawn_photo((640, 480)))
    expect(app.locator("#strip li")).to_have_count(2)


def test_a_shared_photo_without_a_network_is_on_the_page(app: Page, deployment: Deployment, context: BrowserContext):
    app.unroute(f"{API}/recognize")
    context.set_offline(True)
    share(app, deployment, drawn_photo())
    expect(app.locator("#reason")).to_contain_text("Connect to a network")
    context.set_offline(False)


@pytest.mark.parametrize("number", ["never-given", ""])
def test_a_shared_photo_that_is_gone_gives_a_sentence(app: Page, deployment: Deployment, number: str):
    app.goto(f"{deployment.address}/index.html?shared={number}")
    is_open(app)
    note = "The shared photo didn’t arrive. Share it again, or choose it here." if number else ""
    expect(app.locator("#note")).to_have_text(note)


def test_chromium_can_install_the_page(app: Page):
    devtools = app.context.new_cdp_session(app)
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    reasons = {error["errorId"] for error in devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]}
    assert reasons <= {"in-incognito"}  # as each test's browser context is
    assert app.evaluate("document.querySelector('link[rel=manifest]').href") == manifest["url"]


def test_the_icons_have_the_sizes_that_the_manifest_says():
    manifest = json.loads((SITE / "manifest.webmanifest").read_text(encoding="utf-8"))
    for icon in manifest["icons"]:
        with Image.open(SITE / icon["src"]) as image:
            assert icon["sizes"] == f"{image.width}x{image.height}"
    with Image.open(SITE / "icon-maskable.png") as image:
        masked = image.convert("RGBA")
    assert masked.getextrema()[3] == (255, 255)  # phones cut their own shape, so nothing may be transparent


def test_the_manifest_is_served_as_one(deployment: Deployment):
    assert deployment.pages["manifest.webmanifest"].content_type == "application/manifest+json; charset=utf-8"


def kept_files(page: Page) -> set[str]:
    """Return the names of all files that are kept, without examples: those that come into view are kept too."""
    return {name for name in page.evaluate(KEPT)[1] if not name.startswith("examples/")}


def worker_list(deployment: Deployment) -> dict:
    (listed,) = re.findall(r"^const SITE = (.*);$", deployment.pages["sw.js"].body.decode(), re.MULTILINE)
    return json.loads(listed)
