"""Fakes for the browser tests: photos, answers, and a server of the website that keeps the photos it receives."""

import io
import json
import sys
import threading
from collections.abc import Callable
from email import message_from_bytes
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Page, Route

SITE = Path(__file__).parents[2] / "site"
API = "https://api.visage.test"
PHOTO_SIZE = (800, 600)

LABELS = {
    "labels": ["Grace Hopper", "Ada Lovelace"],
    "people": [{"label": "Grace Hopper", "enrolled": True}, {"label": "Ada Lovelace", "enrolled": False}],
    "threshold": 0.51,
    "measured": {
        "held_out": {"faces": 81, "name_right": 1.0, "recognised": 0.9753, "expected_calibration_error": 0.01},
        "false_accept_rate": 0.01,
    },
    "model": {"version": "3f9c2a7b10de"},
}

REFUSE_CAMERA = """() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "NotAllowedError"));
}"""
"""A script for a page whose visitor does not let it use the camera."""


class Server(ThreadingHTTPServer):
    """A server for pages that are closed whenever a test ends: a connection that was left is no error."""

    daemon_threads = False  # so that closing the server waits for the threads of all connections

    def __init__(self, handler: Callable[..., BaseHTTPRequestHandler]):
        super().__init__(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.insecure_address = f"http://visage.test:{self.server_port}"

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class SiteServer(Server):
    """Serves the website and a fake API, and keeps the photos that it receives."""

    def __init__(self):
        super().__init__(partial(Handler, directory=str(SITE)))
        self.answering = threading.Event()
        self.reset()

    def reset(self) -> None:
        """Forget all photos, and answer every one at once with Ada Lovelace. A test may answer with a `problem`."""
        self.photos: list[bytes] = []
        self.recognize = lambda _: recognition(face())
        self.answering.set()


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/labels":
            self._answer(LABELS)
        elif self.path == "/config.json":
            self._answer({"api": f"http://{self.headers['Host']}"})
        else:
            super().do_GET()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n"
        message = message_from_bytes(head.encode() + body)
        (photo,) = [part.get_payload(decode=True) for part in message.get_payload()]
        self.server.photos.append(photo)
        self.server.answering.wait()
        answer = self.server.recognize(photo)
        self._answer(*(answer if isinstance(answer, tuple) else (answer,)))

    def _answer(self, body: dict, status: int = 200):
        answer = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Write no log."""


def reply(route: Route, body: dict | str, status: int = 200, headers: dict | None = None) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    cors = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "X-Request-Id, Retry-After"}
    route.fulfill(status=status, body=text, headers={**cors, **(headers or {})})


def problem(name: str, status: int, detail: str = "Exactly what went wrong.") -> tuple[dict, int]:
    body = {"type": f"urn:visage:problem:{name}", "title": "A problem", "status": status, "detail": detail}
    return {**body, "request_id": "6f0c"}, status


def drawn_photo(size: tuple[int, int] = PHOTO_SIZE) -> bytes:
    """Return a JPEG that the browser can show. It has no real face."""
    image = Image.new("RGB", size, "#88aacc")
    ImageDraw.Draw(image).ellipse((200, 100, 360, 300), fill="#ddaa88")
    return jpeg(image)


def jpeg(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def face(
    label: str | None = "Ada Lovelace",
    box: tuple[int, int, int, int] = (200, 100, 160, 200),
    advice: tuple[str, ...] = (),
) -> dict:
    """Return a face as the API does. Without a label it is a stranger, whose likeliest person is still Ada."""
    likeliest = [(label or "Ada Lovelace", 0.983), ("Grace Hopper", 0.012), ("Joan Clarke", 0.003)]
    return {
        "box": dict(zip(("left", "top", "width", "height"), box, strict=True)),
        "detection_score": 0.91,
        "advice": list(advice),
        "label": label,
        "probability": 0.983,
        "similarity": 0.8 if label else 0.2,
        "known": label is not None,
        "enrolled": False,
        "predictions": [{"label": name, "probability": share, "enrolled": False} for name, share in likeliest],
    }


def recognition(*faces: dict, size: tuple[int, int] = PHOTO_SIZE) -> dict:
    return {
        "label": faces[0]["label"],
        "probability": faces[0]["probability"],
        "known": faces[0]["known"],
        "enrolled": False,
        "faces": list(faces),
        "image": {"width": size[0], "height": size[1], "complete": True, "rotation": 0},
        "model": {"version": "3f9c2a7b10de"},
        "timing_ms": {"decode": 8.1, "detect": 31.0, "align": 1.2, "recognize": 62.5, "total": 103.0},
    }


def wait_for_kept(page: Page, count: int, part: str = "picture") -> None:
    """Wait until the tab keeps this part of so many photos: small pictures are made after the answers are shown."""
    script = '(part) => Object.values(sessionStorage).filter((text) => text.includes(`"${part}":`)).length'
    for _ in range(200):
        if page.evaluate(script, part) == count:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"The tab keeps {page.evaluate(script, part)} photos, not {count}.")
