"""A server of the website as it is deployed: the same files, names and headers, and an API at another address."""

import re
import threading
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from deploy.website import Page
from tests.browser.fakes import Server


class Deployment(Server):
    """Serves the files of a deployment. A test can replace them, let some fail, or hold their answers back.

    `api` answers what CloudFront passes on to API Gateway: a function of method, path, headers and body that returns
    status, content type and body.
    """

    def __init__(self):
        super().__init__(Handler)
        self.deploy(())

    def deploy(self, pages: Iterable[Page]) -> None:
        """Serve these files, without failures, and forget what was requested."""
        self.pages = {page.key: page for page in pages}
        self.failing: dict[str, int] = {}
        self.held: set[str] = set()
        self.released = threading.Event()
        self.requested: list[str] = []
        self.api: Callable[..., tuple[int, str, bytes]] | None = None

    @contextmanager
    def running(self):
        thread = threading.Thread(target=self.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            self.shutdown()
            thread.join()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self._pass_on(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self):
        if self.path.startswith("/api/"):
            self._pass_on()
        else:
            self._send_file()

    def _send_file(self):
        key = self.path.partition("?")[0].removeprefix("/") or "index.html"
        self.server.requested.append(key)
        if key in self.server.held:
            self.server.released.wait()
        page = self.server.pages.get(key)
        status = self.server.failing.get(key, 200 if page else 403)  # as CloudFront answers without a file
        self.send_response(status)
        body = page.body if status == 200 else b"failed"
        if page:
            self.send_header("Content-Type", page.content_type)
            self.send_header("Cache-Control", page.cache_control)
        self.send_header("Content-Security-Policy", self._policy())
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _pass_on(self, body: bytes = b""):
        status, content_type, answer = self.server.api(self.command, self.path, self.headers, body)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _policy(self) -> str:
        """Return the policy of index.html with the directive that only a header may have, for every file."""
        index = self.server.pages["index.html"].body.decode()
        (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', index)
        assert "connect-src 'self' http" in policy
        return f"{policy}; frame-ancestors 'none'"

    def log_message(self, *_):
        """Write no log."""
