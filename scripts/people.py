"""`visage people`: lists, adds, renames and removes people without training, by an API or for a bundle in a folder."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Column, Table
from rich.text import Text

from dataset.labels import found_as, similar
from dataset.words import counted
from model.roster import Roster
from preprocess.files import replacing
from preprocess.names import printable
from scripts import checks
from scripts.client import Client, KeyFileOption, NoAnswerError, UrlOption, connection, key_for
from scripts.console import SETTINGS, Answer, CommandError, JSONOption, emit, note, out, progress
from scripts.people_photos import Sent, choose_faces, send_photos, show_photos
from scripts.photos import list_photos

app = typer.Typer(
    help="List, add, rename and remove people without training, and keep a backup of them.", no_args_is_help=True
)

BundleOption = Annotated[
    str | None, typer.Option(metavar="FOLDER", help="The folder of a bundle; the roster is the file beside it.")
]
NameArgument = Annotated[str, typer.Argument(help="The name of the person, or the id.")]

_ID: Final = re.compile("[a-z2-7]{12}")

_PAGE: Final = 200
"""How many people the API lists at once, at most."""

_QUICK_ENGINE: Final = "onnx"
"""Starts in a fraction of the time of the other; where no photo is looked at, they answer the same."""

_ADVICE: Final = {
    "one_photo": "add photos",
    "poor_photos": "add better photos",
    "few_angles": "add photos from other sides",
    "alike": "looks like",
}


@app.command("list")
def list_(
    bundle: BundleOption = None,
    url: UrlOption = None,
    key_file: KeyFileOption = None,
    name: Annotated[str, typer.Option(help="Only people whose names contain this.")] = "",
    as_json: JSONOption = False,
) -> None:
    """List the people whom a service or a bundle knows: those that it was trained on, and those who were added."""
    with _service(bundle, url, key_file) as client:
        people, roster = _people(client, name)
    emit({"people": people, "roster": roster}, as_json=as_json, show=_show_people)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The name of the person.")],
    photos: Annotated[list[Path], typer.Argument(help="Photos of the person, and folders of them.")],
    bundle: BundleOption = None,
    url: UrlOption = None,
    key_file: KeyFileOption = None,
    face: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PHOTO=N",
            help="Which face of a photo is the person; 1 is the most prominent one. The command asks for it where that "
            "is not clear. Repeat for more photos.",
        ),
    ] = None,
    to_existing: Annotated[
        bool, typer.Option("--to-existing", help="Add the photos to a person who is known already.")
    ] = False,
    as_json: JSONOption = False,
) -> None:
    """Add a person by photos, or add photos of a person.

    Each photo is used if one face is in it, or if one face is clearly that of the other photos. The exit status is 1 if
    a photo was not used.
    """
    listed = list_photos(photos)
    faces = choose_faces(face or (), listed)
    sent = Sent(listed)
    try:
        with _service(bundle, url, key_file, SETTINGS.engine) as client:
            identity = str(_find(client, name)["id"]) if to_existing else None
            send_photos(client, sent, faces, name=name, identity=identity)
    finally:
        if sent.results:
            emit(sent.to_json(), as_json=as_json, show=lambda _: show_photos(sent))
    sent.require_all_used()


@app.command()
def rename(
    name: NameArgument,
    new: Annotated[str, typer.Argument(help="The new name.")],
    bundle: BundleOption = None,
    url: UrlOption = None,
    key_file: KeyFileOption = None,
    as_json: JSONOption = False,
) -> None:
    """Give a person another name. People on whom the network was trained keep theirs."""
    with _service(bundle, url, key_file) as client:
        former = _find(client, name)
        person = client.send("PATCH", f"people/{former['id']}", _has("name"), json={"name": new})
    emit(person, as_json=as_json, show=lambda _: out.print(f"{former['name']} is now {person['name']}."))


@app.command()
def remove(
    name: NameArgument,
    bundle: BundleOption = None,
    url: UrlOption = None,
    key_file: KeyFileOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JSONOption = False,
) -> None:
    """Remove a person who was added: name, embeddings, near misses and thumbnail.

    `visage forget` is for people on whom the network was trained.
    """
    with _service(bundle, url, key_file) as client:
        person = _find(client, name)
        if not (yes or person["trained"]):  # the API says what to do with the latter
            _ask(client, person)
        removed = client.send("DELETE", f"people/{person['id']}", _has("gone_on"))
    emit(removed, as_json=as_json, show=_show_removed)


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="The file for the backup, such as people.npz.")],
    bundle: BundleOption = None,
    url: UrlOption = None,
    key_file: KeyFileOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the file if it exists.")] = False,
    as_json: JSONOption = False,
) -> None:
    """Store the people who were added, with their embeddings, in a file: a backup. Keep it as safe as photos."""
    if file.exists() and not replace:
        raise CommandError(f"{file} exists already. Give another name, or --replace.")
    checks.target(file.absolute().parent)
    with _service(bundle, url, key_file) as client:
        content = client.fetch("people/export")
    roster = Roster.from_bytes(content)
    with replacing(file) as unfinished:
        unfinished.write_bytes(content)
    result = {"file": str(file), "people": len(roster.people), "version": roster.version, "space": roster.space}
    emit(result, as_json=as_json, show=lambda _: out.print(f"{file}: {counted(len(roster.people), 'person')}"))


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The file that `visage people export` made.")],
    bundle: BundleOption = None,
    url: UrlOption = None,
    key_file: KeyFileOption = None,
    restore: Annotated[
        bool, typer.Option("--restore", help="Also bring back people who were removed since the backup.")
    ] = False,
    as_json: JSONOption = False,
) -> None:
    """Add the people of a backup who are missing. Whoever is there stays as they are.

    The exit status is 1 if somebody was left out.
    """
    content = file.read_bytes()
    with _service(bundle, url, key_file) as client:
        given = {"upload": client.upload(content), "restore": restore}
        result = client.post_json("people/import", given, _has("added"))
    emit(result, as_json=as_json, show=_show_imported)
    if result["left_out"]:
        raise CommandError(f"People who were left out: {result['left_out']}.")


@contextmanager
def _service(
    bundle: str | None, url: str | None, key_file: Path | None, engine: str = _QUICK_ENGINE
) -> Iterator[Client]:
    """Yield a client of the API at `url`, or of one that serves a bundle in this process with an engine."""
    if bool(bundle) == bool(url):
        raise typer.BadParameter("Give either --bundle FOLDER or --url URL.")
    key = key_for(url, key_file)
    if bundle and bundle.startswith("s3://"):
        raise CommandError("The people of a bundle in S3 are those of the service that uses it: give its --url.")
    checks.bundle(bundle)
    with progress() as bar:
        task = bar.add_task("Asking the API" if url else "Loading the bundle", total=1)
        if url:
            with connection(url, key, bar) as client:
                yield client
        else:
            from scripts import bundle_api

            with bundle_api.connection(str(bundle), bar, engine=engine) as client:
                yield client
        bar.advance(task)


def _has(*members: str) -> Any:
    return lambda answer: all(member in answer for member in members)


def _people(client: Client, name: str = "") -> tuple[list[Answer], Answer]:
    """Return everybody whose name contains `name`, on all pages, and what the API says of the roster."""
    people: list[Answer] = []
    query = {"limit": str(_PAGE), "name": name}
    while True:
        page = client.send("GET", "people", _has("people", "next", "roster"), params=query, attempts=3)
        people += page["people"]
        if page["next"] is None:
            return people, page["roster"]
        query["after"] = page["next"]


def _find(client: Client, name: str) -> Answer:
    """Return the person whom somebody means who types `name`, a name or an id.

    Raises:
        CommandError: there is nobody, or there are several.
    """
    if _ID.fullmatch(name):
        with suppress(NoAnswerError):
            return client.send("GET", f"people/{name}", _has("name"))
    people, _ = _people(client, printable(name))  # a list of everybody may be long
    names = [person["name"] for person in people]
    found = found_as(name, names)
    if found is not None:
        return people[names.index(found)]
    near = similar(name, [person["name"] for person in _people(client)[0]])
    hint = f" Did you mean {' or '.join(map(_quoted, near))}?" if near else ""
    raise CommandError(f"There is nobody called {_quoted(name)}.{hint} `visage people list` lists everybody.")


def _quoted(name: str) -> str:
    return f'"{printable(name)}"'


def _ask(client: Client, person: Answer) -> None:
    """Ask whether a person is to be removed.

    Raises:
        CommandError: not so, or nobody can answer.
    """
    if not sys.stdin or not sys.stdin.isatty():
        raise CommandError("Nobody is there to be asked. Give --yes to remove the person.")
    client.bar.stop()  # it would write over the question
    embeddings = counted(person["photos"] + person["near_misses"], "embedding")
    if not typer.confirm(f"Remove {printable(person['name'])} ({embeddings})?", err=True):
        raise CommandError("Nobody was removed.")


def _show_people(found: Mapping[str, Any]) -> None:
    if not found["people"]:
        out.print("There is nobody.")
        return
    table = Table(
        Column("Name", overflow="fold"), "Photos", "Near misses", "Known", "Advice", Column("Id", no_wrap=True)
    )
    for person in found["people"]:
        table.add_row(
            printable(person["name"]),
            "trained" + (f" + {person['photos']}" if person["photos"] else "")
            if person["trained"]
            else str(person["photos"]),
            str(person["near_misses"]),
            "-" if person["quality"] is None else f"{person['quality']:.0%}",
            printable(_advice(person)),
            person["id"],
        )
    out.print(table)
    supported = found["roster"]["supported"]
    if supported is not None and sum(not person["trained"] for person in found["people"]) > supported:
        note(
            [f"Thresholds were measured for {supported:,} people who were added. With more, strangers may get a name."]
        )


def _advice(person: Answer) -> str:
    others = " and ".join(other["name"] for other in person["lookalikes"])
    words = [f"{_ADVICE.get(advice, advice)}{f' {others}' if advice == 'alike' else ''}" for advice in person["advice"]]
    return ", ".join(words)


def _show_removed(removed: Mapping[str, Any]) -> None:
    name = printable(removed["name"])
    out.print(f"{name} is removed.")
    if removed["gone_on"] > str(datetime.now(UTC).date()):
        out.print(f"Former versions of the roster, by which a mistake can be undone, are gone on {removed['gone_on']}.")
    out.print(
        f"Still to delete where they exist: photos of {name}, and backups and copies of the roster. Other services and "
        "bundles that know them have rosters of their own."
    )


def _show_imported(result: Mapping[str, Any]) -> None:
    out.print(f"added {counted(result['added'], 'person')}; the roster has {counted(result['people'], 'person')}")
    for remark in result["remarks"]:
        out.print(Text("note", "yellow"), printable(remark))
