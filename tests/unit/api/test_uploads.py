"""Every way in which a client may send a photo, through every kind of event that AWS makes of it.

The events are those of tests/events/. The photo must reach the model unchanged, or the answer must say what to do.
"""

import base64
import gzip
import io
import quopri
import zlib

import pytest
from PIL import Image

from api import ModelLoader, Telemetry, create_app
from tests.gateway import SENDERS, Client, make_event, read_event

FORM = "multipart/form-data; boundary=b"
FILE = 'form-data; name="image"; filename="photo.jpg"'

PATHS = ("/recognize", "/detect", "/align")
"""The addresses that take photos."""


def form(content, disposition=FILE, *headers, boundary="b", line="\r\n"):
    """Return a form of one part."""
    head = line.join([f"--{boundary}", f"Content-Disposition: {disposition}", *headers, "", ""])
    return head.encode() + content + f"{line}--{boundary}--{line}".encode()


def field(name, content=b"hello"):
    """Return a part that is not the photo, without the end of the form."""
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + content + b"\r\n"


FORMS = {
    "as curl and browsers send it": lambda photo: form(photo, FILE, "Content-Type: image/jpeg"),
    "without a filename, as curl's < sends it": lambda photo: form(photo, 'form-data; name="image"'),
    "with the filename of a JavaScript Blob": lambda photo: form(photo, 'form-data; name="image"; filename="blob"'),
    "with an empty filename": lambda photo: form(photo, 'form-data; name="image"; filename=""'),
    "declared as text": lambda photo: form(photo, 'form-data; name="image"', "Content-Type: text/plain; charset=utf-8"),
    "with a name in RFC 5987 form": lambda photo: form(photo, f"{FILE}; filename*=UTF-8''Zo%C3%AB%20%E2%82%AC.jpg"),
    "with only a name in RFC 5987 form": lambda photo: form(photo, "form-data; name=image; filename*=UTF-8''Zo%C3%AB"),
    "with a field name in RFC 5987 form": lambda photo: form(photo, "form-data; name*=UTF-8''image; filename=a.jpg"),
    "with a name in RFC 2231 pieces": lambda photo: form(photo, "form-data; name=image; filename*0=ph; filename*1=oto"),
    "with a filename in raw UTF-8": lambda photo: form(photo, 'form-data; name="image"; filename="Zoë 🎉.jpg"'),
    "with a filename in Latin-1": lambda photo: form(photo, 'form-data; name="image"; filename="Zo@.jpg"').replace(
        b"Zo@", "Zoë".encode("latin-1")
    ),
    "with quotes and semicolons in the filename": lambda photo: form(
        photo, r'form-data; name="image"; filename="a\"b; c=%22.jpg"'
    ),
    "with a path of Windows as filename": lambda photo: form(
        photo, r'form-data; name="image"; filename="C:\photos\a.jpg"'
    ),
    "without quotes": lambda photo: form(photo, "form-data; name=image; filename=photo.jpg"),
    "in capitals": lambda photo: form(photo, 'FORM-DATA; NAME="IMAGE"; FILENAME="A.JPG"', "CONTENT-TYPE: IMAGE/JPEG"),
    "with headers in lower case": lambda photo: form(photo).replace(b"Content-D", b"content-d"),
    "with a folded header": lambda photo: form(photo, 'form-data;\r\n name="image";\r\n\tfilename="photo.jpg"'),
    "with lines that end in LF": lambda photo: form(photo, line="\n"),
    "with spaces after the boundary": lambda photo: form(photo).replace(b"--b\r\n", b"--b  \r\n", 1),
    "after a preamble": lambda photo: b"This is a form.\r\n" + form(photo),
    "before an epilogue": lambda photo: form(photo) + b"That was a form.\r\n",
    "in base64": lambda photo: form(base64.encodebytes(photo), FILE, "Content-Transfer-Encoding: BASE64"),
    "in quoted-printable": lambda photo: form(
        quopri.encodestring(photo), FILE, "Content-Transfer-Encoding: quoted-printable"
    ),
    "declared as binary": lambda photo: form(photo, FILE, "Content-Transfer-Encoding: binary"),
    "after other parts": lambda photo: field("note") + field("", b"") + form(photo),
    "before other parts": lambda photo: form(photo).removesuffix(b"--b--\r\n") + field("note") + b"--b--\r\n",
}

BOUNDARIES = {
    "multipart/form-data; boundary=b": "b",
    'multipart/form-data; boundary="b"': "b",
    "multipart/form-data;boundary=b;": "b",
    "multipart/form-data; charset=utf-8; boundary=b": "b",
    "multipart/form-data; boundary = b": "b",
    "Multipart/Form-Data; BOUNDARY=b": "b",
    "multipart/form-data; boundary*=UTF-8''b%20b": "b b",
    'multipart/form-data; boundary="with space:and=signs?(x)"': "with space:and=signs?(x)",
    "multipart/form-data; boundary=----=_Part_1_2.3": "----=_Part_1_2.3",
    "multipart/form-data; boundary=abc/def:ghi?(x)": "abc/def:ghi?(x)",
    "multipart/form-data; boundary=@b[1]{2}": "@b[1]{2}",
    "multipart/form-data; boundary='b'": "'b'",
    "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxk": "----WebKitFormBoundary7MA4YWxk",
    "multipart/form-data; boundary=b,multipart/form-data; boundary=b": "b",  # an HTTP API joins two headers so
    f"multipart/form-data; boundary={'x' * 200}": "x" * 200,
    'multipart/form-data; boundary="Grüße"': "Grüße",
}

BY_ITSELF = {
    "as a JPEG": {"content-type": "image/jpeg"},
    "as an image with parameters": {"Content-Type": "image/jpeg; charset=binary"},
    "in capitals": {"CONTENT-TYPE": "IMAGE/JPEG"},
    "as another kind of image": {"content-type": "image/heic"},
    "as any image": {"content-type": "image/*"},
    "as bytes": {"content-type": "application/octet-stream"},
    "as bytes, in the way of S3": {"content-type": "binary/octet-stream"},
    "without a type": {},
    "with an empty type": {"content-type": ""},
    "with a type that cannot be read": {"content-type": ";"},
    "in chunks": {"content-type": "image/jpeg", "transfer-encoding": "chunked"},
    "in chunks, with trailers": {"content-type": "image/jpeg", "TE": "trailers", "Transfer-Encoding": "gzip, chunked"},
    "after the server agreed": {"content-type": "image/jpeg", "expect": "100-continue"},
    "over a connection that closes": {"content-type": "image/jpeg", "connection": "close"},
    "with a length": {"content-type": "image/jpeg", "content-length": "825"},
    "with the length that it had in base64": {"content-type": "image/jpeg", "content-length": "4"},
    "with a length that is no number": {"content-type": "image/jpeg", "content-length": "many"},
    "not compressed": {"content-type": "image/jpeg", "content-encoding": "identity"},
    "decompressed by a REST API": {"content-type": "image/jpeg", "content-encoding": "gzip"},
}

COMPRESSED = {
    "gzip": gzip.compress,
    "GZIP": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
}


@pytest.fixture
def clients(serve, recognizer):
    """A client of everything that sends requests; the model is a fake."""
    handler = serve(lambda: recognizer)
    return [Client(handler, sender) for sender in SENDERS]


@pytest.fixture
def receives(clients, recognizer):
    """Send a body to each address for photos by every sender, and return whether the model got `photo` each time."""

    def receives(photo, body, headers):
        for client in clients:
            for path in PATHS:
                answer = client.send("POST", path, body, headers)
                assert answer.status == 200, (client.version, answer.body)
        return recognizer.photos == [photo] * (len(PATHS) * len(clients))

    return receives


@pytest.fixture
def refusal(clients):
    """Send a body by every sender; return the status, the kind of problem and the sentence of the answer."""

    def refusal(body, headers, *, encoded=True):
        answers = [client.send("POST", "/recognize", body, headers, encoded=encoded) for client in clients]
        (refused,) = {(answer.status, answer.problem, answer.json["detail"]) for answer in answers}
        return refused

    return refusal


@pytest.mark.parametrize("way", FORMS)
def test_a_photo_in_a_form_reaches_the_model(receives, photo, way):
    assert receives(photo, FORMS[way](photo), {"Content-Type": FORM})


@pytest.mark.parametrize("content_type", BOUNDARIES)
def test_a_form_with_any_boundary_is_read(receives, photo, content_type):
    body = form(photo, boundary=BOUNDARIES[content_type])
    assert receives(photo, body, {"content-type": content_type})


@pytest.mark.parametrize("way", BY_ITSELF)
def test_a_photo_by_itself_reaches_the_model(receives, photo, way):
    assert receives(photo, photo, BY_ITSELF[way])


@pytest.mark.parametrize("coding", COMPRESSED)
def test_a_compressed_body_is_decompressed(receives, photo, coding):
    compress = COMPRESSED[coding]
    assert receives(photo, compress(form(photo)), {"content-type": FORM, "content-encoding": coding})


@pytest.mark.parametrize("flag", [True, "true", "True"])
def test_base64_may_be_declared_as_text(sender, recognizer, photo, flag):
    event = sender.event("POST", "/recognize", photo, {"content-type": "image/jpeg"}, encoded=True)
    assert sender.invoke(event | {"isBase64Encoded": flag}).status == 200
    assert recognizer.photos == [photo]


@pytest.mark.parametrize("flag", [False, "false", "False", None, "absent"])
def test_a_body_that_is_not_declared_as_base64_is_read_as_it_stands(sender, recognizer, flag):
    event = sender.event("POST", "/recognize", form(b"plain\r\nascii"), {"content-type": FORM}, encoded=False)
    event = {name: value for name, value in event.items() if name != "isBase64Encoded" or flag != "absent"}
    if flag != "absent":
        event["isBase64Encoded"] = flag
    assert sender.invoke(event).status == 200
    assert recognizer.photos == [b"plain\r\nascii"]


def test_headers_of_a_rest_api_may_come_in_lists_only(serve, recognizer, photo):
    event = make_event("1.0", "POST", "/recognize", "prod", {"Content-Type": "image/jpeg"}) | {"headers": None}
    event |= {"body": base64.b64encode(photo).decode(), "isBase64Encoded": True}
    assert Client(serve(lambda: recognizer), "1.0").invoke(event).status == 200
    assert recognizer.photos == [photo]


@pytest.mark.parametrize("version", ["1.0", "load balancer with lists"])
def test_of_a_header_that_is_sent_twice_the_first_counts(serve, recognizer, photo, version):
    client = Client(serve(lambda: recognizer), version)
    event = client.event("POST", "/recognize", photo, {}, encoded=True)
    event["multiValueHeaders"]["content-type"] = ["image/jpeg", "text/plain"]
    assert client.invoke(event).status == 200


@pytest.mark.parametrize("name", SENDERS.values())
def test_the_documented_event_is_answered_with_the_face_that_it_asks_for(serve, recognizer, photo, name):
    event = read_event(name) | {"body": base64.b64encode(form(photo)).decode()}
    answer = Client(serve(lambda: recognizer), name).invoke(event)
    assert Image.open(io.BytesIO(answer.body)).getpixel((16, 16)) == (200,) * 3
    assert recognizer.photos == [photo]


@pytest.mark.parametrize("name", ["load-balancer", "load-balancer-lists"])
def test_an_event_without_a_request_context_is_answered(serve, recognizer, photo, name):
    event = read_event(name) | {"body": base64.b64encode(form(photo)).decode()}
    del event["requestContext"]
    assert Client(serve(lambda: recognizer), name).invoke(event).status == 200


def test_a_health_check_of_a_load_balancer_is_healthy(serve, recognizer):
    check = read_event("load-balancer-health-check")
    assert Client(serve(lambda: recognizer), "load balancer").invoke(check).json["status"] == "ok"


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("OPTIONS", 204)])
def test_an_answer_without_a_body_has_all_that_a_load_balancer_needs(sender, context, method, status):
    returned = sender.handler(sender.event(method, "/labels", None, {}, encoded=False), context)
    assert (returned["statusCode"], returned["body"], returned["isBase64Encoded"]) == (status, "", False)


def test_a_body_that_was_turned_into_text_gets_a_hint_at_the_setting_of_the_gateway(refusal, photo):
    for body, content_type in ((form(photo), FORM), (photo, "image/jpeg")):
        status, problem, detail = refusal(body, {"content-type": content_type}, encoded=False)
        assert (status, problem) == (415, "unsupported-format")
        assert "binaryMediaTypes" in detail


@pytest.mark.parametrize("start", [b"GIF89a", b"RIFF", b"II*\0", b"BM", b"\0\0\0\x18ftypheic"])
def test_the_hint_does_not_depend_on_the_format_of_the_photo(refusal, photo, start):
    _, _, detail = refusal(start + photo, {"content-type": "image/*"}, encoded=False)
    assert "binaryMediaTypes" in detail


def test_a_client_that_turned_the_photo_into_text_gets_the_same_hint(refusal, photo):
    status, problem, detail = refusal(form(photo.decode(errors="replace").encode()), {"content-type": FORM})
    assert (status, problem) == (415, "unsupported-format")
    assert "read it as bytes" in detail


def test_a_photo_that_grew_too_large_as_text_gets_the_hint_and_not_the_limit(refusal):
    status, _, detail = refusal(b"\xff" * 1_900_000, {"content-type": "image/jpeg"}, encoded=False)
    assert status == 415
    assert "binaryMediaTypes" in detail


def test_a_photo_that_has_the_bytes_of_the_replacement_character_is_no_text(receives, photo):
    photo += "\ufffd".encode()
    assert receives(photo, form(photo), {"content-type": FORM})


def encoded(photo):
    return base64.b64encode(photo)


REFUSED = {
    "JSON": (lambda photo: b'{"image": "' + encoded(photo) + b'"}', "application/json", 415, "POST /uploads"),
    "curl -d": (lambda photo: photo, "application/x-www-form-urlencoded", 415, "-F image=@photo.jpg"),
    "text": (lambda _: b"hello", "text/plain", 415, "This content type is not accepted"),
    "base64": (encoded, "image/jpeg", 415, "base64 text"),
    "base64 in lines": (base64.encodebytes, "image/jpeg", 415, "base64 text"),
    "base64 without a type": (encoded, "", 415, "base64 text"),
    "base64 in a form": (lambda photo: form(encoded(photo)), FORM, 415, "base64 text"),
    "a data URL": (lambda photo: b"data:image/jpeg;base64," + encoded(photo), "image/jpeg", 415, "base64 text"),
    "a data URL in a form": (lambda photo: form(b"data:;base64," + encoded(photo)), FORM, 415, "base64 text"),
    "the name of a file": (lambda _: form(b"photo.jpg", "form-data; name=image"), FORM, 400, "-F image=@photo.jpg"),
    "an address": (lambda _: form(b"https://e.org/a.jpg", "form-data; name=image"), FORM, 400, "is text, not a photo"),
    "another name": (lambda photo: form(photo, 'form-data; name="file"; filename="a"'), FORM, 400, "named `image`"),
    "no name": (lambda photo: form(photo, 'form-data; filename="a"'), FORM, 400, "named `image`"),
    "two photos": (lambda photo: form(photo).removesuffix(b"--b--\r\n") + form(photo), FORM, 400, "more than one part"),
    "no boundary": (form, "multipart/form-data", 400, "Let your client set this header"),
    "another boundary": (form, "multipart/form-data; boundary=x", 400, "Let your client set this header"),
    "a form without its type": (form, "", 400, "Let your client set this header"),
    "a form as image": (form, "image/jpeg", 400, "Let your client set this header"),
    "half a form": (lambda photo: form(photo)[:-20], FORM, 400, "incomplete"),
    "a part without headers": (lambda photo: b"--b\r\n\r\n" + photo + b"\r\n--b--", FORM, 400, "incomplete"),
    "broken base64": (lambda _: form(b"a", FILE, "Content-Transfer-Encoding: base64"), FORM, 400, "base64"),
    "huge headers": (lambda photo: form(photo, FILE, *["a: b"] * 100_000), FORM, 400, "huge headers"),
    "an empty file": (lambda _: form(b""), FORM, 400, "The photo is empty"),
    "an empty form": (lambda _: b"--b--\r\n", FORM, 400, "named `image`"),
    "nothing": (lambda _: b"", FORM, 400, "no body"),
}


@pytest.mark.parametrize("way", REFUSED)
def test_what_is_no_photo_is_refused_with_what_to_do(refusal, photo, way):
    make, content_type, expected, sentence = REFUSED[way]
    status, _, detail = refusal(make(photo), {"content-type": content_type})
    assert status == expected
    assert sentence in detail


@pytest.mark.parametrize(
    ("body", "coding", "status", "sentence"),
    [
        (b"photo", "br", 415, "content encoding"),
        (gzip.compress(gzip.compress(b"photo")), "gzip, gzip", 415, "content encoding"),
        (b"\x1f\x8bphoto", "gzip", 400, "and it is not"),
        (gzip.compress(bytes(range(256)))[:-9], "gzip", 400, "incomplete"),
        (gzip.compress(bytes(50_000_000)), "gzip", 413, "4,500,000"),
    ],
    ids=["unknown", "twice", "broken", "cut short", "bomb"],
)
def test_a_compression_that_cannot_be_undone_is_refused(refusal, body, coding, status, sentence):
    answered, _, detail = refusal(body, {"content-type": "image/jpeg", "content-encoding": coding})
    assert answered == status
    assert sentence in detail


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "with a length"])
def test_another_server_may_run_the_app(serve, recognizer, photo, chunked):
    """A WSGI server gives a chunked body without a length, and says that the stream ends by itself."""
    app = create_app(ModelLoader(lambda: recognizer), Telemetry())
    length = {} if chunked else {"CONTENT_LENGTH": str(len(photo))}
    environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"} if chunked else length
    answer = app.test_client().post("/recognize", input_stream=io.BytesIO(photo), environ_overrides=environ)
    assert answer.status_code == 200
    assert recognizer.photos == [photo]
