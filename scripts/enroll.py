"""`visage enroll`: people added to a bundle from a few photos each, without training."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from dataset.prepare import select_faces
from model import bundle as bundles
from model.settings import cores
from scripts.console import CommandError, JSONOption, OutputOption, emit, out, progress, steps
from training.embedder import Embedder
from training.enrolment import embeddings_of
from training.enrolment import enroll as enroll_people


def enroll(
    bundle: Annotated[Path, typer.Argument(help="What `visage export` made.")],
    photos: Annotated[Path, typer.Argument(help="A folder with one folder of photos a person; one photo is enough.")],
    output: OutputOption = None,
    as_json: JSONOption = False,
) -> None:
    """Add people to a bundle by what their faces look like; the others stay as they are."""
    target = output or bundle
    bundles.check_target(target, replace_existing=target == bundle)
    opened = bundles.load(str(bundle))
    with progress() as bar:
        kept, report = select_faces(
            photos, cores(), Embedder.of_bundle(opened), partial(steps(bar), "Looking at photos")
        )
    people = embeddings_of(kept)
    aside = {outcome.photo: str(outcome.reason) for outcome in report.left_out}
    if not people:
        raise CommandError(f"Nobody can be enrolled: {next(iter(aside.values()))}")
    made, remarks = enroll_people(opened, people, target, replace_existing=target == bundle)
    result = {
        "bundle": str(target),
        "version": made.manifest.version,
        "enrolled": {name: len(embeddings) for name, embeddings in people.items()},
        "set_aside": aside,
        "remarks": [*report.remarks, *remarks],
        "threshold": made.manifest.threshold,
    }
    emit(result, as_json=as_json, show=_show)


def _show(result: dict[str, Any]) -> None:
    for name, count in result["enrolled"].items():
        out.print(f"enrolled {name}, from {count} {'photo' if count == 1 else 'photos'}")
    for photo, reason in result["set_aside"].items():
        out.print(Text("set aside", "yellow"), f"{photo}: {reason}")
    for remark in result["remarks"]:
        out.print(Text("note", "yellow"), remark)
    out.print(f"{result['bundle']}: version {result['version']}, threshold {result['threshold']:.3f}")
