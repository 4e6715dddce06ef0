"""`make demo`: sample photos to an answered upload, with the very commands a user would type."""

import json
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from scripts.console import CACHE, CommandError, console, require_checkout
from scripts.samples import PEOPLE, STRANGERS, UNSEEN

_HOME: Final = CACHE / "demo"
_PHOTOS, _ALIGNED, _RUN, _BUNDLE = (_HOME / name for name in ("photos", "aligned", "run", "bundle"))
_NO_PHOTO: Final = _HOME / "not-a-photo.jpg"


def demo(
    once: Annotated[bool, typer.Option("--once", help="End by itself instead of keeping the website up.")] = False,
) -> None:
    """Train on sample photos, deploy to a local AWS, and send the API three photos."""
    require_checkout("demo")
    began = time.monotonic()
    if shutil.which("curl") is None:
        raise CommandError("The demo asks the API with curl. Install curl and run it again.")
    _make_bundle()
    try:
        addresses = _deploy()
        _ask(addresses["api"])
        console.rule()
        console.print(f"{time.monotonic() - began:.0f} seconds. The website: {addresses['site']}")
        if not once:
            _wait()
    finally:
        _visage("local", "down")


def _make_bundle() -> None:
    _say("Sample photos of four people, out of packages of the registry")
    _visage("samples", _PHOTOS)
    _say("Aligning the faces")
    _visage("prepare", _PHOTOS / PEOPLE, _ALIGNED)
    _say("Training; with so few photos this is a demonstration, not a measurement")
    _visage("train", _ALIGNED, _RUN, "--restart")
    _say("Exporting the bundle")
    _visage("export", _RUN, _BUNDLE, "--replace")


def _deploy() -> dict[str, str]:
    _say("Starting a local AWS and deploying stack, model and website to it")
    _visage("local", "up")
    examples = [word for photo in (UNSEEN, STRANGERS) for word in ("--example", str(_PHOTOS / photo))]
    command = ["deploy", "--stage", "local", "--bundle", str(_BUNDLE), *examples, "--json"]
    console.print(f"$ visage {shlex.join(command)}", style="dim")
    done = subprocess.run([sys.executable, "-m", "scripts", *command], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise CommandError("The deployment failed; the reason stands above.")
    return dict(json.loads(done.stdout))


def _ask(api: str) -> None:
    """Ask whom it knows, and upload three files: somebody known in a new photo, strangers, and no photo at all."""
    _NO_PHOTO.write_text("This is a sentence, and no photo.\n", encoding="utf-8")
    _say("Whom the model knows, and how well")
    _curl(f"{api}/labels")
    _upload(api, _PHOTOS / UNSEEN, "A photo that training never saw")
    _upload(api, _PHOTOS / STRANGERS, "A photo of six strangers")
    _upload(api, _NO_PHOTO, "A file that is no photo")


def _upload(api: str, photo: Path, what: str) -> None:
    _say(what)
    answer = _curl("-F", f"image=@{photo}", f"{api}/recognize")
    for number, face in enumerate(answer.get("faces", ()), 1):
        _explain(number, face)


def _curl(*words: str) -> dict[str, Any]:
    """Show a request and its answer, and return the latter."""
    command = ["curl", "--silent", "--show-error", *words]
    print(f"$ {shlex.join(command)}", flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise CommandError("The API cannot be reached.")
    answer = dict(json.loads(done.stdout))
    print(json.dumps(answer, ensure_ascii=False), flush=True)
    return answer


def _explain(number: int, face: dict[str, Any]) -> None:
    """Tell the two heads' parts in an answer apart."""
    named = face["predictions"][0]
    console.print(
        f"face {number}: the fine-tuned head would name it {named['label']} ({named['probability']:.0%}); by the "
        f"pretrained head it is {face['similarity']:.2f} alike: {'known' if face['known'] else 'nobody I know'}"
    )


def _wait() -> None:
    console.print("Open it in a browser. Ctrl-C ends the demo.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print()


def _say(what: str) -> None:
    console.rule(Text(what, "bold"), align="left")


def _visage(*words: str | Path) -> None:
    command = list(map(str, words))
    console.print(f"$ visage {shlex.join(command)}", style="dim")
    if subprocess.run([sys.executable, "-m", "scripts", *command], check=False).returncode:
        raise CommandError(f"`visage {words[0]}` failed; the reason stands above. Run `make demo` again to go on.")
