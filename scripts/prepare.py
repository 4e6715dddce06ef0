"""`visage prepare`: a folder of people's photos to a folder of aligned faces."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from preprocess.dataset import OUTPUT, PAGE, Report
from preprocess.dataset import prepare as prepare_photos
from scripts.console import CommandError, JSONOption, console, emit, out, progress


def prepare(
    photos: Annotated[Path, typer.Argument(help="A folder with one folder of photos a person.")],
    aligned: Annotated[Path, typer.Argument(help="Where the aligned faces go.")],
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that align at the same time. [default: one a core]")
    ] = None,
    as_json: JSONOption = False,
) -> None:
    """Align the face in every photo, 600x600 a face, and report what was left out and why."""
    with progress() as bar:
        task = bar.add_task("Aligning", total=None)
        report = prepare_photos(
            photos,
            aligned,
            workers or len(os.sched_getaffinity(0)),
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    emit(report.to_dict(), as_json=as_json, show=lambda _: _show(report))
    console.print(f"Report: {aligned / OUTPUT / PAGE}")
    if not any(outcome.chip for outcome in report.outcomes):
        raise CommandError("Not one photo has a face that could be aligned.")


def _show(report: Report) -> None:
    table = Table("Person", "Photos", "Aligned")
    for name, (photos, chips) in report.counts().items():
        table.add_row(name, str(photos), str(chips))
    out.print(table)
    for outcome in report.left_out:
        out.print(f"[yellow]left out[/] {outcome.photo}: {outcome.reason}")
    for remark in report.remarks:
        out.print(f"[yellow]note[/] {remark}")
