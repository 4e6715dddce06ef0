"""A download continues where it stopped, and is accepted only with the right SHA-256."""

import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from training.download import ChecksumError, DownloadError, UnreachableError, download

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Files(BaseHTTPRequestHandler):
    """Serves CONTENT: /file supports ranges, /whole ignores them, /torn disconnects half-way."""

    def do_GET(self):
        self.server.ranges.append(self.headers["Range"])
        start = int((self.headers["Range"] or "bytes=0-")[6:-1])
        if self.path == "/file" and start >= len(CONTENT):
            self.answer(416)
        elif self.path == "/file" and start:
            self.answer(206, CONTENT[start:])
        elif self.path in {"/file", "/whole"}:
            self.answer(200, CONTENT)
        elif self.path == "/torn":
            self.answer(200, CONTENT[: len(CONTENT) // 2], len(CONTENT))
        else:
            self.answer(404)

    def answer(self, status, body=b"", length=None):
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        server.ranges = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


@pytest.fixture
def closed_port(monkeypatch):
    """The address of a port on which no server listens."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def silent(*_):
    pass


def test_a_file_is_downloaded_completely_and_progress_is_reported(server, tmp_path):
    told = []
    path = download(f"{server.url}/file", tmp_path / "new" / "a", SHA256, lambda *what: told.append(what))
    assert path.read_bytes() == CONTENT
    assert told[-1] == ("a", len(CONTENT), len(CONTENT))


def test_an_existing_file_is_not_downloaded(server, tmp_path):
    (tmp_path / "a").write_bytes(b"mine")
    assert download(f"{server.url}/file", tmp_path / "a", SHA256, silent).read_bytes() == b"mine"
    assert server.ranges == []


@pytest.mark.parametrize("have", [1000, len(CONTENT)])
def test_only_what_is_missing_is_fetched(server, tmp_path, have):
    (tmp_path / "a.part").write_bytes(CONTENT[:have])
    assert download(f"{server.url}/file", tmp_path / "a", SHA256, silent).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={have}-"]


def test_a_server_without_range_requests_sends_the_whole_file_again(server, tmp_path):
    (tmp_path / "a.part").write_bytes(CONTENT[:1000])
    assert download(f"{server.url}/whole", tmp_path / "a", SHA256, silent).read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing(server, tmp_path):
    with pytest.raises(ChecksumError):
        download(f"{server.url}/file", tmp_path / "a", "0" * 64, silent)
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_host_is_told(server, tmp_path):
    with pytest.raises(DownloadError, match="404"):
        download(f"{server.url}/nothing", tmp_path / "a", SHA256, silent)


def test_bytes_received_before_a_disconnect_are_kept_for_the_next_attempt(server, tmp_path):
    with pytest.raises(DownloadError):
        download(f"{server.url}/torn", tmp_path / "a", SHA256, silent)
    assert download(f"{server.url}/file", tmp_path / "a", SHA256, silent).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={1 << 18}-"]  # the one chunk that came whole


def test_a_host_that_hangs_up_is_unreachable(server, tmp_path):
    with pytest.raises(UnreachableError):
        download(f"{server.url}/torn", tmp_path / "a", SHA256, silent)


def test_a_host_that_does_not_answer_is_unreachable(closed_port, tmp_path):
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1"):
        download(f"{closed_port}/file", tmp_path / "a", SHA256, silent)


def test_an_address_may_be_a_file_of_this_machine(tmp_path):
    source = tmp_path / "with space"
    source.write_bytes(CONTENT)
    assert download(source.as_uri(), tmp_path / "a", SHA256, silent).read_bytes() == CONTENT


def test_a_missing_local_file_is_a_download_error(tmp_path):
    with pytest.raises(DownloadError):
        download((tmp_path / "gone").as_uri(), tmp_path / "a", SHA256, silent)
