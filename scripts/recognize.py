"""`visage recognize`: names the people in photos, with a bundle on this machine or through an API."""

import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import requests
import typer
from requests_toolbelt import MultipartEncoder, MultipartEncoderMonitor
from rich.progress import Progress
from rich.text import Text

from dataset.errors import PrepareError
from dataset.folders import listing
from dataset.words import counted
from deploy.local import direct
from model.uploads import CONTENT_TYPE
from model.version import VERSION
from preprocess.errors import PhotoError
from preprocess.files import read_photo
from preprocess.names import printable
from scripts import checks
from scripts.console import SETTINGS, CommandError, JSONOption, emit, note, out, progress

Recognize = Callable[[bytes], dict[str, Any]]
"""Returns a photo's answer as the API's JSON: a Recognition, or `detail`, the reason why there is none."""

_SECONDS_A_PHOTO: Final = 0.1
"""With a bundle on two cores: 40 photos from the web take 3.4 seconds longer than one."""

Auth = Callable[[requests.PreparedRequest], requests.PreparedRequest]
"""Adds to a request who sends it."""

_MAX_KEY_BYTES: Final = 1000
"""More than any key or token of ours has. A file with more is something else."""

_REFUSED: Final = frozenset({401, 403})
"""The HTTP statuses for a request without the right key."""

_TIMEOUT_S = (5, 60)
"""For connecting and for answering. A function's first answer takes several seconds."""


def recognize(
    photos: Annotated[list[Path], typer.Argument(help="Photos, and folders of photos.")],
    bundle: Annotated[str | None, typer.Option(help="A bundle: a folder or s3://bucket/prefix.")] = None,
    url: Annotated[str | None, typer.Option(help="The API's address.")] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(help="With --url: a file with the key for the API. (default: the variable VISAGE_KEY)"),
    ] = None,
    as_json: JSONOption = False,
) -> None:
    """Name the people in each photo.

    The exit status is 1 if a photo has no answer. The other photos' answers are printed all the same.
    """
    if bool(bundle) == bool(url):
        raise typer.BadParameter("Give either --bundle DIR or --url URL.")
    key = _key(url, key_file)
    checks.bundle(bundle)
    listed = _listed(photos)
    readable = [photo for photo, reason in listed.items() if not reason]
    checks.announce(f"Recognising {counted(len(readable), 'photo')}", len(readable) * _SECONDS_A_PHOTO, as_json=as_json)
    answers: dict[Path, dict[str, Any]] = {photo: {"detail": reason} for photo, reason in listed.items() if reason}
    try:
        if readable:
            with progress() as bar, _by_api(url, key, bar) if url else _by_bundle(str(bundle)) as ask:
                for photo in bar.track(readable, description="Recognising"):
                    answers[photo] = _answer(ask, photo)
    finally:
        if answers:
            in_order = {str(photo): answers[photo] for photo in listed if photo in answers}
            emit(in_order, as_json=as_json, show=_show)
    failed = sum("faces" not in answer for answer in answers.values())
    if failed:
        raise CommandError(f"Photos without an answer: {failed} of {len(answers)}.")


def _listed(given: Iterable[Path]) -> dict[Path, str]:
    """Return every photo, also those in folders, and why it cannot be used, "" where it can.

    Folders and files that cannot be read are among them.
    """
    listed: dict[Path, str] = {}
    for path in given:
        listed |= _found(path)
    return listed


def _found(path: Path) -> dict[Path, str]:
    """Return what `_listed` does, for one path. It is not opened: what is no file may never end."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        reason = "The name - does not stand for standard input here" if path == Path("-") else error.strerror
        return {path: f"The file cannot be read: {reason}."}
    if stat.S_ISDIR(mode):
        return _in_folder(path)
    return {path: "" if stat.S_ISREG(mode) else "It is neither a file nor a folder."}


def _in_folder(folder: Path) -> dict[Path, str]:
    """Return what `_listed` does, for a folder, and say what in it is left out."""
    try:
        found = listing(folder)
    except PrepareError as error:  # it is gone by now
        return {folder: str(error)}
    except OSError as error:
        return {folder: f"The folder cannot be read: {error.strerror or error}."}
    note(found.remarks)
    unreadable = {path: f"It cannot be read: {reason}." for path, reason in found.unreadable.items()}
    return dict.fromkeys(found.photos, "") | unreadable or {folder: "The folder holds no photos."}


def _answer(ask: Recognize, photo: Path) -> dict[str, Any]:
    try:
        return ask(read_photo(photo))
    except PhotoError as error:
        return {"detail": str(error)}
    except OSError as error:
        return {"detail": f"The file cannot be read: {error.strerror or error}."}


@contextmanager
def _by_bundle(location: str) -> Iterator[Recognize]:
    from api.answers import recognition_json
    from model.recognizer import Recognizer

    recognizer = Recognizer.load(location, SETTINGS)
    yield lambda photo: recognition_json(recognizer.recognize(photo))


@contextmanager
def _by_api(url: str, key: str | None, bar: Progress) -> Iterator[Recognize]:
    with requests.Session() as session:
        session.headers["User-Agent"] = f"visage/{VERSION}"
        if key:
            session.auth = _with_key(key)
        yield lambda photo: _send(session, url, photo, bar)


def _with_key(key: str) -> Auth:
    """Return what sends a key. A header of the session would be replaced by what ~/.netrc has for the host."""

    def add(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {key}"
        return request

    return add


def _without_key(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Send no key: S3 gets none."""
    return request


def _key(url: str | None, file: Path | None) -> str | None:
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


def _read_key(file: Path) -> str:
    with file.open("rb") as opened:  # it may be a pipe, so its size is not known
        content = opened.read(_MAX_KEY_BYTES)
    if not content.strip():
        raise CommandError(f"{file} is empty. Store the key in it that `visage keys create` printed.")
    return content.decode(errors="replace").strip()


def _send(session: requests.Session, url: str, photo: bytes, bar: Progress) -> dict[str, Any]:
    """Send a photo to the API with a progress bar, and return its answer.

    Raises:
        CommandError: there is no API at that address, or it does not accept the key.
    """
    from api.upload import MAX_PHOTO_BYTES

    try:
        if len(photo) > MAX_PHOTO_BYTES:
            return _send_through_s3(session, url, photo, bar)
        return _content(_post(session, _address(url), bar, {"image": ("photo", photo, CONTENT_TYPE)}))
    except requests.ReadTimeout:
        return {"detail": f"The API did not answer within {counted(_TIMEOUT_S[1], 'second')}."}
    except (requests.RequestException, ValueError) as error:  # ValueError: urllib3 refuses the host's name
        raise CommandError(f"{url} cannot be reached: {error}") from error


def _send_through_s3(session: requests.Session, url: str, photo: bytes, bar: Progress) -> dict[str, Any]:
    """Do what `_send` does with a photo that is too large for a request."""
    uploads, host = _address(url, "uploads")
    invitation = _content(session.post(uploads, headers=host, timeout=_TIMEOUT_S), _is_invitation)
    if "detail" in invitation:
        return invitation
    form = {**invitation["fields"], "file": ("photo", photo, CONTENT_TYPE)}
    uploaded = _post(session, direct(invitation["url"]), bar, form, _without_key)
    if not uploaded.ok:
        return {"detail": f"The photo cannot be uploaded: S3 answered with status {uploaded.status_code}."}
    address, host = _address(url)
    return _content(session.post(address, json={"upload": invitation["upload"]}, headers=host, timeout=_TIMEOUT_S))


def _post(
    session: requests.Session,
    target: tuple[str, dict[str, str]],
    bar: Progress,
    fields: Mapping[str, Any],
    auth: Auth | None = None,
) -> requests.Response:
    """POST a form with a progress bar to an address, with the headers that it needs; `auth` replaces the session's."""
    address, host = target
    form = MultipartEncoder(fields)
    task = bar.add_task("Sending, kB", total=form.len // 1000)
    body = MultipartEncoderMonitor(form, lambda sent: bar.update(task, completed=sent.bytes_read // 1000))
    headers = {"Content-Type": form.content_type, **host}
    return session.post(address, data=body, headers=headers, timeout=_TIMEOUT_S, auth=auth)


def _address(url: str, route: str = "recognize") -> tuple[str, dict[str, str]]:
    """Return the address of one of the API's routes, and the headers that it needs."""
    try:
        parts, target = urlsplit(url), direct(f"{url.rstrip('/')}/{route}")
    except ValueError as error:
        raise CommandError(f"{url} is not an address: {error}.") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise CommandError(f"{url} is not an address: it does not begin with http:// or https:// and a name.")
    return target


def _content(
    response: requests.Response, is_expected: Callable[[dict[str, Any]], bool] | None = None
) -> dict[str, Any]:
    """Return the API's answer, by default a Recognition, with the reason in `detail` where it is something else.

    Raises:
        CommandError: the API does not accept the key, or asks for one.
    """
    try:
        answer = response.json()
    except (requests.JSONDecodeError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        return {"detail": f"The API answered with status {response.status_code} and without JSON."}
    if response.ok and (is_expected or _is_recognition)(answer):
        return answer
    detail = str(answer.get("detail") or answer.get("message") or f"Status {response.status_code}.")
    if response.status_code in _REFUSED:  # so it would be for every photo
        reason = detail.removesuffix(".")
        raise CommandError(f"{reason}. To send a key, set VISAGE_KEY, or give --key-file FILE.")
    return {"detail": detail}


def _is_invitation(answer: dict[str, Any]) -> bool:
    fields = answer.get("fields")
    texts = [answer.get("upload"), answer.get("url"), *(fields.values() if isinstance(fields, dict) else [None])]
    return all(isinstance(text, str) for text in texts)


def _is_recognition(answer: dict[str, Any]) -> bool:
    faces = answer.get("faces")
    return isinstance(faces, list) and all(
        isinstance(face, dict)
        and {"label", "known"} <= face.keys()
        and isinstance(face.get("probability"), int | float)
        for face in faces
    )


def _show(answers: dict[str, dict[str, Any]]) -> None:
    for photo, answer in answers.items():
        faces = answer.get("faces")
        if faces is None:
            out.print(Text(f"{printable(photo)}:", "yellow"), printable(answer["detail"]))
            continue
        names = [f"{face['label']} ({face['probability']:.1%})" if face["known"] else "unknown" for face in faces]
        image = answer.get("image")
        incomplete = " (the photo is incomplete)" if isinstance(image, dict) and image.get("complete") is False else ""
        out.print(printable(f"{photo}: {', '.join(names)}{incomplete}"))
