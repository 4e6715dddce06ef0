"""`visage prepare`: a folder of people's photos to a folder of aligned faces."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from dataset.aligned import OUTPUT, PAGE
from dataset.prepare import Report, plan
from dataset.selection import Cause
from dataset.words import counted
from model.settings import cores
from scripts import checks
from scripts.console import (
    CommandError,
    JSONOption,
    PretrainedOption,
    WorkersOption,
    console,
    emit,
    note,
    out,
    progress,
    steps,
)
from scripts.questions import require_answers, show_questions


def prepare(
    photos: Annotated[Path, typer.Argument(help="A folder with one folder of photos for each person.")],
    aligned: Annotated[Path, typer.Argument(help="The folder for the aligned faces.")],
    keep: Annotated[
        list[Path] | None,
        typer.Option(
            help="A photo to keep, whatever its face is like. PHOTO#2 says that its second face from the left is the "
            "folder's person. Repeat for more."
        ),
    ] = None,
    drop: Annotated[list[Path] | None, typer.Option(help="A photo to set aside. Repeat for more.")] = None,
    weights: PretrainedOption = None,
    workers: WorkersOption = None,
    as_json: JSONOption = False,
) -> None:
    """Align the person's face in every photo to 600x600 pixels; set aside unsuitable photos, and report why.

    A photo is kept if its face is similar to those in the person's other photos. --keep and --drop are remembered.

    If several people fit a folder about equally, its photos are set aside, and the status is 1 until you say who it is.
    """
    planned, processes = plan(photos, aligned, keep or (), drop or ()), workers or cores()
    people = planned.people
    checks.weights(weights)
    checks.target(aligned, people.total * checks.MEGABYTES_A_PHOTO)
    note(people.remarks)
    checks.announce(
        f"Finding faces in {counted(people.total, 'photo')} of {counted(len(people.photos), 'person')}, unless an "
        "earlier call has done so",
        people.total * checks.SECONDS_A_PHOTO / min(processes, cores()),
        as_json=as_json,
    )
    from scripts.weights import load_weights
    from training.embedder import Embedder

    with progress() as bar:
        start = load_weights(weights, bar)
        show = partial(steps(bar), "Finding faces, photos")
        report = planned.carry_out(processes, Embedder.of_pretrained(start), show)
    emit(report.to_dict(), as_json=as_json, show=lambda _: _show(report, people.remarks))
    console.print(f"Report: {aligned / OUTPUT / PAGE}")
    require_answers(report.questions)
    if not any(outcome.chip for outcome in report.outcomes):
        raise CommandError("No photo has a face that can be kept.")


def _show(report: Report, said: Sequence[str]) -> None:
    table = Table(Column("Person", overflow="fold"), "Photos", "Kept", "Set aside")
    for name, (photos, chips) in report.counts().items():
        table.add_row(name, str(photos), str(chips), str(photos - chips))
    out.print(table)
    asked = {question.person for question in report.questions}
    for outcome in report.left_out:
        if outcome.cause == Cause.TIE and outcome.person in asked:
            continue  # the question says so of the whole folder
        out.print(Text("set aside", "yellow"), f"{outcome.photo}: {outcome.reason}")
    for outcome in report.outcomes:
        if outcome.chip and not outcome.complete:
            out.print(Text("kept", "yellow"), f"{outcome.photo}: The photo is incomplete.")
    for remark in report.remarks:
        if remark not in said:
            out.print(Text("note", "yellow"), remark)
    show_questions(report.questions, out)
