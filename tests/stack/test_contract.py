"""The deployed API keeps its contract: whatever is sent, the answer is one of those that the contract describes."""

import io
from collections.abc import Callable

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS

from api.openapi import openapi
from deploy import keys
from deploy.local import direct
from model.keys import SCOPES, today
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
def send(stack, key) -> Callable[[Case], None]:
    """Send a request with a key, and compare the answer with the contract."""
    address, host = direct(stack.api)
    with requests.Session() as session:
        session.trust_env = False

        def send(case: Case) -> None:
            case.call_and_validate(
                base_url=address.rstrip("/"),
                session=session,
                headers={**host, "Authorization": f"Bearer {key}"},
                timeout=30,
                excluded_checks=[CHECKS.get_one("positive_data_acceptance")],  # most made-up photos are no photos
            )

        yield send


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
        send(case)

    exchange()


@pytest.mark.parametrize("path", ["/recognize", "/detect", "/align", "/embed", "/verify"])
def test_a_photo_with_faces_is_answered_as_described(schema, send, samples, path):
    photo = (samples / sample_photos.STRANGERS).read_bytes()
    body = {"a": photo, "b": photo, "face_b": 2} if path == "/verify" else {"image": photo}
    send(schema[path]["post"].Case(body=body, media_type="multipart/form-data"))
