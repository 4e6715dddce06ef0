"""Test clients for the real handler: they make events as API Gateway does, and return what a browser would get."""

import base64
import importlib
import io
import json
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from urllib.parse import parse_qs

import numpy as np
import pytest
from PIL import Image
from urllib3.filepost import encode_multipart_formdata

from api import ModelLoader, Telemetry, create_app, guard_for, load_from_settings
from model.bundle import Manifest
from model.gallery import Gallery
from model.known import KnownPeople
from model.recognizer import Detection, Embedding, Face, Found, Prediction, Recognition
from model.roster import Person, Roster, trained_id
from model.settings import AccessSettings, Settings
from model.verification import Verification
from preprocess.appearance import Appearance, Pose, Quality
from preprocess.detect import Box
from preprocess.geometry import Geometry
from tests.crowds import crowd

VERSIONS = ("1.0", "2.0")
"""Payload versions of API Gateway: 1.0 of a REST API, 2.0 of an HTTP API."""

SENDERS = {
    "1.0": "rest-api",
    "2.0": "http-api",
    "HTTP API with payload 1.0": "http-api-1.0",
    "function URL": "function-url",
    "load balancer": "load-balancer",
    "load balancer with lists": "load-balancer-lists",
}
"""Everything that sends HTTP requests to a function, and the name of its event in tests/events/."""

BOX = Box(12, 8, 21, 21, 0.91, landmarks=((17, 15.04), (28, 15), (22.5, 20), (18, 25), (27, 25)))
APPEARANCE = Appearance(Pose(-2.123, 1.4, 0.0), Quality(21, 412.61, 121.3, 0.14355, 0.53777), ("too_small", "covered"))
"""The face that the fake recognizer finds in every photo."""

EVENTS = Path(__file__).parent / "events"


@dataclass(frozen=True)
class Answer:
    """The HTTP response that API Gateway makes of the function's return value."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def problem(self):
        """The name of the problem, after checking the form of the document."""
        document = self.json
        assert self.headers["content-type"] == "application/problem+json"
        assert document["status"] == self.status
        assert document["title"]
        assert document["detail"]
        assert document["request_id"]
        return document["type"].removeprefix("urn:visage:problem:")


class Client:
    """Sends requests to a Lambda handler as one of the SENDERS does."""

    def __init__(self, handler, version, stage=None):
        self.handler = handler
        self.version = version
        self.stage = stage or ("prod" if version == "1.0" else "$default")

    def get(self, path, headers=None):
        return self.send("GET", path, headers=headers)

    def post(self, path, body=None, content_type=None, *, encoded=True):
        return self.send("POST", path, body, {"content-type": content_type} if content_type else {}, encoded=encoded)

    def compare(self, **fields):
        """POST a form of two photos; `fields` are further ones, or others in place of the photos, or None for none."""
        given = {"a": ("a.jpg", b"first"), "b": ("b.jpg", b"second"), **fields}
        body, content_type = encode_multipart_formdata([(name, value) for name, value in given.items() if value])
        return self.post("/verify", body, content_type)

    def upload(self, *photos, path="/recognize", name="image", encoded=True):
        """POST a form of files, as browsers and curl do."""
        parts = [(name, ("photo.jpg", photo, "image/jpeg")) for photo in photos]
        body, content_type = encode_multipart_formdata(parts)
        return self.post(path, body, content_type, encoded=encoded)

    def send(self, method, path, body=None, headers=None, *, encoded=True):
        return self.invoke(self.event(method, path, body, headers or {}, encoded))

    def invoke(self, event):
        returned = self.handler(json.loads(json.dumps(event)), CONTEXT)
        json.dumps(returned)  # Lambda returns JSON
        headers = returned.get("headers") or {k: ", ".join(v) for k, v in returned["multiValueHeaders"].items()}
        body = returned.get("body", "")
        decoded = base64.b64decode(body) if returned.get("isBase64Encoded") else body.encode()
        return Answer(returned["statusCode"], {name.lower(): value for name, value in headers.items()}, decoded)

    def event(self, method, path, body, headers, encoded):
        text = None
        if body is not None:
            text = base64.b64encode(body).decode() if encoded else body.decode("utf-8", "replace")
        event = make_event(self.version, method, path, self.stage, headers)
        return {**event, "body": text, "isBase64Encoded": encoded and body is not None}


def read_event(name):
    """Return the event of `tests/events/NAME.json`."""
    return json.loads((EVENTS / f"{name}.json").read_text())


def make_event(sender, method, address, stage, headers):
    """Return the event that `sender` would send for this request, without a body."""
    event = read_event(SENDERS[sender])
    fill = _fill_payload_2 if "rawPath" in event else _fill_payload_1
    fill(event, method, *address.partition("?")[::2], stage)
    host = {name: value for name, value in _headers_of(event).items() if name.lower() == "host"}
    _set_headers(event, {**host, **headers})
    return event


def _fill_payload_2(event, method, path, query, stage):
    """Payload 2.0: a stage with a name stays in the path, and the query string is not decoded."""
    context = event["requestContext"]
    if "authentication" not in context:  # a function URL has no stages
        context["stage"] = stage
        path = path if stage == "$default" else f"/{stage}{path}"
    context["http"] |= {"method": method, "path": path}
    event |= {"rawPath": path, "rawQueryString": query}
    event["queryStringParameters"] = {name: ",".join(values) for name, values in parse_qs(query, True).items()}


def _fill_payload_1(event, method, path, query, stage):
    """Payload 1.0, and a load balancer, which does not decode the query string and has no stages."""
    context = event["requestContext"]
    parameters = _undecoded(query) if "elb" in context else parse_qs(query, keep_blank_values=True)
    event |= {"httpMethod": method, "path": path}
    if "elb" not in context:
        context |= {"httpMethod": method, "path": path if stage == "$default" else f"/{stage}{path}", "stage": stage}
        event["pathParameters"] = {"proxy": path.lstrip("/")}
    if "queryStringParameters" in event:
        event["queryStringParameters"] = {name: values[-1] for name, values in parameters.items()} or None
    if "multiValueQueryStringParameters" in event:
        event["multiValueQueryStringParameters"] = parameters or None


def _headers_of(event):
    return event.get("headers") or {name: values[0] for name, values in event["multiValueHeaders"].items()}


def _set_headers(event, headers):
    """Replace all headers, wherever this event has them."""
    if "headers" in event:
        event["headers"] = headers
    if "multiValueHeaders" in event:
        event["multiValueHeaders"] = {name: [value] for name, value in headers.items()}


def _undecoded(query):
    """Split a query string without decoding it."""
    parameters = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        parameters.setdefault(name, []).append(value)
    return parameters


CONTEXT = SimpleNamespace(
    function_name="visage",
    memory_limit_in_mb=3008,
    invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:visage",
    aws_request_id="invocation-1",
)


ADA, ZOE = trained_id("Ada Lovelace"), "zoezoezoezoe"
"""The ids of the people whom the fake recognizer knows."""


class FakeRecognizer:
    """A fake recognizer: it finds Ada in every photo, and keeps the bytes of the photos.

    Its network was trained on Ada, and Zoë is on its roster, by one photo; their embeddings are made up.
    """

    version = "0123456789ab"
    engine = SimpleNamespace(name="torchscript", precision="float32", threads=2)
    startup_ms = MappingProxyType({"total": 1.0})
    manifest = Manifest(
        labels=("Ada Lovelace",),
        geometry=Geometry(),
        threshold=0.51239,
        temperature=1.5,
        calibration={"measured_on": "LFW"},
        metrics={
            "held_out": {
                "faces": 81,
                "name_right": 1.0,
                "recognised": 0.98,
                "expected_calibration_error": 0.01,
            },
            "false_accept_rate": 0.01,
        },
        training={"recipe": {"input_size": 160}, "pretrained": {"name": "casia-webface", "sha256": "c" * 64}},
        libraries={},
        files={},
        version=version,
    )

    space = "casia-webface-0123456789ab"

    def __init__(self):
        self.photos = []
        self.faces = 1
        self.error = None
        person = Person(ZOE, "Zoë Ünal", "2026-11-01T12:00:00+00:00", "2026-11-01T12:00:00+00:00", 1)
        roster = Roster(self.space, people=(person,)).with_photos(ZOE, crowd(2)[1:], [0.9])
        self.know(roster.numbered(1))

    @property
    def people(self):
        return self.known.names

    def know(self, roster):
        self.known = KnownPeople.of(self.manifest, Gallery.plain(crowd(1), np.zeros(1, np.int64)), roster)

    def recognize(self, data):
        self._see(data)
        predictions = (
            Prediction("Ada Lovelace", 0.99801234, enrolled=False, id=ADA),
            Prediction("Zoë Ünal", 0.00198766, enrolled=True, id=ZOE),
        )
        face = Face(
            BOX,
            APPEARANCE,
            "Ada Lovelace",
            0.99801234,
            0.8312345,
            known=True,
            score=1.5,
            enrolled=False,
            id=ADA,
            predictions=predictions,
        )
        timing = {"decode": 8.123, "detect": 31.0, "align": 1.2, "recognize": 62.5, "total": 103.04}
        return Recognition((face,), 64, 48, self.version, timing, roster=self.known.version)

    def detect(self, data):
        self._see(data)
        timing = {"decode": 8.123, "detect": 31.0, "align": 1.2, "total": 40.3}
        return Detection((BOX,), (APPEARANCE,), 64, 48, self.version, timing)

    def align(self, data):
        self._see(data)
        return np.full((3, 32, 32, 3), [[[[50]]], [[[200]]], [[[125]]]], dtype=np.uint8)

    def find(self, data):
        self._see(data)
        return Found(None, (BOX,) * self.faces, None)

    def embed(self, found, number=None):
        count = len(found.boxes) if number is None else 1
        timing = {"decode": 8.123, "detect": 31.0, "align": 1.2, "embed": 62.5, "total": 103.04}
        detection = Detection((BOX,) * count, (APPEARANCE,) * count, 64, 48, self.version, timing)
        return Embedding(detection, np.full((count, 512), 1 / 512**0.5, np.float32))

    def verify(self, first, second):
        return Verification(same=True, similarity=0.7123, score=0.3123, threshold=0.066066, false_accept_rate=0.001)

    def _see(self, data):
        self.photos.append(data)
        if self.error:
            raise self.error


@pytest.fixture(scope="session")
def telemetry():
    """The telemetry that the handlers of all tests use."""
    return Telemetry()


@pytest.fixture(scope="session")
def serve(telemetry):
    """Make a Lambda handler for any model, as handler.py makes the real one."""
    handler = importlib.import_module("handler")

    def serve(load, clock=time.monotonic, uploads=None, guard=None):
        model = ModelLoader(load, clock)
        return handler.create_handler(create_app(model, telemetry, uploads, guard), model, telemetry)

    return serve


@pytest.fixture
def recognizer():
    return FakeRecognizer()


@pytest.fixture(params=VERSIONS)
def client(request, serve, recognizer):
    """A client of each payload version; the model is a fake."""
    return Client(serve(lambda: recognizer), request.param)


@pytest.fixture(params=VERSIONS)
def owner(request, serve, recognizer, telemetry):
    """A client who may send every request, because API Gateway checks who sends it; the model is a fake."""
    guard = guard_for(AccessSettings(auth="iam"), telemetry.keys_unavailable)
    return Client(serve(lambda: recognizer, guard=guard), request.param)


@pytest.fixture(params=SENDERS)
def sender(request, serve, recognizer):
    """A client of everything that sends requests; the model is a fake."""
    return Client(serve(lambda: recognizer), request.param)


@pytest.fixture(params=VERSIONS)
def real(request, lambda_handler):
    """A client of each payload version; handler, model and all are real."""
    return Client(lambda_handler, request.param)


@pytest.fixture
def http_api(lambda_handler):
    """A client of the API that the stack deploys; handler, model and all are real."""
    return Client(lambda_handler, "2.0")


@pytest.fixture(scope="session")
def lambda_handler(bundle, serve):
    """A handler like that of handler.py, with the sample people's bundle."""
    return serve(partial(load_from_settings, Settings.read({"VISAGE_MODEL": str(bundle)})))


@pytest.fixture
def lines(telemetry):
    """The log, line by line, as it stands after the requests of a test."""
    stream = io.StringIO()
    handler = telemetry.logger.logger_handler
    before = handler.setStream(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    handler.setStream(before)


@pytest.fixture(scope="session")
def photo():
    """A small JPEG, without a face."""
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def context():
    """Lambda's context object of an invocation."""
    return CONTEXT
