"""An API in whose roster people come and go; photos are texts that name their faces."""

import importlib
import json
import secrets
from dataclasses import replace
from datetime import date
from hashlib import sha256
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pytest
from urllib3 import encode_multipart_formdata

from api import create_app
from api.access import Guard, Keyring, Rates
from api.loading import ModelLoader
from model.enrolment import Seen
from model.errors import UploadMissingError
from model.gallery import Gallery
from model.keys import Keys
from model.recognizer import Recognizer
from model.rosters import Rosters
from model.settings import AccessSettings, Settings
from model.shared_file import SharedFile
from model.storage import Content
from model.uploads import Uploads
from preprocess.detect import Box
from preprocess.errors import NoFaceError, UnsupportedFormatError
from tests.gateway import APPEARANCE, Client, FakeRecognizer

TRAINED = "Ada Lovelace"
OPEN = AccessSettings()


class Files(Uploads):
    """Uploads in memory."""

    def __init__(self):
        self.files = {}

    def put(self, content):
        key = secrets.token_hex()
        self.files[key] = content
        return key

    def take(self, key):
        if key not in self.files:
            raise UploadMissingError
        return self.files.pop(key)


def vector(text):
    """Return the (512,) unit vector that stands for a text."""
    values = np.random.default_rng(int(sha256(text.encode()).hexdigest()[:8], 16)).standard_normal(512)
    return (values / np.linalg.norm(values)).astype(np.float32)


def embedding(face):
    """Return the embedding of a face "ann 1": near to all of Ann's, and different from each."""
    person = face.split()[0]
    mixed = vector(person) + np.float32(0.5) * vector(face)
    return mixed / np.linalg.norm(mixed)


class Faces(Recognizer):
    """A recognizer whose photos are texts that name their faces: "ann 1, bob 2"."""

    engine = SimpleNamespace(name="onnx", precision="int8", threads=1)
    startup_ms = MappingProxyType({})

    def __init__(self):
        gallery = Gallery.plain(np.stack([embedding("ada 0")]), np.zeros(1, np.int64))
        manifest = replace(
            FakeRecognizer.manifest, labels=(TRAINED,), calibration={"measured_on": None, "false_accept_rate": 0.01}
        )
        super().__init__(manifest, gallery, None, None, self.engine)

    def see(self, data, number=None):
        text = data.decode()
        if text == "empty room":
            raise NoFaceError("No face was found in the photo.")
        if text == "rubbish":
            raise UnsupportedFormatError("This is not a photo.")
        faces = text.split(", ")
        chips = np.full((len(faces), 32, 32, 3), 90, np.uint8)
        boxes = tuple(Box(10 * at, 0, 10 * at + 8, 8, score=0.9) for at in range(len(faces)))
        return Seen(boxes, (APPEARANCE,) * len(faces), np.stack(list(map(embedding, faces))), chips, 640, 480)

    def who(self, face):
        """Return the name of a face, by everybody who is known now; None if it is nobody."""
        judged = self.known.judge(embedding(face)[None], np.zeros((1, 1), np.float32))
        best = int(judged.probabilities[0].argmax())
        return self.known.names[best] if judged.scores[0, best] >= self.manifest.threshold else None


class Failing:
    """A file with a roster that can be made to fail."""

    def __init__(self, path):
        self.file, self.error = SharedFile(path), None

    def _check(self):
        if self.error:
            raise self.error

    def read(self):
        self._check()
        return self.file.read()

    def newer(self, known):
        self._check()
        return self.file.newer(known)

    def sibling(self, name):
        return self.file.sibling(name)

    def link(self):
        return self.file.link()

    def replace(self, body, seen=""):
        self._check()
        return self.file.replace(body, seen)


class Service:
    """An API in whose file of a roster people come and go, and a client of it."""

    def __init__(self, path, telemetry, access=OPEN):
        self.model = Faces()
        self.path = path
        settings = Settings.read({"VISAGE_ROSTER": str(path)})
        self.rosters = Rosters(settings, telemetry.roster_unavailable)
        self.shared = Failing(path)
        self.rosters._watch(self.model)
        self.rosters._storage._connect = lambda: self.shared
        keys, _, owner = Keys("dev").created("owner", ["people"], date(2026, 11, 26))
        keys, _, visitor = keys.created("visitor", ["recognize"], date(2026, 11, 26))
        keys, _, both = keys.created("both", ["recognize", "people"], date(2026, 11, 26))
        self.key, self.visitors_key, self.both_key = owner, visitor, both
        keyring = Keyring(access, telemetry.keys_unavailable, lambda _: Content(keys.to_json(), '"1"'))
        self.uploads = Files()
        guard = Guard(access, keyring, Rates())
        self.app = create_app(ModelLoader(lambda: self.model), telemetry, self.uploads, guard, self.rosters)
        create_handler = importlib.import_module("handler").create_handler
        self.client = Client(create_handler(self.app, ModelLoader(lambda: self.model), telemetry), "2.0")

    def send(self, method, path, body=None, headers=(), key=None):
        given = {"authorization": f"Bearer {key or self.key}", **dict(headers)}
        return self.client.send(method, path, body, given)

    def get(self, path, **headers):
        return self.send("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path, *photos, headers=(), **fields):
        parts = [
            (name, value)
            for name, values in fields.items()
            for value in ([values] if isinstance(values, str) else values)
        ]
        parts += [("image", ("photo.jpg", photo.encode(), "image/jpeg")) for photo in photos]
        body, content_type = encode_multipart_formdata(parts)
        return self.send("POST", path, body, {"content-type": content_type, **dict(headers)})

    def send_json(self, method, path, value, **headers):
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.send(method, path, json.dumps(value).encode(), {"content-type": "application/json", **given})

    def add(self, name, *photos, **options):
        answer = self.post("/people", *photos, name=name, **options)
        assert answer.status == 201, answer.body
        return answer.json["person"]["id"]

    def names(self):
        return [person["name"] for person in self.get("/people").json["people"]]


@pytest.fixture
def service(tmp_path, telemetry, monkeypatch):
    monkeypatch.setattr("api.access.today", lambda: date(2026, 11, 26))
    return Service(tmp_path / "bundle.roster.npz", telemetry)
