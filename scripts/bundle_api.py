"""The API for a bundle in a folder, answered in this process: what a command asks an API, it can ask a bundle so.

Nothing listens, and no key is needed: whoever may write the folder is its owner.
"""

import io
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, NoReturn

import requests
from requests.adapters import BaseAdapter
from rich.progress import Progress

from api import ModelLoader, Telemetry, create_app, guard_for, load_from_settings
from model.rosters import Rosters
from model.settings import AccessSettings
from model.uploads import Uploads
from scripts.client import Client
from scripts.console import SETTINGS

_ADDRESS: Final = "http://bundle"


@contextmanager
def connection(folder: str, bar: Progress, *, engine: str) -> Iterator[Client]:
    """Yield a client of an API that serves the bundle in `folder` and the roster beside it.

    Its methods also raise ModelError where the bundle or the roster cannot be used.
    """
    settings = replace(SETTINGS, location=folder, engine=engine, roster=None)
    uploads, model = _Uploads(), ModelLoader(partial(load_from_settings, settings))
    guard = guard_for(AccessSettings(auth="iam"), _fail)  # as behind a gateway that has checked who asks
    app = create_app(model, _Telemetry(), uploads, guard, Rosters(settings, _fail))
    app.config["PROPAGATE_EXCEPTIONS"] = True  # those of _Telemetry
    with requests.Session() as session:
        session.mount(_ADDRESS, _Adapter(app.test_client().open))
        yield _Client(session, _ADDRESS, bar, uploads)


def _fail(error: BaseException) -> NoReturn:
    raise error


class _Telemetry(Telemetry):
    """Writes no log. An error whose reason the API keeps from its clients is raised."""

    def report(self, outcome: object) -> None:
        pass

    def model_unavailable(self, error: BaseException | None) -> None:
        if error:
            raise error

    roster_unavailable = model_unavailable

    def unexpected(self, error: BaseException) -> None:
        raise error


class _Uploads(Uploads):
    """Keeps what is too large for a request in memory until it is taken."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        key = secrets.token_hex()
        self._files[key] = content
        return key

    def take(self, key: str) -> bytes:
        return self._files.pop(key)


@dataclass(frozen=True, slots=True)
class _Client(Client):
    uploads: _Uploads

    def upload(self, photo: bytes) -> str:
        return self.uploads.put(photo)


class _Adapter(BaseAdapter):
    """Lets a function answer the requests of a session: `open` of Flask's client for tests."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        super().__init__()
        self._ask = ask

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body = request.body
        answered = self._ask(
            request.path_url,
            method=request.method,
            headers=list(request.headers.items()),
            data=getattr(body, "read", lambda: body)(),
        )
        response = requests.Response()
        response.status_code, response.url, response.request = answered.status_code, str(request.url), request
        response.headers.update(answered.headers.items())
        response.raw = io.BytesIO(answered.get_data())
        return response

    def close(self) -> None:
        pass
