"""The website and the API at one address, as CloudFront serves them. A small server stands in for it: the local AWS's
own CloudFront reaches no API."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from deploy import website
from tests.browser.deployment import Deployment
from tests.browser.fakes import drawn_photo
from tests.browser.test_deployed import ANSWERED_MS, UNSEEN, scan


@pytest.fixture(scope="module")
def server() -> Iterator[Deployment]:
    with Deployment() as server, server.running():
        yield server


@pytest.fixture
def opened(server: Deployment, page: Page, stack) -> Page:
    server.deploy(website.build().pages(server.address, website.Services("/api", stack.endpoint)))
    server.api = partial(pass_on, stack)
    page.goto(server.address)
    return page


def pass_on(stack, method, path, headers, body):
    kept = {name: headers[name] for name in ("Content-Type", "Accept") if name in headers}
    answer = stack.send(method, stack.api + path, headers=kept, data=body)
    return answer.status_code, answer.headers["content-type"], answer.content


def test_a_photo_gets_its_name_and_the_people_are_listed_without_another_address(
    server: Deployment, opened: Page, choose, samples: Path
):
    asked = []
    opened.on("request", lambda request: asked.append(request.url))
    choose(samples / UNSEEN)
    expect(opened.get_by_role("heading", name="Barack Obama")).to_be_visible(timeout=ANSWERED_MS)
    expect(opened.locator(".names li").first).to_be_visible()
    assert f"{server.address}/api/recognize" in asked
    assert all(url.startswith((server.address, "blob:")) for url in asked)


def test_a_photo_of_12_megabytes_goes_to_s3_and_gets_its_name(server: Deployment, opened: Page, stack, samples: Path):
    asked = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.get_by_label("Choose").set_input_files(files=[scan(samples)])
    opened.get_by_role("button", name="Send unchanged").click()
    expect(opened.get_by_role("heading", name="Barack Obama")).to_be_visible(timeout=ANSWERED_MS)
    elsewhere = [url for url in asked if not url.startswith((server.address, "blob:"))]
    assert elsewhere
    assert all(url.startswith(stack.endpoint) for url in elsewhere)


@pytest.mark.parametrize(
    ("status", "sentence"), [(413, "This photo is too large."), (403, "The service doesn’t accept this website.")]
)
def test_what_api_gateway_itself_answers_is_understood(
    server: Deployment, opened: Page, choose, status: int, sentence: str
):
    """It has no CORS headers. At another address, the page could not read it."""
    server.api = lambda *_: (status, "application/json", json.dumps({"message": "Refused"}).encode())
    choose(drawn_photo())
    expect(opened.locator("#reason")).to_contain_text(sentence)
