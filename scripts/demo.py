"""`make demo`: from sample photos to an answer of the API, with the commands that a user would type."""

import json
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from dataset.words import counted
from deploy import local, stack
from scripts import checks
from scripts.console import CACHE, SETTINGS, CommandError, console, require_checkout
from scripts.samples import PEOPLE, STRANGERS, UNSEEN

_HOME: Final = CACHE / "demo"
_PHOTOS, _ALIGNED, _RUN, _BUNDLE, _ROWS = (_HOME / name for name in ("photos", "aligned", "run", "bundle", "rows"))
_SECONDS: Final = 70
"""Measured: three runs of `make demo ONCE=1` on two cores took 85, 66 and, with everything downloaded, 47 seconds."""

_MEGABYTES: Final = 1000

_NO_PHOTO: Final = _HOME / "not-a-photo.jpg"

_FRIEND: Final = "A friend"
_FACE: Final = 1
"""Who is added to the API: the most prominent face of the six in the photo of strangers."""


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Stop at the end instead of keeping the website running.")
    ] = False,
) -> None:
    """Train on sample photos, deploy to a local AWS, send the API three photos, and add a person to it."""
    require_checkout("demo")
    began = time.monotonic()
    if shutil.which("curl") is None:
        raise CommandError("The demo asks the API with curl. Install curl and run it again.")
    stack.check_tools(SETTINGS)
    local.default(SETTINGS).check()
    checks.target(CACHE, _MEGABYTES)
    checks.announce("Making a model of sample photos and deploying it to this machine", _SECONDS, as_json=False)
    _make_bundle()
    try:
        addresses = _deploy()
        _ask(addresses["api"])
        _recognise_folder()
        _add_friend(addresses["api"])
        console.rule()
        console.print(f"{counted(round(time.monotonic() - began), 'second')}. The website: {addresses['site']}")
        if not once:
            _wait()
    finally:
        _headline("Stopping the local AWS")
        local.default(SETTINGS).stop()


def _make_bundle() -> None:
    _headline("Downloading sample photos of four people from packages of the registry")
    _visage("samples", _PHOTOS)
    _headline("Aligning the faces")
    _visage("prepare", _PHOTOS / PEOPLE, _ALIGNED)
    _headline("Training (with so few photos, this is a demonstration and not a measurement)")
    _visage("train", _ALIGNED, _RUN, "--restart")
    _headline("Exporting the bundle")
    _visage("export", _RUN, _BUNDLE, "--replace", "--no-measure")


def _deploy() -> dict[str, str]:
    _headline("Starting a local AWS and deploying stack, model and website to it")
    _visage("local", "up")
    examples = [word for photo in (UNSEEN, STRANGERS) for word in ("--example", str(_PHOTOS / photo))]
    return dict(json.loads(_visage("deploy", "--stage", "local", "--bundle", _BUNDLE, *examples, "--json", read=True)))


def _ask(api: str) -> None:
    """Ask whom it knows, and upload three files: a new photo of somebody known, a photo of strangers, and a text."""
    _NO_PHOTO.write_text("This is a sentence and not a photo.\n", encoding="utf-8")
    _headline("The people whom the model knows, and what was measured")
    _curl(f"{api}/labels")
    _upload(api, _PHOTOS / UNSEEN, "A photo that training never saw")
    _upload(api, _PHOTOS / STRANGERS, "A photo of six strangers")
    _upload(api, _NO_PHOTO, "A file that is not a photo")


def _upload(api: str, photo: Path, title: str) -> None:
    _headline(title)
    answer = _curl("-F", f"image=@{photo}", f"{api}/recognize")
    for number, face in enumerate(answer.get("faces", ()), 1):
        _explain(number, face)


def _add_friend(api: str) -> None:
    """Add one of the strangers by a key that works only for this, and ask again who is in their photo.

    Somebody whom a former demo added may still be there, if the local AWS has run since.
    """
    _headline("Adding one of the strangers, without training: with a key of the owner")
    photo, name = _PHOTOS / STRANGERS, f"demo {secrets.token_hex(4)}"
    scopes = ("--scope", "people", "--scope", "recognize")
    key = json.loads(_visage("keys", "create", name, *scopes, "--json", read=True))["key"]
    try:
        listed = _visage("people", "list", "--name", _FRIEND, "--url", api, "--json", read=True, key=key)
        for person in json.loads(listed)["people"]:
            _visage("people", "remove", person["id"], "--url", api, "--yes", key=key)
        _visage("people", "add", _FRIEND, photo, "--face", f"{photo.name}={_FACE}", "--url", api, key=key)
        _headline("The photo of strangers again: one of them has a name")
        _visage("recognize", photo, "--url", api, key=key)
        console.print("The samples have no second photo of that person: this shows how, and measures nothing.")
    finally:
        _visage("keys", "revoke", name)


def _recognise_folder() -> None:
    """Recognise all photos at once: the model of a former demo made the rows that may be there."""
    _headline("Who is in each photo of a folder, one row a photo, on the cores of this machine")
    _visage("batch", _PHOTOS, _ROWS, "--bundle", _BUNDLE, "--new", "--thumbnails")


def _curl(*words: str) -> dict[str, Any]:
    """Send a request with curl, show request and answer, and return the answer."""
    command = ["curl", "--silent", "--show-error", *words]
    print(f"$ {shlex.join(command)}", flush=True)
    status, printed = _run(command, read=True)
    if status:
        raise CommandError("The API cannot be reached.")
    answer = dict(json.loads(printed))
    print(json.dumps(answer, ensure_ascii=False), flush=True)
    return answer


def _explain(number: int, face: dict[str, Any]) -> None:
    """Say which part of an answer comes from which head of the network."""
    named = face["predictions"][0]
    console.print(
        f"face {number}: the fine-tuned head says {named['label']} ({named['probability']:.0%}); the similarity by the "
        f"pretrained head is {face['similarity']:.2f}, so the face is {'known' if face['known'] else 'unknown'}"
    )


def _wait() -> None:
    console.print("Open it in a browser. Press Ctrl-C to end the demo.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print()


def _headline(text: str) -> None:
    console.rule(Text(text, "bold"), align="left")


def _visage(*words: str | Path, read: bool = False, key: str | None = None) -> str:
    """Run a command of Visage, with a key for the API; with `read`, return what it printed instead of showing that."""
    command = list(map(str, words))
    console.print(f"$ visage {shlex.join(command)}", style="dim")
    status, printed = _run([sys.executable, "-m", "scripts", *command], read=read, key=key)
    if status:
        raise CommandError(f"`visage {words[0]}` failed. The reason is above. Run `make demo` again to go on.")
    return printed


def _run(command: list[str], *, read: bool, key: str | None = None) -> tuple[int, str]:
    """Run a program; return its exit status and what it printed. If the demo ends before it does, it is ended too."""
    environment = {**SETTINGS.environment, **({"VISAGE_KEY": key} if key else {})}
    output = subprocess.PIPE if read else None
    with subprocess.Popen(command, stdout=output, text=True, env=environment) as program:
        try:
            printed, _ = program.communicate()
        except BaseException:
            program.terminate()  # not kill, as subprocess.run does: it has processes and files of its own to end
            program.wait()
            raise
    return program.returncode, printed or ""
