"""`visage verify`: whether two photos show one person, with a bundle on this machine or through an API."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from dataset.words import counted
from model.uploads import CONTENT_TYPE
from preprocess.detect import MAX_FACES
from preprocess.files import read_photo
from preprocess.names import printable
from scripts import checks
from scripts.client import KeyFileOption, UrlOption, connection, key_for
from scripts.console import SETTINGS, Answer, BundleOption, CommandError, JSONOption, emit, note, out, progress

FaceOption = Annotated[int, typer.Option(min=1, max=MAX_FACES, help="The number of the face; 1 is the most prominent.")]


def verify(
    a: Annotated[Path, typer.Argument(metavar="A", help="A photo.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another photo.")],
    bundle: BundleOption = None,
    url: UrlOption = None,
    key_file: KeyFileOption = None,
    face_a: FaceOption = 1,
    face_b: FaceOption = 1,
    as_json: JSONOption = False,
) -> None:
    """Say whether two photos show one person.

    The exit status is 0 if there is an answer, whatever it is. Programs read `same` in the output of --json.
    """
    if bool(bundle) == bool(url):
        raise typer.BadParameter("Give either --bundle DIR or --url URL.")
    key = key_for(url, key_file)
    photos, faces = {"a": _read(a), "b": _read(b)}, {"a": face_a, "b": face_b}
    checks.bundle(bundle)
    checks.announce("Comparing two photos", as_json=as_json)
    answer = _by_api(url, key, photos, faces) if url else _by_bundle(str(bundle), photos, faces)
    emit(answer, as_json=as_json, show=lambda _: _show(answer, {"a": a, "b": b}))


def _read(photo: Path) -> bytes:
    if not photo.exists():
        raise CommandError(f"There is no photo {photo}.")
    if not photo.is_file():  # what is no file may never end
        raise CommandError(f"{photo} is not a photo: it is no file.")
    return read_photo(photo)


def _by_bundle(location: str, photos: dict[str, bytes], faces: dict[str, int]) -> Answer:
    from api.errors import UnknownFaceError
    from api.pair import Side, compare
    from model.recognizer import Recognizer

    recognizer = Recognizer.load(location, SETTINGS)
    try:
        return compare(recognizer, [(Side(name, faces[name]), photo) for name, photo in photos.items()])
    except UnknownFaceError as error:
        raise CommandError(str(error)) from error


def _by_api(url: str, key: str | None, photos: dict[str, bytes], faces: dict[str, int]) -> Answer:
    from api.upload import MAX_PHOTO_BYTES

    numbers = {f"face_{name}": number for name, number in faces.items()}
    with progress() as bar, connection(url, key, bar) as client:
        if sum(map(len, photos.values())) > MAX_PHOTO_BYTES:
            keys = {name: client.upload(photo) for name, photo in photos.items()}
            return client.post_json("verify", keys | numbers, _is_verification)
        files = {name: ("photo", photo, CONTENT_TYPE) for name, photo in photos.items()}
        texts = {name: str(number) for name, number in numbers.items()}
        return client.post_form("verify", files | texts, _is_verification)


def _is_verification(answer: Answer) -> bool:
    figures = [answer.get(name) for name in ("similarity", "score", "threshold")]
    return (
        isinstance(answer.get("same"), bool)
        and all(isinstance(figure, int | float) for figure in figures)
        and isinstance(answer.get("false_accept_rate"), int | float | None)
        and all(isinstance(answer.get(name), dict) for name in ("a", "b"))
    )


def _show(answer: Answer, photos: dict[str, Path]) -> None:
    names = {name: printable(str(photo)) for name, photo in photos.items()}
    verdict = Text("one person", "green") if answer["same"] else Text("two people", "yellow")
    out.print(Text.assemble(f"{names['a']} and {names['b']} show ", verdict, "."))
    table = Table("Figure", "Value")
    table.add_row("similarity", f"{answer['similarity']:.3f}")
    table.add_row("score", f"{answer['score']:.3f}")
    table.add_row("threshold: one person from this score on", f"{answer['threshold']:.3f}")
    rate = answer["false_accept_rate"]
    table.add_row("pairs of different people that pass", "not measured" if rate is None else f"{rate:.2%}")
    out.print(table)
    note(remark for name in names for remark in _remarks(names[name], f"--face-{name}", answer[name]))


def _remarks(photo: str, option: str, face: dict[str, Any]) -> list[str]:
    """Return what may be wrong with the face that was compared."""
    several, number = face.get("faces"), face.get("face")
    remarks = []
    if isinstance(several, int) and several > 1:
        remarks.append(
            f"{photo} shows {counted(several, 'face')}; number {number} was compared. {option} takes another."
        )
    if advice := face.get("advice"):
        words = ", ".join(str(word).replace("_", " ") for word in advice)
        remarks.append(f"The face in {photo} is {words}: the answer may be wrong.")
    return remarks
