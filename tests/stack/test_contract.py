"""The deployed API keeps its contract: whatever is sent, the answer is one of those that the contract describes."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS

from api.openapi import openapi
from deploy import keys
from deploy.local import direct
from model.keys import SCOPES, today
from model.roster_storage import FORMER_DAYS
from model.settings import AccessSettings
from scripts import samples as sample_photos

CONTRACT = openapi(AccessSettings())
"""What the stack of the tests says of itself: visitors may use it, and its owner needs a key."""

NOT_HERE = {"/health"}
"""MiniStack answers this address itself."""

OPERATIONS = [
    (path, method, mode)
    for path, item in CONTRACT["paths"].items()
    for method, operation in item.items()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    if path not in NOT_HERE and (mode is GenerationMode.POSITIVE or operation.keys() & {"requestBody", "parameters"})
]
"""What the contract allows and what it forbids of each operation. Of one that takes nothing, it forbids nothing."""

EXAMPLES = 10


def _photo() -> bytes:
    """Return a photo without a face."""
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(file, "JPEG")
    return file.getvalue()


PHOTOS = st.one_of(st.just(_photo()), st.binary(max_size=100), st.binary(max_size=100).map(_photo().__add__))
for media_type in ("image/*", "application/octet-stream"):
    schemathesis.openapi.media_type(media_type, PHOTOS)


@pytest.fixture(scope="module")
def key(stack):
    """A key that may do everything."""

    def make(known):
        changed, _, text = known.created("contract", SCOPES, today(), rate=100_000)
        return changed, text

    return keys.change(stack.target, make)


@pytest.fixture(scope="module")
def send(stack, key) -> Callable[[Case], Any]:
    """Send a request with a key, and compare the answer with the contract."""
    address, host = direct(stack.api)
    with requests.Session() as session:
        session.trust_env = False

        def send(case: Case) -> Any:
            return case.call_and_validate(
                base_url=address.rstrip("/"),
                session=session,
                headers={**host, "Authorization": f"Bearer {key}"},
                timeout=30,
                excluded_checks=[CHECKS.get_one(name) for name in _excluded(case)],
            )

        yield send


def _excluded(case: Case) -> list[str]:
    """Most made-up photos are no photos; and parameters that nobody knows are ignored, as on all of the web."""
    return ["positive_data_acceptance", *(["negative_data_rejection"] if case.method == "GET" else [])]


@pytest.fixture(scope="module")
def schema():
    return schemathesis.openapi.from_dict(CONTRACT)


def test_the_deployed_contract_is_the_one_that_is_tested(stack):
    assert stack.get(f"{stack.api}/openapi.json").json() == CONTRACT


@pytest.mark.parametrize(("path", "method", "mode"), OPERATIONS)
def test_whatever_is_sent_the_answer_is_as_described(schema, send, path, method, mode):
    @settings(max_examples=EXAMPLES, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(schema[path][method].as_strategy(generation_mode=mode))
    def exchange(case: Case) -> None:
        # MiniStack decodes a path before it looks for the query in it.
        assume(not set("?#") & set("".join(map(str, (case.path_parameters or {}).values()))))
        send(case)

    exchange()


@pytest.mark.parametrize("path", ["/recognize", "/detect", "/align", "/embed", "/verify"])
def test_a_photo_with_faces_is_answered_as_described(schema, send, samples, path):
    photo = (samples / sample_photos.STRANGERS).read_bytes()
    body = {"a": photo, "b": photo, "face_b": 2} if path == "/verify" else {"image": photo}
    send(schema[path]["post"].Case(body=body, media_type="multipart/form-data"))


def test_a_person_comes_is_known_is_corrected_and_goes_as_described(schema, send, samples):
    photo = (samples / sample_photos.STRANGERS).read_bytes()

    def people(path, method, identity=None, body=None, media_type="multipart/form-data", **headers):
        where = {"path_parameters": {"id": identity}} if identity else {}
        given = {"body": body, "media_type": media_type} if body else {}
        return send(schema[path][method].Case(**where, **given, headers=headers))

    form = {"name": "Ann of the contract", "image": [photo], "face": ["2"]}
    added = people("/people", "post", body=form, **{"Idempotency-Key": "contract"})
    assert added.status_code == 201, added.text
    assert people("/people", "post", body=form, **{"Idempotency-Key": "contract"}).json() == added.json()
    identity = added.json()["person"]["id"]
    try:
        recognised = send(schema["/recognize"]["post"].Case(body={"image": photo}, media_type="multipart/form-data"))
        assert "Ann of the contract" in [face["label"] for face in recognised.json()["faces"]]
        assert recognised.json()["model"]["roster"] == added.json()["roster"]["version"]
        asked = people("/people/{id}/photos", "post", identity, {"image": [photo]})
        assert asked.json()["photos"][0]["problem"]["type"].endswith(":same-photo")
        corrected = people("/people/{id}/near-misses", "post", identity, {"image": [photo], "face": ["1"]})
        assert corrected.json()["person"]["near_misses"] == 1
        assert people("/people/{id}/near-misses", "delete", identity).json()["near_misses"] == 0
        tag = people("/people/{id}", "get", identity).headers["etag"][0]
        renamed = people("/people/{id}", "patch", identity, {"name": "Anne"}, "application/json", **{"If-Match": tag})
        assert renamed.json()["name"] == "Anne"
        late = people("/people/{id}", "delete", identity, **{"If-Match": tag})
        assert late.status_code == 412
    finally:
        removed = people("/people/{id}", "delete", identity)
    assert removed.json()["gone_on"] == str(today() + timedelta(days=FORMER_DAYS + 1))
    assert people("/people/{id}", "get", identity).status_code == 404
