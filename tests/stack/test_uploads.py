"""Uploads over real connections to the local AWS: every way in which HTTP transfers a body."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from deploy.local import direct
from scripts import samples as sample_photos

LIMIT_S = 30
"""More than this counts as a hang, for each read and write."""


@pytest.fixture
def talk(stack):
    """Open a connection to the API, send a request in pieces, and return the status and the JSON of the answer."""

    def talk(head, *pieces, version="1.1", wait_for=b""):
        address, host = direct(f"{stack.api}/recognize")
        url = urlsplit(address)
        lines = [f"POST {url.path} HTTP/{version}", f"Host: {host.get('Host', url.netloc)}", "Connection: close", *head]
        with socket.create_connection((url.hostname, url.port), timeout=LIMIT_S) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            if wait_for:
                assert connection.recv(1024).startswith(wait_for)
            for piece in pieces:
                connection.sendall(piece)
            return _answer(connection)

    return talk


@pytest.fixture(scope="module")
def portrait(samples):
    """A photo of Barack Obama that training never saw."""
    return (samples / sample_photos.UNSEEN).read_bytes()


def _answer(connection):
    """Read until the server closes the connection. What it says before the answer (100 Continue) is left out."""
    received = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    if head.split()[1] == b"100":
        head, _, body = body.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head.lower():
        body = _unchunked(body)
    return int(head.split()[1]), json.loads(body)


def _unchunked(body):
    size, _, rest = body.partition(b"\r\n")
    length = int(size, 16)
    return rest[:length] + _unchunked(rest[length + 2 :]) if length else b""


def _chunks(body, size=10_000):
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def _is_obama(answer):
    status, body = answer
    return status == 200 and body["label"] == "Barack Obama"


def test_a_body_with_a_length_is_read(talk, portrait):
    assert _is_obama(talk(["Content-Type: image/jpeg", f"Content-Length: {len(portrait)}"], portrait))


def test_a_body_in_chunks_is_read(talk, portrait):
    assert _is_obama(talk(["Content-Type: image/jpeg", "Transfer-Encoding: chunked"], *_chunks(portrait)))


def test_a_form_in_chunks_is_read(talk, portrait):
    form = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\n%s\r\n--b--\r\n' % portrait
    head = ["Content-Type: multipart/form-data; boundary=b", "Transfer-Encoding: chunked"]
    assert _is_obama(talk(head, *_chunks(form)))


def test_a_client_that_waits_for_100_continue_gets_it(talk, portrait):
    head = ["Content-Type: image/jpeg", f"Content-Length: {len(portrait)}", "Expect: 100-continue"]
    assert _is_obama(talk(head, portrait, wait_for=b"HTTP/1.1 100"))


def test_a_client_that_does_not_wait_for_100_continue_is_answered(talk, portrait):
    head = ["Content-Type: image/jpeg", f"Content-Length: {len(portrait)}", "Expect: 100-continue"]
    assert _is_obama(talk(head, portrait))


def test_a_client_of_http_1_0_is_answered(talk, portrait):
    head = ["Content-Type: image/jpeg", f"Content-Length: {len(portrait)}"]
    assert _is_obama(talk(head, portrait, version="1.0"))


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_request_without_length_and_chunks_has_no_body(talk, version):
    status, body = talk(["Content-Type: image/jpeg"], version=version)
    assert (status, body["type"]) == (400, "urn:visage:problem:image-missing")


def test_a_photo_without_a_content_type_is_recognised(talk, portrait):
    assert _is_obama(talk([f"Content-Length: {len(portrait)}"], portrait))
