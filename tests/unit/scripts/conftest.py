"""A fake API for the commands that ask a deployed one."""

import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from scripts import client


@pytest.fixture
def api():
    """A fake API that gives the listed answers in order, and keeps what it was sent."""

    class Api(BaseHTTPRequestHandler):
        answers: list = []  # noqa: RUF012  # there is one server at a time
        agents: list = []  # noqa: RUF012
        keys: list = []  # noqa: RUF012
        bodies: list = []  # noqa: RUF012

        def do_POST(self):
            self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.agents.append(self.headers["User-Agent"])
            self.keys.append(self.headers["Authorization"])
            status, body = self.answers.pop(0)
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        Api.url = f"http://127.0.0.1:{server.server_port}"
        yield Api
        server.shutdown()
        thread.join()


@pytest.fixture
def variable(monkeypatch):
    """Let the variable VISAGE_KEY have this value."""

    def variable(key):
        monkeypatch.setattr(client, "SETTINGS", replace(client.SETTINGS, key=key))

    return variable
