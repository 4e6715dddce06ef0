"""`visage`: gathers the commands and turns every failure into one line and an exit status."""

import errno
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import typer
from rich.text import Text

from dataset.errors import PrepareError
from deploy.errors import DeployError
from model.errors import ModelError
from preprocess.errors import PhotoError
from scripts import console
from training.errors import TrainingError

COMMANDS: Final = (
    "samples",
    "prepare",
    "train",
    "evaluate",
    "benchmark",
    "export",
    "enroll",
    "forget",
    "publish",
    "recognize",
    "local",
    "deploy",
    "demo",
)
"""Each a module of this package, holding a function of its own name, or a `typer.Typer` called `app`."""

_INTERRUPTED: Final = 130
"""A shell's exit status for Ctrl-C: 128 and the signal's number."""


def main() -> None:
    """Run the command line; exit 0, or 1 with a sentence, or 130 when interrupted."""
    try:
        application(sys.argv[1:])()
    except (ModelError, TrainingError, PhotoError, PrepareError, DeployError, console.CommandError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _tell_interrupted()
        sys.exit(_INTERRUPTED)
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:  # what typer makes of Ctrl-C
            _tell_interrupted()
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            _fail("The disk is full. Make room and run the same command again; what is done is kept.")
        _fail(f"{error.strerror}: {error.filename}" if error.filename else str(error))


def application(words: Sequence[str] = ()) -> typer.Typer:
    """Return the command line for `words`: with one command where it names one, else with all of them.

    Some commands take seconds to import, so that nobody should wait for those of the others.
    """
    app = typer.Typer(
        name="visage",
        help="Folders of photos, one a person, become a face-recognition API.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(lambda: None)
    for name in [word for word in words[:1] if word in COMMANDS] or COMMANDS:
        module = import_module(f"scripts.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command()(getattr(module, name))
    return app


def _tell_interrupted() -> None:
    console.console.print(Text("Interrupted.", "yellow"), "Run the same command again to go on.")


def _fail(sentence: str) -> None:
    console.console.print(Text("Error:", "bold red"), sentence, soft_wrap=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
