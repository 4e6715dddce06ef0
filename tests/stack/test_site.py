"""The deployed website: what CloudFront serves of it, with which headers, and what stays in its bucket."""

import io
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from PIL import Image

from deploy import website

GOOD = "public, max-age=31536000, immutable"


@pytest.fixture
def page(stack):
    """The page as it is served."""
    return stack.get(f"{stack.site}/").text


@pytest.fixture
def bucket(stack):
    """The website's bucket; after each test it contains the website again."""
    bucket = stack.outputs()["SiteBucket"]
    yield bucket
    upload(stack, bucket)


def upload(stack, bucket, site=None, **options):
    with stack.target.client("s3") as s3:
        website.upload(s3, bucket, (site or stack.website).pages(stack.site, stack.services), **options)


def keys(stack, bucket):
    with stack.target.client("s3") as s3:
        return {entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]}


def renamed(site):
    """The website as if its assets had changed, with another name for each of them."""
    former = re.search(r"assets/[0-9a-f]{12}/", site.index)[0]
    latter = "assets/0123456789ab/"
    files = tuple(replace(page, key=page.key.replace(former, latter)) for page in site.files)
    return replace(site, index=site.index.replace(former, latter), files=files)


def test_the_address_serves_the_page(stack):
    answer = stack.get(f"{stack.site}/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    (index,) = (page for page in stack.website.pages(stack.site, stack.services) if page.key == "index.html")
    assert answer.content == index.body


def test_revalidating_an_unchanged_page_transfers_no_body(stack):
    tag = stack.get(f"{stack.site}/").headers["etag"]
    again = stack.get(f"{stack.site}/", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_every_file_that_the_page_names_is_served_with_a_long_cache_time(stack, page):
    names = re.findall(r'"(assets/[0-9a-f]{12}/[^"]+)"', page)
    assert {name.rpartition(".")[2] for name in names} == {"css", "js"}
    answers = [stack.get(f"{stack.site}/{name}") for name in names]
    assert [answer.status_code for answer in answers] == [200] * len(names)
    assert {answer.headers["cache-control"] for answer in answers} == {GOOD}
    kinds = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
    assert [answer.headers["content-type"] for answer in answers] == [kinds[name.rpartition(".")[2]] for name in names]


def test_its_configuration_names_the_api_and_the_examples(stack):
    answer = stack.get(f"{stack.site}/config.json")
    assert answer.headers["cache-control"] == "no-cache"
    examples = [{"photo": each.photo.key, "thumbnail": each.thumbnail.key} for each in stack.website.examples]
    said = answer.json()
    assert (said["api"], said["examples"], said["worker"]) == (stack.api, examples, True)
    assert len(examples) == 2


def test_an_example_is_a_photo_that_the_api_knows(stack):
    example = stack.website.examples[0]
    first, thumbnail = (stack.get(f"{stack.site}/{page.key}") for page in (example.photo, example.thumbnail))
    for picture in (first, thumbnail):
        assert (picture.headers["content-type"], picture.headers["cache-control"]) == ("image/jpeg", GOOD)
    assert Image.open(io.BytesIO(thumbnail.content)).size == (144, 144)
    assert Image.open(io.BytesIO(first.content)).size == (534, 1024)  # of 626 x 1200
    answer = stack.post(f"{stack.api}/recognize", files={"image": first.content})
    assert answer.json()["label"] == "Barack Obama"


@pytest.mark.parametrize("path", ["", "config.json", "favicon.svg"])
def test_every_answer_has_the_headers_that_bind_the_browser(stack, path):
    headers = stack.get(f"{stack.site}/{path}").headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "manifest-src 'self'; "
        f"connect-src 'self' {stack.api} {stack.endpoint}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"


def test_the_page_may_use_only_the_camera_of_the_browsers_features(stack):
    features = stack.get(f"{stack.site}/").headers["permissions-policy"].split(", ")
    assert [feature for feature in features if not feature.endswith("=()")] == ["camera=(self)"]
    assert {"microphone=()", "geolocation=()", "display-capture=()", "payment=()"} < set(features)


def test_the_policy_in_the_page_equals_the_header(stack, page):
    said = stack.get(f"{stack.site}/").headers["content-security-policy"]
    policy = said.removesuffix("; frame-ancestors 'none'")  # which browsers take from a header only
    assert f'content="{policy}"' in page


def test_a_file_that_is_not_part_of_the_website_is_not_served(stack):
    assert stack.get(f"{stack.site}/secrets.json").status_code == 403


def test_an_open_page_finds_its_files_for_another_day(stack, bucket, page):
    module = f"{stack.site}/" + re.search(r'assets/[^"]+[.]js', page)[0]
    former = stack.get(module)
    upload(stack, bucket, renamed(stack.website))
    later = stack.get(module)
    assert later.content == former.content
    kept = ("content-type", "cache-control")
    assert [later.headers[name] for name in kept] == [former.headers[name] for name in kept]
    upload(stack, bucket, renamed(stack.website))
    assert stack.get(module).status_code == 200


def test_files_replaced_a_day_ago_are_deleted_by_the_next_deployment(stack, bucket):
    other = renamed(stack.website)
    upload(stack, bucket, other)
    upload(stack, bucket, other, keep=timedelta(0))
    assert keys(stack, bucket) == {page.key for page in other.pages(stack.site, stack.services)}


def test_the_day_counts_from_the_replacement_and_not_from_the_upload(stack, bucket):
    other = renamed(stack.website)
    upload(stack, bucket, other, keep=timedelta(0))
    assert keys(stack, bucket) > {page.key for page in other.pages(stack.site, stack.services)}


def test_a_file_that_returns_to_the_website_is_kept(stack, bucket):
    upload(stack, bucket, renamed(stack.website))
    upload(stack, bucket)
    upload(stack, bucket, keep=timedelta(0))
    assert keys(stack, bucket) == {page.key for page in stack.website.pages(stack.site, stack.services)}


def test_an_example_that_is_no_longer_given_is_deleted_at_once(stack, bucket):
    first, second = stack.website.examples
    upload(stack, bucket, replace(stack.website, examples=(second,)))
    for removed, kept in ((first.photo, second.photo), (first.thumbnail, second.thumbnail)):
        assert stack.get(f"{stack.site}/{removed.key}").status_code == 403
        assert stack.get(f"{stack.site}/{kept.key}").status_code == 200
