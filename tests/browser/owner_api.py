"""A fake of the API's routes for people, and the website beside it. A photo's size says whose faces are in it."""

import io
import itertools
import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from functools import partial
from http.server import SimpleHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from PIL import Image

from tests.browser.fakes import LABELS, SITE, Server, face, jpeg, problem, recognition

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "visage_dev_owner"
REFUSED = {
    "visage_dev_revoked": problem("key-revoked", 401),
    "visage_dev_over": problem("key-over", 401),
    "visage_dev_visitor": problem("key-scope", 403),
}

GRACE = ((640, 400), (640, 410), (640, 420))
"""Sizes of photos of one face, Grace's. The other sizes are in FACES, too."""

JOAN, TWO, NOBODY, DARK = (500, 500), (900, 600), (512, 512), (630, 630)

FACES: dict[tuple[int, int], tuple[str, ...]] = {
    **dict.fromkeys(GRACE, ("grace",)),
    JOAN: ("joan",),
    TWO: ("grace", "joan"),
    NOBODY: (),
    DARK: ("grace",),
    (800, 600): (),
    (275, 450): ("joan",),
}


def photo(size: tuple[int, int]) -> bytes:
    return jpeg(Image.linear_gradient("L").resize(size).convert("RGB"))


@dataclass
class Person:
    name: str
    id: str
    faces: list[str] = field(default_factory=list)
    not_faces: list[str] = field(default_factory=list)
    trained: bool = False
    version: int = 1

    def described(self) -> dict[str, Any]:
        count = len(self.faces)
        return {
            "id": self.id,
            "name": self.name,
            "trained": self.trained,
            "photos": count,
            "near_misses": len(self.not_faces),
            "quality": None if self.trained else min(1, count / 4),
            "advice": ["one_photo"] if count == 1 and not self.trained else [],
            "lookalikes": [],
            "thumbnail": bool(count),
            "created": None if self.trained else "2026-11-26T17:00:00Z",
            "changed": None if self.trained else "2026-11-26T17:00:00Z",
        }


Answer = tuple[dict[str, Any] | bytes, int]


class OwnerServer(Server):
    """Serves the website and the fake API. A test may let paths fail, or change the people."""

    def __init__(self) -> None:
        super().__init__(partial(Handler, directory=str(SITE)))
        self.reset()

    def reset(self) -> None:
        """Start with Ada, whom the network was trained on."""
        self.people: dict[str, Person] = {}
        self.numbers = itertools.count(1)
        self.version = 1
        self.supported = 1600
        self.failing: dict[str, Answer] = {}
        self.answers: dict[str, Answer] = {}
        self.requests: list[tuple[str, str]] = []
        self.unlike: set[str] = set()
        self.revoked = False
        self.add("Ada Lovelace", trained=True)

    def add(self, name: str, faces: tuple[str, ...] = (), *, trained: bool = False) -> Person:
        identifier = f"person{next(self.numbers):06d}"
        self.people[identifier] = Person(name, identifier, list(faces), trained=trained)
        return self.people[identifier]

    def named(self, name: str) -> Person:
        (found,) = [person for person in self.people.values() if person.name == name]
        return found

    @contextmanager
    def running(self):
        thread = threading.Thread(target=self.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            thread.join()

    def recognized(self, body: bytes) -> Answer:
        with Image.open(io.BytesIO(body)) as opened:
            size = opened.size
        if not FACES[size]:
            return problem("no-face", 422)
        return recognition(*(self._face(*each) for each in enumerate(FACES[size])), size=size), 200

    def _face(self, index: int, identity: str) -> dict[str, Any]:
        known = [each for each in self.people.values() if identity in each.faces and identity not in each.not_faces]
        found = face(known[0].name if known else None, (60 + 400 * index, 80, 200, 240))
        ids = {person.name: person.id for person in self.people.values()}
        found["id"] = known[0].id if known else None
        for each in found["predictions"]:
            each["id"] = ids.get(each["label"])
        return found

    def detected(self, body: bytes) -> Answer:
        answer, status = self.recognized(body)
        with Image.open(io.BytesIO(body)) as opened:
            advice = ["too_dark"] if opened.size == DARK else []
        for each in answer.get("faces", ()):
            each["advice"] = advice
        return answer, status

    def listed(self, name: str = "", after: str = "", limit: str = "100") -> Answer:
        found = [person for person in self.people.values() if name.casefold() in person.name.casefold()]
        left = [person for person in found if person.id > after]
        page = left[: int(limit)]
        roster = {"version": self.version, "space": "fake", "supported": self.supported, "thumbnails": True}
        following = page[-1].id if len(left) > len(page) else None
        described = [person.described() for person in page]
        return {"people": described, "next": following, "count": len(found), "roster": roster}, 200

    def created(self, parts: list[tuple[str, bytes]]) -> Answer:
        name = dict(parts)["name"].decode()
        if "/" in name:
            return problem("bad-name", 400)
        for person in self.people.values():
            if person.name.casefold() == name.casefold():
                refusal, status = problem("name-taken", 409)
                return {**refusal, "id": person.id}, status
        person = Person(name, "")
        answer, status = self._take(person, parts, 201)
        if status == 201:
            person.id = answer["person"]["id"] = f"person{next(self.numbers):06d}"
            self.people[person.id] = person
        return answer, status

    def extended(self, person: Person, parts: list[tuple[str, bytes]]) -> Answer:
        return self._take(person, parts, 200)

    def missed(self, person: Person, parts: list[tuple[str, bytes]]) -> Answer:
        results, identities = self._results(parts)
        person.not_faces += identities
        return self._added(person, results), 200

    def forgiven(self, person: Person) -> Answer:
        person.not_faces.clear()
        return person.described(), 200

    def changed(self, person: Person, name: str) -> Answer:
        person.name, person.version = name, person.version + 1
        return person.described(), 200

    def removed(self, person: Person) -> Answer:
        del self.people[person.id]
        return {"id": person.id, "name": person.name, "gone_on": "2026-12-26", "roster": {"version": 2}}, 200

    def _take(self, person: Person, parts: list[tuple[str, bytes]], status: int) -> Answer:
        results, identities = self._results(parts)
        if not identities:
            refusal, code = problem("no-photo-used", 422)
            return {**refusal, "photos": results}, code
        person.faces += identities
        return self._added(person, results), status

    def _results(self, parts: list[tuple[str, bytes]]) -> tuple[list[dict[str, Any]], list[str]]:
        photos = [body for name, body in parts if name == "image"]
        faces = [body.decode() for name, body in parts if name == "face"] or [""] * len(photos)
        results, identities = [], []
        for number, (body, chosen) in enumerate(zip(photos, faces, strict=True), 1):
            with Image.open(io.BytesIO(body)) as opened:
                found = FACES[opened.size]
            name = self._problem(found, chosen)
            used = found[int(chosen or 1) - 1] if name is None else None
            if used:
                identities.append(used)
            told = {"type": f"urn:visage:problem:{name}", "title": "A problem", "detail": "What is wrong."}
            results.append(
                {
                    "photo": number,
                    "used": name is None,
                    "face": int(chosen or 1) if name is None else None,
                    "advice": [],
                    "problem": told if name else None,
                }
            )
        return results, identities

    def _problem(self, found: tuple[str, ...], chosen: str) -> str | None:
        if not found:
            return "no-face"
        if not chosen and len(found) > 1:
            return "several-faces"
        return "unlike-others" if not chosen and found[0] in self.unlike else None

    @staticmethod
    def _added(person: Person, results: list[dict[str, Any]]) -> dict[str, Any]:
        described = person.described()
        return {"person": described, "photos": results, "lookalikes": [], "remarks": [], "roster": {"version": 2}}


class Handler(SimpleHTTPRequestHandler):
    server: OwnerServer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/people") or path == "/labels":
            self._answer(self._found())
        elif path == "/config.json":
            self._answer(({"api": f"http://{self.headers['Host']}"}, 200))
        else:
            super().do_GET()

    def do_POST(self) -> None:
        self._answer(self._found())

    def do_PATCH(self) -> None:
        self._answer(self._found())

    def do_DELETE(self) -> None:
        self._answer(self._found())

    def _found(self) -> Answer:
        method, path, server = self.command, urlsplit(self.path).path, self.server
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        server.requests.append((method, path))
        for pattern, answer in server.failing.items():
            if re.fullmatch(pattern, f"{method} {path}"):
                return answer
        key = (self.headers["Authorization"] or "").removeprefix("Bearer ")
        if path.startswith("/people") and key != KEY:
            return REFUSED.get(key) or problem("key-unknown" if key else "key-missing", 401)
        if path.startswith("/people") and server.revoked:
            return problem("key-revoked", 401)
        repeated = self.headers["Idempotency-Key"]
        if repeated in server.answers:
            return server.answers[repeated]
        answer = self._route(method, path, body)
        if repeated and answer[1] < 400:
            server.answers[repeated] = answer
        return answer

    def _route(self, method: str, path: str, body: bytes) -> Answer:
        server = self.server
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        plain: dict[tuple[str, str], Callable[[], Answer]] = {
            ("GET", "/labels"): lambda: (LABELS, 200),
            ("POST", "/recognize"): lambda: server.recognized(dict(self._parts(body))["image"]),
            ("POST", "/detect"): lambda: server.detected(dict(self._parts(body))["image"]),
            ("GET", "/people"): lambda: server.listed(**query),
            ("POST", "/people"): lambda: server.created(self._parts(body)),
        }
        if (method, path) in plain:
            return plain[method, path]()
        _, _, identifier, *rest = map(unquote, path.split("/"))
        person = server.people.get(identifier)
        if person is None:
            return problem("unknown-person", 404)
        wanted = self.headers["If-Match"]
        if wanted and wanted != f'"{person.version}"':
            return problem("changed-meanwhile", 412)
        of_person: dict[tuple[str, ...], Callable[[], Answer]] = {
            ("GET",): lambda: (person.described(), 200),
            ("PATCH",): lambda: server.changed(person, json.loads(body)["name"]),
            ("DELETE",): lambda: server.removed(person),
            ("POST", "photos"): lambda: server.extended(person, self._parts(body)),
            ("POST", "near-misses"): lambda: server.missed(person, self._parts(body)),
            ("DELETE", "near-misses"): lambda: server.forgiven(person),
            ("GET", "thumbnail"): lambda: (photo((64, 64)), 200),
        }
        return of_person[(method, *rest)]()

    def _parts(self, body: bytes) -> list[tuple[str, bytes]]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n"
        parts = message_from_bytes(head.encode() + body).get_payload()
        return [
            (str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True)) for part in parts
        ]

    def _answer(self, answer: Answer) -> None:
        body, status = answer
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "image/jpeg" if isinstance(body, bytes) else "application/json")
        self.send_header("Content-Length", str(len(content)))
        person = self.server.people.get(body.get("id", "")) if isinstance(body, dict) else None
        if person:
            self.send_header("ETag", f'"{person.version}"')
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Write no log."""
