"""`visage local`: starts and stops the local AWS."""

from typing import Final

import typer

from deploy.local import LocalAWS, default
from scripts import checks
from scripts.console import SETTINGS, JSONOption, console, emit, out, require_checkout

_MEGABYTES: Final = 200
"""The local AWS's own packages."""

app = typer.Typer(help="Start and stop the local AWS, an emulation of AWS on this machine.", no_args_is_help=True)


@app.command()
def up() -> None:
    """Start the local AWS and wait until it answers."""
    local = _local_aws()
    local.check()
    checks.target(SETTINGS.cache, _MEGABYTES)
    with console.status("Starting the local AWS, which installs it the first time"):
        local.start()
    out.print(f"The local AWS answers at {local.endpoint}")


@app.command()
def down() -> None:
    """Stop the local AWS. Everything that was deployed to it is lost."""
    local = _local_aws()
    with console.status("Stopping the local AWS"):
        stopped = local.stop()
    out.print("The local AWS is stopped." if stopped else "The local AWS was not running.")


@app.command()
def status(as_json: JSONOption = False) -> None:
    """Show whether the local AWS runs, and its address."""
    local = _local_aws()
    running = local.running()
    emit(
        {"running": running, "endpoint": local.endpoint, "log": str(local.log)},
        as_json=as_json,
        show=lambda _: out.print(
            f"The local AWS runs at {local.endpoint}" if running else "The local AWS is not running."
        ),
    )


def _local_aws() -> LocalAWS:
    require_checkout("local")
    return default(SETTINGS)
