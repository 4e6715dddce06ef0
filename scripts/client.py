"""Sends requests to a deployed API: with a key, with progress bars, and large photos through S3."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import requests
import typer
from requests_toolbelt import MultipartEncoder, MultipartEncoderMonitor
from rich.progress import Progress

from dataset.words import counted
from deploy.local import direct
from model.uploads import CONTENT_TYPE
from model.version import VERSION
from scripts.console import SETTINGS, Answer
from scripts.errors import CommandError

Fields = Mapping[str, Any] | Sequence[tuple[str, Any]]
"""The parts of a form: texts, or (file name, content, content type)."""

Expected = Callable[[Answer], bool]
"""Tells whether an answer has what it should have."""

Auth = Callable[[requests.PreparedRequest], requests.PreparedRequest]
"""Adds to a request who sends it."""

UrlOption = Annotated[str | None, typer.Option(help="The API's address.")]
KeyFileOption = Annotated[
    Path | None,
    typer.Option(help="With --url: a file with the key for the API. (default: the variable VISAGE_KEY)"),
]

_MAX_KEY_BYTES: Final = 1000
"""More than any key or token of ours has. A file with more is something else."""

_REFUSED: Final = frozenset({401, 403})
"""The HTTP statuses for a request without the right key."""

_LATER: Final = frozenset({429, 502, 503, 504})
"""The HTTP statuses after which the same request may succeed in a moment."""

_PAUSE_S: Final = 2
_LONGEST_PAUSE_S: Final = 10
"""How long to wait then: what the header Retry-After says, but no longer than this."""

_TIMEOUT_S: Final = (5, 60)
"""For connecting and for answering. A function's first answer takes several seconds."""


class NoAnswerError(CommandError):
    """The API did not do what it was asked for; another request may succeed. The text is its own reason, if any.

    `answer` is its answer. `pause_s` says after how many seconds the same request may succeed, None if it will not.
    """

    def __init__(self, reason: str, answer: Answer | None = None, pause_s: float | None = None) -> None:
        """Give the reason."""
        super().__init__(reason)
        self.answer, self.pause_s = answer or {}, pause_s


def key_for(url: str | None, file: Path | None) -> str | None:
    """Return the key for the API at `url`, None without one. A command line is no place for it: `ps` shows that.

    Raises:
        CommandError: the address, the file or the key cannot be used.
    """
    if not url:
        if file:
            raise CommandError("--key-file is for --url only: a bundle needs no key.")
        return None
    _address(url)
    key = _read_key(file) if file else (SETTINGS.key or "").strip()
    if key and not (key.isascii() and key.isprintable() and " " not in key and len(key) < _MAX_KEY_BYTES):
        raise CommandError(f"{file or 'VISAGE_KEY'} does not hold a key: that is one word of letters, digits, - and _.")
    return key or None


@contextmanager
def connection(url: str, key: str | None, bar: Progress) -> Iterator["Client"]:
    """Yield a client of the API at `url`, which shows on `bar` what it sends."""
    with requests.Session() as session:
        session.headers["User-Agent"] = f"visage/{VERSION}"
        if key:
            session.auth = _with_key(key)
        yield Client(session, url, bar)


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests to the API at `url`.

    Each method returns the API's answer in JSON. It raises NoAnswerError if the API gives another answer, and
    CommandError if there is no API at that address or it does not accept the key.
    """

    session: requests.Session
    url: str
    bar: Progress

    def ask(self, route: str, photo: bytes, is_expected: Expected) -> Answer:
        """Send a photo, through S3 if it is too large for a request."""
        from api.upload import MAX_PHOTO_BYTES

        if len(photo) > MAX_PHOTO_BYTES:
            return self.post_json(route, {"upload": self.upload(photo)}, is_expected)
        return self.post_form(route, {"image": ("photo", photo, CONTENT_TYPE)}, is_expected)

    def post_form(self, route: str, fields: Fields, is_expected: Expected) -> Answer:
        """Send a form, with a progress bar."""
        return self.send("POST", route, is_expected, form=fields)

    def post_json(self, route: str, value: Any, is_expected: Expected) -> Answer:
        """Send JSON; None sends nothing."""
        return self.send("POST", route, is_expected, json=value)

    def send(
        self,
        method: str,
        route: str,
        is_expected: Expected,
        *,
        form: Fields | None = None,
        attempts: int = 1,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        """Send a request, up to `attempts` times while the service is busy; a form with a progress bar.

        `options` are those of `requests`, such as `json` and `params`.
        """
        address, host = _address(self.url, route)
        while True:
            attempts -= 1
            try:
                with self._translated():
                    sent = self._send(method, (address, {**host, **(headers or {})}), form, **options)
                    return _content(sent, is_expected)
            except NoAnswerError as error:
                if error.pause_s is None or attempts < 1:
                    raise
                time.sleep(error.pause_s)

    def fetch(self, route: str) -> bytes:
        """Return a file: what the API answers with, or what is at the address that it gives."""
        with self._translated():
            response = self._send("GET", _address(self.url, route), None)
            if response.ok and response.headers.get("Content-Type") == CONTENT_TYPE:
                return response.content
            link = _content(response, lambda answer: isinstance(answer.get("url"), str))["url"]
            found = self._send("GET", direct(link), None, auth=_without_key)
        if not found.ok:
            raise NoAnswerError(f"The file cannot be downloaded: S3 answered with status {found.status_code}.")
        return found.content

    def upload(self, photo: bytes) -> str:
        """Put a photo into S3, where the API says, and return the key that stands for it."""
        invitation = self.post_json("uploads", None, _is_invitation)
        form = {**invitation["fields"], "file": ("photo", photo, CONTENT_TYPE)}
        with self._translated():
            uploaded = self._send("POST", direct(invitation["url"]), form, auth=_without_key)
        if not uploaded.ok:
            raise NoAnswerError(f"The file cannot be uploaded: S3 answered with status {uploaded.status_code}.")
        return str(invitation["upload"])

    def _send(
        self, method: str, target: tuple[str, dict[str, str]], fields: Fields | None, **options: Any
    ) -> requests.Response:
        """Send a request to an address, with the headers that it needs; an `auth` replaces the session's."""
        address, headers = target
        if fields is not None:
            form = MultipartEncoder(fields)
            task = self.bar.add_task("Sending, kB", total=form.len // 1000)
            options["data"] = MultipartEncoderMonitor(
                form, lambda sent: self.bar.update(task, completed=sent.bytes_read // 1000)
            )
            headers = {**headers, "Content-Type": form.content_type}
        return self.session.request(method, address, headers=headers, timeout=_TIMEOUT_S, **options)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the errors of requests into ours."""
        try:
            yield
        except requests.ReadTimeout as error:
            reason = f"The API did not answer within {counted(_TIMEOUT_S[1], 'second')}."
            raise NoAnswerError(reason, pause_s=0) from error
        except (requests.RequestException, ValueError) as error:  # ValueError: urllib3 refuses the host's name
            raise CommandError(f"{self.url} cannot be reached: {error}") from error


def _with_key(key: str) -> Auth:
    """Return what sends a key. A header of the session would be replaced by what ~/.netrc has for the host."""

    def add(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {key}"
        return request

    return add


def _without_key(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Send no key: S3 gets none."""
    return request


def _read_key(file: Path) -> str:
    with file.open("rb") as opened:  # it may be a pipe, so its size is not known
        content = opened.read(_MAX_KEY_BYTES)
    if not content.strip():
        raise CommandError(f"{file} is empty. Store the key in it that `visage keys create` printed.")
    return content.decode(errors="replace").strip()


def _address(url: str, route: str = "") -> tuple[str, dict[str, str]]:
    """Return the address of one of the API's routes, and the headers that it needs."""
    try:
        parts, target = urlsplit(url), direct(f"{url.rstrip('/')}/{route}")
    except ValueError as error:
        raise CommandError(f"{url} is not an address: {error}.") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise CommandError(f"{url} is not an address: it does not begin with http:// or https:// and a name.")
    return target


def _pause_after(response: requests.Response) -> float | None:
    """Return after how many seconds the same request may succeed, None if it will not."""
    if response.status_code not in _LATER:
        return None
    asked = response.headers.get("Retry-After", "")
    return min(float(asked) if asked.isascii() and asked.isdecimal() else _PAUSE_S, _LONGEST_PAUSE_S)


def _content(response: requests.Response, is_expected: Expected) -> Answer:
    try:
        answer = response.json()
    except (requests.JSONDecodeError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        reason = f"The API answered with status {response.status_code} and without JSON."
        raise NoAnswerError(reason, pause_s=_pause_after(response))
    if response.ok and is_expected(answer):
        return answer
    detail = str(answer.get("detail") or answer.get("message") or f"Status {response.status_code}.")
    if response.status_code in _REFUSED:  # so it would be for every photo
        reason = detail.removesuffix(".")
        raise CommandError(f"{reason}. To send a key, set VISAGE_KEY, or give --key-file FILE.")
    raise NoAnswerError(detail, answer, _pause_after(response))


def _is_invitation(answer: Answer) -> bool:
    fields = answer.get("fields")
    texts = [answer.get("upload"), answer.get("url"), *(fields.values() if isinstance(fields, dict) else [None])]
    return all(isinstance(text, str) for text in texts)
