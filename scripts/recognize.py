"""`visage recognize`: who is in these photos, by a bundle on this machine or an API anywhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import requests
import typer
from requests_toolbelt import MultipartEncoder, MultipartEncoderMonitor
from rich.progress import Progress
from rich.text import Text

from deploy.local import direct
from preprocess.errors import PhotoError
from scripts.console import SETTINGS, CommandError, JSONOption, emit, out, progress

Ask = Callable[[Path], dict[str, Any]]
"""A photo in; a Recognition or a problem out, as the API's JSON."""

_TIMEOUT_S = (5, 60)


def recognize(
    photos: Annotated[list[Path], typer.Argument(help="Photos.")],
    bundle: Annotated[str | None, typer.Option(help="A bundle: a folder or s3://bucket/prefix.")] = None,
    url: Annotated[str | None, typer.Option(help="The API's address.")] = None,
    as_json: JSONOption = False,
) -> None:
    """Say who is in each photo."""
    if (bundle is None) == (url is None):
        raise CommandError("Give either --bundle DIR or --url URL.")
    missing = [str(photo) for photo in photos if not photo.is_file()]
    if missing:
        raise CommandError(f"No such photo: {', '.join(missing)}.")
    with progress() as bar:
        ask = _by_api(url, bar) if url else _by_bundle(str(bundle))
        answers = {str(photo): ask(photo) for photo in bar.track(photos, description="Recognising")}
    emit(answers, as_json=as_json, show=_show)


def _by_bundle(location: str) -> Ask:
    from api.answers import recognition_json  # noqa: PLC0415  torch only where it is needed
    from model.recognizer import Recognizer  # noqa: PLC0415

    recognizer = Recognizer.load(location, SETTINGS)

    def ask(photo: Path) -> dict[str, Any]:
        try:
            return recognition_json(recognizer.recognize(photo.read_bytes()))
        except PhotoError as error:
            return {"detail": str(error)}

    return ask


def _by_api(url: str, bar: Progress) -> Ask:
    def ask(photo: Path) -> dict[str, Any]:
        with photo.open("rb") as file:
            form = MultipartEncoder({"image": ("photo", file, "application/octet-stream")})
            task = bar.add_task("Sending, kB", total=form.len // 1000)
            body = MultipartEncoderMonitor(form, lambda sent: bar.update(task, completed=sent.bytes_read // 1000))
            return _answer(url, body, form.content_type)

    return ask


def _answer(url: str, body: MultipartEncoderMonitor, content_type: str) -> dict[str, Any]:
    address, host = direct(f"{url.rstrip('/')}/recognize")
    try:
        headers = {"Content-Type": content_type, **host}
        response = requests.post(address, data=body, headers=headers, timeout=_TIMEOUT_S)
        answer = dict(response.json())
    except requests.JSONDecodeError as error:
        raise CommandError(f"{url} answered with status {response.status_code} and no JSON.") from error
    except requests.RequestException as error:
        raise CommandError(f"{url} cannot be reached: {error}") from error
    return answer if response.ok else {"detail": answer.get("detail") or answer.get("message", "no reason given")}


def _show(answers: dict[str, dict[str, Any]]) -> None:
    for photo, answer in answers.items():
        faces = answer.get("faces")
        if faces is None:
            out.print(Text(f"{photo}:", "yellow"), answer["detail"])
            continue
        names = [f"{face['label']} ({face['probability']:.1%})" if face["known"] else "nobody I know" for face in faces]
        out.print(f"{photo}: {', '.join(names)}")
