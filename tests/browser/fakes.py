"""What the browser tests make up: photos, answers, and a server of the website that keeps what it is sent."""

import io
import json
import threading
from email import message_from_bytes
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Route

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


class SiteServer(ThreadingHTTPServer):
    """Serves the website; takes uploads too, and keeps the photos it was sent."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(SITE)))
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.insecure_address = f"http://visage.test:{self.server_port}"
        self.photos: list[bytes] = []
        self.answering = threading.Event()
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
        self.server.photos += [part.get_payload(decode=True) for part in message.get_payload()]
        self.server.answering.wait(20)
        self._answer(recognition(face()))

    def _answer(self, body: dict):
        answer = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Tests are quiet."""


def reply(route: Route, body: dict | str, status: int = 200, headers: dict | None = None) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    cors = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "X-Request-Id, Retry-After"}
    route.fulfill(status=status, body=text, headers={**cors, **(headers or {})})


def problem(name: str, status: int, detail: str = "Exactly what went wrong.") -> tuple[dict, int]:
    body = {"type": f"urn:visage:problem:{name}", "title": "A problem", "status": status, "detail": detail}
    return {**body, "request_id": "6f0c"}, status


def drawn_photo(size: tuple[int, int] = PHOTO_SIZE) -> bytes:
    """A JPEG that the browser can show; the answers to it are made up."""
    image = Image.new("RGB", size, "#88aacc")
    ImageDraw.Draw(image).ellipse((200, 100, 360, 300), fill="#ddaa88")
    return jpeg(image)


def jpeg(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def face(label: str | None = "Ada Lovelace", box: tuple[int, int, int, int] = (200, 100, 160, 200)) -> dict:
    """A face as the API answers it; a stranger's likeliest person is Ada all the same."""
    likeliest = [(label or "Ada Lovelace", 0.983), ("Grace Hopper", 0.012), ("Joan Clarke", 0.003)]
    return {
        "box": dict(zip(("left", "top", "width", "height"), box, strict=True)),
        "detection_score": 1.7,
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
        "image": {"width": size[0], "height": size[1]},
        "model": {"version": "3f9c2a7b10de"},
        "timing_ms": {"decode": 8.1, "detect": 31.0, "align": 1.2, "recognize": 62.5, "total": 103.0},
    }
