"""`visage publish`: uploads a bundle to S3 and verifies it."""

from pathlib import Path
from typing import Annotated

import typer

from model import bundle as bundles
from model.bundle import Manifest
from model.storage import Connect
from scripts import checks
from scripts.console import JSONOption, emit, out, progress


def publish(
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle.")],
    location: Annotated[str, typer.Argument(help="Where to upload it: s3://bucket/prefix.")],
    as_json: JSONOption = False,
) -> None:
    """Upload a bundle to S3 and verify the upload."""
    checks.announce(f"Uploading {checks.megabytes_of(bundle):.0f} MB to {location}", as_json=as_json)
    manifest = send(bundle, location)
    emit(
        {"version": manifest.version, "location": location},
        as_json=as_json,
        show=lambda _: out.print(f"Model {manifest.version} is at {location}"),
    )


def send(bundle: Path, location: str, connect: Connect | None = None) -> Manifest:
    """Publish the bundle with a progress bar for each file, counted in bytes; `connect` makes the S3 client."""
    with progress() as bars:
        tasks = {}

        def advance(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(f"Uploading {name}", total=total)
            bars.update(tasks[name], completed=done)

        return bundles.publish(bundle, location, advance, connect)
