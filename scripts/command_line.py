"""The command line: lists the commands, runs one, and turns every failure into one line and an exit status."""

import errno
import io
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_group

from batch.errors import BatchError
from collection.errors import CollectionError
from dataset.errors import PrepareError
from deploy.errors import DeployError
from model.errors import ModelError
from model.version import VERSION
from preprocess.errors import PhotoError
from scripts import endings
from scripts.errors import CommandError
from scripts.extras import how_to_install
from training.errors import TrainingError

COMMANDS: Final = {
    "samples": "Download sample photos: people to train on, one photo kept from training, and strangers.",
    "prepare": "Align the person's face in every photo to 600x600 pixels; set aside unsuitable photos, and report why.",
    "sort": "Sort a pile of photos without names into a folder for each person.",
    "train": "Fine-tune the network on aligned faces. After an interruption, the same command continues.",
    "evaluate": "Recognise photos of known people and of strangers as the API does, and count right answers.",
    "benchmark": "Measure a network on public photos, or the whole product on yours.",
    "export": (
        "Write the bundle: the network for each engine, checked on real faces, and the thresholds for its answers."
    ),
    "enroll": "Add people to the roster of a bundle by embeddings of their photos. The bundle itself stays as it is.",
    "forget": "Remove a person: the name, the embeddings, and their weights in the network's last layer.",
    "people": "List, add, rename and remove people without training, and keep a backup of them.",
    "publish": "Upload a bundle to S3 and verify the upload.",
    "recognize": "Name the people in each photo.",
    "batch": "Say who is in each photo of a folder or bucket: one row a photo, in parts that a rerun reuses.",
    "verify": "Say whether two photos show one person.",
    "search": "List the photos of a batch's output in which a face is, best first, each photo once.",
    "local": "Start and stop the local AWS, an emulation of AWS on this machine.",
    "deploy": "Deploy stack, model and website, and print the addresses of API and website.",
    "keys": "Make, list and revoke keys of a deployed API.",
    "status": "Show what is deployed to a stage and since when, and the last day's requests, errors and durations.",
    "rollback": "Let the API answer with the release before: its code, its model and its settings. It takes seconds.",
    "remove": "Remove a stage: API, function, published models with all versions, website, logs and images.",
    "demo": "Train on sample photos, deploy to a local AWS, send the API three photos, and add a person to it.",
}
"""Each command and its summary for the list of commands.

A command is a module of this package with a function of the same name, or with a `typer.Typer` called `app`. The
summary is the first paragraph of the function's docstring, or the help of the app. It is repeated here because the
modules import torch and other large packages: they are imported only when the command is called.
"""

_FAILED: Final = 1
_OUR_ERRORS: Final = (
    BatchError,
    ModelError,
    TrainingError,
    PhotoError,
    PrepareError,
    CollectionError,
    DeployError,
    CommandError,
)


class _Commands(TyperGroup):
    """The list of commands; a command's module is imported when the command is called or asked for its help."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, listed, rest = super().resolve_command(ctx, args)
        return name, _load(name) if name else listed, rest


def run() -> None:
    """Run the command that the arguments name, and exit with its status, see `scripts.__main__`."""
    _prepare_output()
    try:
        _run()
    except BaseException as error:
        number = _signal_behind(error)
        if number:
            _say_interrupted()
            sys.exit(128 + number)
        _explain(error)
        raise
    finally:
        _close_output()


def _signal_behind(error: BaseException) -> int:
    """Return the number of the signal that ended the command, 0 without one.

    A library may turn the exception of a signal into one of its own. A command that succeeds all the same has ended
    as it should: Ctrl-C is how one ends `visage demo`.
    """
    if isinstance(error, KeyboardInterrupt):
        return signal.SIGINT
    succeeded = isinstance(error, SystemExit) and not error.code
    return 0 if succeeded else endings.received()


def _explain(error: BaseException) -> None:
    """Exit with status 1 and a line that gives the reason, unless the error is a bug of ours or the end itself."""
    if isinstance(error, _OUR_ERRORS):
        _fail(str(error))
    if isinstance(error, BrokenPipeError):  # who reads our output, such as `head`, has seen enough
        sys.exit(_FAILED)
    if isinstance(error, OSError):
        _fail(_system_error(error))
    if isinstance(error, Exception) and (reason := _reason(error)):
        _fail(reason)


def _run() -> None:
    """Run the command that the arguments name; an output that cannot be written is an error here."""
    try:
        application()()
    except SystemExit as ended:
        if not ended.code:
            sys.stdout.flush()
        raise


def _prepare_output() -> None:
    """Let standard output accept every text, even if it is closed or cannot write every character."""
    if sys.stdout is None:  # closed by the shell, as in `visage … >&-`
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # for as long as the process lives
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _close_output() -> None:
    """Write what is left to write. What cannot be written, because the terminal is gone, is dropped."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def application() -> typer.Typer:
    """Return the command line with all commands, without importing their modules."""
    app = typer.Typer(
        name="visage",
        cls=_Commands,
        help="Make a face-recognition API from folders of photos, one folder for each person.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    for name, summary in COMMANDS.items():
        app.command(name, help=summary)(_not_loaded)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"{VERSION}\n")
        raise typer.Exit


def _options(
    version: Annotated[  # its callback does the work
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options of `visage` itself."""


def _not_loaded() -> None:
    """Take the place of a command in the list of commands."""


def _load(name: str) -> Any:
    module = import_module(f"scripts.{name}")
    parent = typer.Typer()
    if hasattr(module, "app"):
        parent.add_typer(module.app, name=name)
    else:
        parent.command(name)(getattr(module, name))
    return get_group(parent).commands[name]


def _reason(error: Exception) -> str | None:
    """Return the sentence for an error of AWS or a package that is not installed, None for a bug of ours."""
    if isinstance(error, ModuleNotFoundError):
        command = how_to_install(error.name or "")
        return command and f"{error.name} is not installed, and this command needs it. Run: {command}"
    if _comes_from_aws(error):
        from deploy.aws_errors import sentence  # it imports botocore, which most commands do not need

        return sentence(error)
    return None


def _comes_from_aws(error: Exception) -> bool:
    if "botocore.exceptions" not in sys.modules:
        return False
    from botocore.exceptions import BotoCoreError, ClientError  # imported already

    return isinstance(error, BotoCoreError | ClientError)


def _system_error(error: OSError) -> str:
    """Return a sentence for what the operating system refused."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        disk = f"The disk of {error.filename}" if error.filename else "The disk"
        return f"{disk} is full. Free some space and run the same command again; finished work is kept."
    if not error.filename:
        return str(error)
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"You have no permission to use {error.filename}."
    if error.errno == errno.EROFS:
        return f"{error.filename} cannot be written: its disk is read-only."
    return f"{error.strerror}: {error.filename}"


def _say_interrupted() -> None:
    from rich.text import Text  # `visage --help` does not need it

    from scripts.console import console

    console.print(Text(endings.INTERRUPTED, "yellow"), endings.WAY_ON)


def _fail(reason: str) -> NoReturn:
    from rich.text import Text  # `visage --help` does not need it

    from scripts.console import console

    console.print(Text("Error:", "bold red"), reason, soft_wrap=True)
    sys.exit(_FAILED)
