"""`visage local`: the local AWS, started and stopped by hand."""

import typer

from deploy.local import default
from scripts.console import JSONOption, console, emit, out

app = typer.Typer(help="Start and stop the local AWS.", no_args_is_help=True)


@app.command()
def up() -> None:
    """Start the local AWS and wait until it answers."""
    local = default()
    with console.status("Starting the local AWS"):
        local.start()
    out.print(f"The local AWS answers at {local.endpoint}")


@app.command()
def down() -> None:
    """Stop the local AWS. What was deployed to it is gone."""
    local = default()
    with console.status("Stopping the local AWS"):
        stopped = local.stop()
    out.print("The local AWS is stopped." if stopped else "The local AWS was not running.")


@app.command()
def status(as_json: JSONOption = False) -> None:
    """Tell whether the local AWS runs, and where."""
    local = default()
    running = local.running()
    emit(
        {"running": running, "endpoint": local.endpoint, "log": str(local.log)},
        as_json=as_json,
        show=lambda _: out.print(
            f"The local AWS answers at {local.endpoint}" if running else "The local AWS is not running."
        ),
    )
