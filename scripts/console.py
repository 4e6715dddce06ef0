"""What the commands share: where things are kept, how progress, results and errors look."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from model.settings import ROOT, Settings

SETTINGS: Final = Settings.read()

CACHE: Final = SETTINGS.cache
"""Downloads, converted weights and the local AWS live here; deleting it loses nothing but time."""

console: Final = Console(stderr=True, highlight=False, markup=False)
"""For people: progress and remarks. Results go to standard output, so that they can be piped.

Brackets in a file's name are no markup: what has a style is a `Text`.
"""

out: Final = Console(highlight=False, soft_wrap=True, markup=False)

JSONOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

PretrainedOption = Annotated[
    str | None,
    typer.Option(
        "--pretrained",
        metavar="vggface2|casia-webface|FILE",
        help="Pretrained weights. (default: vggface2, or casia-webface where that cannot be reached)",
    ),
]

OutputOption = Annotated[
    Path | None, typer.Option(help="Where the new bundle goes. (default: it replaces the old one)")
]


class CommandError(Exception):
    """Ends a command with one line that says what to do."""


def require_checkout(command: str) -> None:
    """Check that Visage runs from its checkout, which has files that an installed package has not.

    Raises:
        CommandError: it was installed with pip.
    """
    if not (ROOT / "serverless.yml").is_file():
        raise CommandError(
            f"`visage {command}` needs the source code of Visage, and this is an installed package. "
            "Clone the repository, run `make setup` in it, and run the command there."
        )


def progress() -> Progress:
    """Return a progress bar: what, how much of it, and the time left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def steps(bar: Progress) -> Callable[[str, int, int], None]:
    """Return what shows a step by its name, how much of it is done and how much there is, from when it begins."""
    tasks: dict[str, TaskID] = {}

    def show(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what)
        bar.update(tasks[what], completed=done, total=total)

    return show


def emit(value: Any, *, as_json: bool, show: Callable[[Any], object]) -> None:
    """Print a result to standard output: as JSON for programs, else as `show` shows it to people."""
    if as_json:
        json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        show(value)
