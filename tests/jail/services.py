"""What a function talks to, on one loopback port: Lambda's Runtime API, the endpoint of its credentials, and S3.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html,
https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

import json
import logging
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, request
from werkzeug.serving import BaseWSGIServer, make_server

LOCATION = "bucket/models/0123456789ab"
"""Bucket and prefix of the bundle."""

KEYS = "bucket/access/keys.json"
"""Bucket and key of the object with the keys of the API."""

ROSTER = "bucket/roster/space/roster.npz"
"""Bucket and key of the object with the roster."""

ACCESS_KEY = "AKIDJAIL"
TOKEN = "token-of-the-container"  # noqa: S105  # the tests' own
MAX_PAYLOAD = 6_291_556
"""Bytes of an event, and of an answer: what AWS names in the error that it gives for more."""

TIMEOUT_SECONDS = 29
"""How long an answer may take, as in serverless.yml."""


@dataclass
class Services:
    """Plays AWS for one function. A test sends an event and receives the answer."""

    objects: Path
    """The folder that S3 serves: its files are the objects at `LOCATION`."""
    keys: bytes = b""
    """The object at `KEYS`; empty if there is none."""
    roster: bytes = b""
    """The object at `ROSTER`; empty if there is none."""
    read_rosters: int = 0
    """How many times the roster was asked for."""
    port: int = 0
    ready: threading.Event = field(default_factory=threading.Event)
    """Set while the function asks for an event: it has initialised, and is idle."""
    snapshot: threading.Event = field(default_factory=threading.Event)
    """Set when the function waits for its snapshot to be taken."""
    restored: threading.Event = field(default_factory=threading.Event)
    """Set by a test: the function goes on, as after its snapshot was restored."""
    failures: list[str] = field(default_factory=list)
    """What the function reported as errors of its own."""
    asked_for_credentials: int = 0
    _events: "queue.Queue[bytes | None]" = field(default_factory=queue.Queue)
    _answers: "queue.Queue[bytes]" = field(default_factory=queue.Queue)

    def send(self, event: Any) -> None:
        """Send an event to the function."""
        sent = json.dumps(event).encode()
        assert len(sent) <= MAX_PAYLOAD
        self._events.put(sent)

    def receive(self, seconds: float) -> Any:
        """Return the function's answer, or None if there is none yet after so many seconds."""
        with suppress(queue.Empty):
            answer = self._answers.get(timeout=seconds)
            assert len(answer) <= MAX_PAYLOAD
            return json.loads(answer)
        return None

    def app(self) -> Flask:
        """Return the routes."""
        app = Flask("jail")
        runtime = "/2018-06-01/runtime"
        app.add_url_rule(f"{runtime}/invocation/next", view_func=self._next)
        app.add_url_rule(f"{runtime}/invocation/<_>/response", view_func=self._response, methods=["POST"])
        app.add_url_rule(f"{runtime}/restore/next", view_func=self._restore)
        for name in ("invocation/<_>/error", "init/error", "restore/error"):
            app.add_url_rule(f"{runtime}/{name}", name, view_func=self._error, methods=["POST"])
        app.add_url_rule("/credentials", view_func=self._credentials)
        app.add_url_rule(f"/{LOCATION}/<key>", view_func=self._object)
        app.add_url_rule(f"/{KEYS}", view_func=self._keys)
        app.add_url_rule(f"/{ROSTER}", view_func=self._read_roster)
        app.add_url_rule(f"/{ROSTER}", view_func=self._write_roster, methods=["PUT"])
        return app

    def end(self) -> None:
        """Let the requests end that wait for a test."""
        self.restored.set()
        self._events.put(None)

    def _next(self) -> Response:
        self.ready.set()
        event = self._events.get()
        self.ready.clear()
        if event is None:
            abort(410)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            "Lambda-Runtime-Deadline-Ms": str(int(1000 * (time.time() + TIMEOUT_SECONDS))),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:visage",
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
        }
        return Response(event, headers=headers, content_type="application/json")

    def _response(self, _: str) -> Response:
        self._answers.put(request.get_data())
        return Response("{}", 202)

    def _error(self, _: str = "") -> Response:
        self.failures.append(request.get_data(as_text=True))
        if "/invocation/" in request.path:
            self._answers.put(request.get_data())
        return Response("{}", 202)

    def _restore(self) -> Response:
        self.snapshot.set()
        self.restored.wait()
        return Response(status=200)

    def _credentials(self) -> dict[str, str]:
        """Give a function that starts from a snapshot its credentials, which its environment does not hold."""
        self.asked_for_credentials += 1
        if request.headers.get("Authorization") != TOKEN:
            abort(403)
        keys = {"AccessKeyId": ACCESS_KEY, "SecretAccessKey": "secret", "Token": "session"}
        return {**keys, "Expiration": "2099-01-01T00:00:00Z"}

    def _object(self, key: str) -> Response:
        """Serve an object to the function's role; as AWS does, hide from it whether another one exists."""
        file = self.objects / key
        content = file.read_bytes() if file.is_file() else b""
        return _visible(content).make_conditional(request, accept_ranges=True, complete_length=len(content))

    def _keys(self) -> Response:
        return _versioned(self.keys)

    def _read_roster(self) -> Response:
        self.read_rosters += 1
        return _versioned(self.roster)

    def _write_roster(self) -> Response:
        if request.headers.get("If-Match") != _versioned(self.roster).headers["ETag"]:
            abort(412)
        self.roster = _content()
        return Response(headers={"ETag": _versioned(self.roster).headers["ETag"]})


def _versioned(content: bytes) -> Response:
    """Return an object's content with its ETag; nothing if the request has that version."""
    answer = _visible(content)
    answer.add_etag()
    return answer.make_conditional(request)


def _content() -> bytes:
    """Return the body of a PUT, which boto3 may send in chunks with their sizes and a checksum (aws-chunked)."""
    body = request.get_data()
    if request.headers.get("Content-Encoding") != "aws-chunked":
        return body
    content = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        content, body = content + body[:length], body[length + 2 :] if length else b""
    return content


def _visible(content: bytes) -> Response:
    """Return an object's content to the function's role; to others, and without an object, the access is denied."""
    if not content or f"Credential={ACCESS_KEY}/" not in request.headers.get("Authorization", ""):
        abort(403)
    return Response(content)


@contextmanager
def serving(objects: Path) -> Iterator[Services]:
    """Serve the files in `objects` and Lambda's Runtime API until the block ends."""
    services = Services(objects)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server: BaseWSGIServer = make_server("127.0.0.1", 0, services.app(), threaded=True)
    server.daemon_threads = False  # type: ignore[attr-defined]  # so that closing waits for every request to end
    services.port = server.port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield services
    finally:
        services.end()
        server.shutdown()
        thread.join()
        server.server_close()
