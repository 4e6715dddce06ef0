"""`visage recognize`: names the people in photos, with a bundle on this machine or through an API."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress
from rich.text import Text

from dataset.words import counted
from preprocess.errors import PhotoError
from preprocess.files import read_photo
from preprocess.names import printable
from scripts import checks
from scripts.client import KeyFileOption, NoAnswerError, UrlOption, connection, key_for
from scripts.console import BundleOption, CommandError, JSONOption, emit, out, progress
from scripts.photos import list_photos

Recognize = Callable[[bytes], dict[str, Any]]
"""Returns a photo's answer as the API's JSON: a Recognition, or `detail`, the reason why there is none."""

_SECONDS_A_PHOTO: Final = 0.1
"""With a bundle on two cores: 40 photos from the web take 3.4 seconds longer than one."""


def recognize(
    photos: Annotated[list[Path], typer.Argument(help="Photos, and folders of photos.")],
    bundle: BundleOption = None,
    url: UrlOption = None,
    key_file: KeyFileOption = None,
    as_json: JSONOption = False,
) -> None:
    """Name the people in each photo.

    The exit status is 1 if a photo has no answer. The other photos' answers are printed all the same.
    """
    if bool(bundle) == bool(url):
        raise typer.BadParameter("Give either --bundle DIR or --url URL.")
    key = key_for(url, key_file)
    checks.bundle(bundle)
    listed = list_photos(photos)
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


def _answer(ask: Recognize, photo: Path) -> dict[str, Any]:
    try:
        return ask(read_photo(photo))
    except (PhotoError, NoAnswerError) as error:
        return {"detail": str(error)}
    except OSError as error:
        return {"detail": f"The file cannot be read: {error.strerror or error}."}


@contextmanager
def _by_bundle(location: str) -> Iterator[Recognize]:
    from api.answers import recognition_json
    from scripts.recognizers import recognizer_at

    recognizer = recognizer_at(location)
    yield lambda photo: recognition_json(recognizer.recognize(photo))


@contextmanager
def _by_api(url: str, key: str | None, bar: Progress) -> Iterator[Recognize]:
    with connection(url, key, bar) as client:
        yield lambda photo: client.ask("recognize", photo, _is_recognition)


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
