"""Serves the page on which people are merged, split and named, to browsers of this machine.

Whoever can open the page sees faces and changes folders. So the server listens on the loopback interface only, each
address has a secret, and requests that other websites made are refused: by the host, which stops DNS rebinding, and by
the origin.
"""

import hmac
import re
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any, Final

from flask import Flask, Response, abort, jsonify, request, send_from_directory
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from collection import decisions
from collection.errors import SortError
from collection.sort import Found, Result, decide, good_faces
from collection.sorting import NOBODY, FaceOf, Sorting
from dataset.aligned import JOURNAL, OUTPUT
from dataset.candidates import read_journal

_HOST: Final = "127.0.0.1"
_ASSETS: Final = Path(__file__).parent
_FILES: Final = {"": "sort.html", "sort.css": "sort.css", "sort.js": "sort.js"}
_PICTURE: Final = re.compile(r"[0-9a-f]{16}-[0-9]{1,3}\.jpg")
_MAX_REQUEST: Final = 4_000_000
"""Bytes of a change: 20,000 faces have 2 MB."""

_UNDONE: Final = 50
"""So many changes can be undone."""

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class ChangedElsewhereError(SortError):
    """The sorted photos are not as the page shows them: a command or another page has changed them."""


class Editor:
    """Changes sorted photos one change after the other, and can undo them."""

    def __init__(self, photos: Path) -> None:
        self.photos = photos
        self._lock = Lock()
        self._before: list[Sorting] = []
        self._journal: tuple[int, Found] | None = None
        self._result = decide(photos, found=self._found())

    def to_dict(self) -> dict[str, Any]:
        """Return what the page shows."""
        with self._lock:
            self._follow()
            return self._shown()

    def change(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Do what the page asks for, and return what it shows then.

        Raises:
            SortError: it cannot be done.
            KeyError, TypeError, ValueError: the content is not a change.
        """
        with self._lock:
            self._follow()
            if content["changes"] != self._result.sorting.changes:
                raise ChangedElsewhereError("The photos were changed elsewhere. The page shows them as they are now.")
            if content["do"] == "undo":
                self._undo()
            else:
                self._do(_decision(content))
            return self._shown()

    def _do(self, decision: Callable[[Sorting], Sorting]) -> None:
        before: list[Sorting] = []

        def remembered(sorting: Sorting) -> Sorting:
            before.append(sorting)
            return decision(sorting)

        self._result = decide(self.photos, remembered, self._found())
        self._before = [*self._before, *before][-_UNDONE:]

    def _undo(self) -> None:
        if not self._before:
            raise SortError("There is nothing to undo.")
        before = self._before[-1]

        def undone(now: Sorting) -> Sorting:
            return replace(before, changes=now.changes, next_number=now.next_number)

        self._result = decide(self.photos, undone, self._found())
        self._before.pop()

    def _follow(self) -> None:
        """Take over what a command has changed meanwhile; that cannot be undone here."""
        if Sorting.read(self.photos).changes != self._result.sorting.changes:
            self._before = []
            self._result = decide(self.photos, found=self._found())

    def _found(self) -> Found:
        journal = self.photos / OUTPUT / JOURNAL
        stamp = journal.stat().st_mtime_ns if journal.exists() else 0
        if self._journal is None or self._journal[0] != stamp:
            self._journal = stamp, read_journal(journal)
        return self._journal[1]

    def _shown(self) -> dict[str, Any]:
        result, found = self._result, self._found()
        faces = _faces(result, found)
        return {
            "changes": result.sorting.changes,
            "people": [
                {
                    "number": number,
                    "name": person.name,
                    "title": person.title,
                    "photos": len(photos),
                    "faces": faces.get(number, []),
                }
                for number, photos in result.by_size()
                for person in [result.sorting.people[number]]
            ],
            "nobody": faces.get(None, []),
            "alike": [list(pair) for pair in result.sorting.alike if set(pair) <= set(result.sorting.people)],
            "undo": bool(self._before),
            "remarks": list(result.remarks),
        }


def _faces(result: Result, found: Found) -> dict[int | None, list[dict[str, Any]]]:
    """Return the faces of each person, and under None those of nobody that are good enough to be somebody's."""
    faces: dict[int | None, list[dict[str, Any]]] = {}
    present = {name for photos in result.photos.values() for name in photos} | set(result.unsorted)
    good = {where for where, _ in good_faces(result.sorting, found)}
    for name in sorted(present & found.keys()):
        for place, owner in enumerate(result.sorting.photos[name].faces or ()):
            if owner or FaceOf(name, place) in good:
                chip = Path(found[name].faces[place].chip).name
                faces.setdefault(owner or None, []).append({"photo": name, "face": place, "picture": chip})
    return faces


def _decision(content: Mapping[str, Any]) -> Callable[[Sorting], Sorting]:
    """Return the decision that a request asks for; raise KeyError, TypeError or ValueError where it is none."""
    match content["do"]:
        case "merge":
            people = [int(number) for number in content["people"]]
            return lambda sorting: decisions.merge(sorting, people)
        case "apart":
            two = [int(number) for number in content["people"]]
            return lambda sorting: decisions.tell_apart(sorting, two)
        case "name":
            number, name = int(content["person"]), str(content["name"])
            return lambda sorting: decisions.rename(sorting, number, name)
        case "move":
            faces = [FaceOf(str(photo), int(place)) for photo, place in content["faces"]]
            given = content["to"]
            to = {"new": None, "nobody": NOBODY}[given] if isinstance(given, str) else int(given)
            return lambda sorting: decisions.move(sorting, faces, to)[0]
        case _:
            raise ValueError("no such change")


class _Views:
    """Answers the requests of the page; `hosts` are the names by which it may be asked, with their port."""

    def __init__(self, editor: Editor, token: str, hosts: Collection[str]) -> None:
        self._editor, self._token, self._hosts = editor, token, hosts

    def refuse_strangers(self) -> None:
        """Refuse requests without the secret, by another name of this machine, or that another website made."""
        given = request.path.split("/")[1]
        if request.host not in self._hosts or not hmac.compare_digest(given.encode(), self._token.encode()):
            abort(404)
        if request.method == "POST" and request.headers.get("Origin") not in {f"http://{host}" for host in self._hosts}:
            abort(403)

    def asset(self, name: str, **_: str) -> Response:
        """Answer the page, or what it consists of."""
        if name not in _FILES:
            abort(404)
        return send_from_directory(_ASSETS, _FILES[name])

    def picture(self, name: str, **_: str) -> Response:
        """Answer the picture of a face."""
        if not _PICTURE.fullmatch(name):
            abort(404)
        return send_from_directory(self._editor.photos.resolve() / OUTPUT / "faces", name)

    def people(self, **_: str) -> Response:
        """Answer who there is."""
        return jsonify(self._editor.to_dict())

    def change(self, **_: str) -> tuple[Response, int]:
        """Make a change, and answer who there is then; else a sentence on why it was not made."""
        try:
            return jsonify(self._editor.change(dict(request.get_json()))), 200
        except ChangedElsewhereError as error:
            return jsonify({"detail": str(error), "now": self._editor.to_dict()}), 409
        except SortError as error:
            return jsonify({"detail": str(error)}), 422
        except OSError as error:
            return jsonify({"detail": f"The folders cannot be changed: {error.strerror or error}."}), 507
        except (KeyError, TypeError, ValueError):
            return jsonify({"detail": "This is not a change."}), 400


def _add_headers(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response


def application(editor: Editor, token: str, hosts: Collection[str]) -> Flask:
    """Return the page's server; `hosts` are the names by which it may be asked, with their port."""
    app, views = Flask(__name__, static_folder=None), _Views(editor, token, hosts)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_REQUEST
    app.before_request(views.refuse_strangers)
    app.after_request(_add_headers)
    app.add_url_rule("/<_token>/", "page", views.asset, defaults={"name": ""})
    app.add_url_rule("/<_token>/<name>", "asset", views.asset)
    app.add_url_rule("/<_token>/faces/<name>", "picture", views.picture)
    app.add_url_rule("/<_token>/people", "people", views.people)
    app.add_url_rule("/<_token>/changes", "change", views.change, methods=["POST"])
    return app


class _Quiet(WSGIRequestHandler):
    """Writes no log: the addresses have the secret, and names of photos."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # werkzeug's name
        pass


@contextmanager
def server(photos: Path, port: int = 0) -> Iterator[tuple[BaseWSGIServer, str]]:
    """Yield a server for sorted photos, which `serve_forever` starts, and the address of the page.

    Raises:
        SortError: these are not sorted photos, or another program uses the port.
    """
    editor = Editor(photos)
    token = secrets.token_urlsafe(24)
    hosts: set[str] = set()
    app = application(editor, token, hosts)
    try:
        running = make_server(_HOST, port, app, threaded=True, request_handler=_Quiet)
    except (OSError, SystemExit) as error:
        raise SortError(f"Port {port} is in use. Give another --port.") from error
    hosts |= {f"{name}:{running.port}" for name in (_HOST, "localhost")}
    with running:
        yield running, f"http://{_HOST}:{running.port}/{token}/"
