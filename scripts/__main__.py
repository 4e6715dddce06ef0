"""`visage`: gathers the commands and turns every failure into one line and an exit status."""

import errno
import sys

import typer

from model.errors import ModelError
from preprocess.errors import PhotoError, PrepareError
from scripts import console, local
from scripts.deploy import deploy
from scripts.evaluate import evaluate
from scripts.export import export
from scripts.prepare import prepare
from scripts.publish import publish
from scripts.recognize import recognize
from scripts.samples import samples
from scripts.train import train

app = typer.Typer(
    name="visage",
    help="Folders of photos, one a person, become a face-recognition API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

for command in (samples, prepare, train, evaluate, export, publish, recognize, deploy):
    app.command()(command)
app.add_typer(local.app, name="local")


def main() -> None:
    """Run the command line; exit 0, or 1 with a sentence, or 130 when interrupted."""
    try:
        app()
    except (ModelError, PhotoError, PrepareError, console.CommandError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        console.console.print("[yellow]Interrupted.[/] Run the same command again to go on.")
        sys.exit(130)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            _fail("The disk is full. Make room and run the same command again; what is done is kept.")
        _fail(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))


def _fail(sentence: str) -> None:
    console.console.print(f"[bold red]Error:[/] {sentence}", markup=True, soft_wrap=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
