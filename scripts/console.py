"""What the commands share: settings, options, and how progress and results are shown."""

import io
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Final, TextIO, cast

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from dataset.progress import OnStep
from model.settings import ROOT, Settings
from scripts.errors import CommandError

__all__ = [
    "CACHE",
    "SETTINGS",
    "Answer",
    "BundleOption",
    "CommandError",
    "JSONOption",
    "OutputOption",
    "PretrainedOption",
    "WorkersOption",
    "console",
    "emit",
    "note",
    "out",
    "progress",
    "require_checkout",
    "step",
    "steps",
]

SETTINGS: Final = Settings.read()

CACHE: Final = SETTINGS.cache
"""The folder of downloads, converted weights and the local AWS. It can be deleted: all of it is made again."""


class _StandardError(io.TextIOBase):
    """Standard error as it is at the time of writing. Nobody stops working because it is gone, as a terminal may be."""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # io declares an attribute
        return getattr(self._stream(), "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream().flush()

    def isatty(self) -> bool:
        return self._stream().isatty()

    def fileno(self) -> int:
        return self._stream().fileno()

    @staticmethod
    def _stream() -> TextIO:
        """Return the stream itself, also while rich shows a progress bar and has its own in the place of it."""
        return getattr(sys.stderr, "rich_proxied_file", sys.stderr) or io.StringIO()


console: Final = Console(file=cast("TextIO", _StandardError()), highlight=False, markup=False, emoji=False)
"""For progress and remarks, on standard error. Results go to standard output, so that they can be piped.

Markup and emoji codes are off because names of files may contain brackets and colons. Styled words are `Text`.
"""

out: Final = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)

Answer = dict[str, Any]
"""The result of a command, as `--json` prints it."""

JSONOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
BundleOption = Annotated[str | None, typer.Option(help="A bundle: a folder or s3://bucket/prefix.")]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Number of worker processes. (default: one for each core)")
]

PretrainedOption = Annotated[
    str | None,
    typer.Option(
        "--pretrained",
        metavar="vggface2|casia-webface|FILE",
        help="Pretrained weights. (default: vggface2, or casia-webface if that cannot be downloaded)",
    ),
]

OutputOption = Annotated[Path | None, typer.Option(help="Folder for the new bundle. (default: replace the old one)")]


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


def progress(*columns: ProgressColumn) -> Progress:
    """Return a progress bar with description, count, these columns, and remaining time."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *columns,
        TimeRemainingColumn(),
        console=console,
    )


def steps(bar: Progress) -> OnStep:
    """Return a function that shows a step's progress: its name, the amount done and the total."""
    tasks: dict[str, TaskID] = {}

    def show(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what)
        bar.update(tasks[what], completed=done, total=total)

    return show


@contextmanager
def step(name: str) -> Iterator[None]:
    """Show a spinner during the block, and afterwards how long it took."""
    start = time.monotonic()
    with console.status(name):
        yield
    console.print(Text("✓", "green"), name, Text(f"{time.monotonic() - start:.1f} s", "dim"), soft_wrap=True)


def emit(value: Any, *, as_json: bool, show: Callable[[Any], object]) -> None:
    """Print a result to standard output: as JSON for programs, or with `show` for people."""
    if as_json:
        sys.stdout.write(f"{_json(value)}\n")
    else:
        show(value)


def note(remarks: Iterable[str]) -> None:
    """Print what looks like a mistake, before the work begins."""
    for remark in remarks:
        console.print(Text("note", "yellow"), remark, soft_wrap=True)


def _json(value: Any) -> str:
    """Return a value as JSON; characters that standard output cannot write are escaped as JSON escapes them."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, indent=2)
    return text
