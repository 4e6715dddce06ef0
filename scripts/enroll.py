"""`visage enroll`: adds people from a few photos each, without training."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from dataset.folders import walk
from dataset.prepare import select_faces
from dataset.words import counted
from model import bundle as bundles
from model.roster_storage import beside, of_bundle
from model.settings import cores
from scripts import checks
from scripts.console import CommandError, JSONOption, console, emit, note, out, progress, steps
from scripts.questions import require_answers, show_questions
from training.members import check_newcomers

_MEGABYTES: Final = 20
"""Of the roster of some thousand people."""


def enroll(
    bundle: Annotated[Path, typer.Argument(help="The folder of a bundle.")],
    photos: Annotated[
        Path, typer.Argument(help="A folder with one folder of photos for each person; one photo is enough.")
    ],
    keep: Annotated[
        list[Path] | None,
        typer.Option(
            help="A photo to use, whatever its face is like. PHOTO#2 says that its second face from the left is the "
            "person. Repeat for more."
        ),
    ] = None,
    as_json: JSONOption = False,
) -> None:
    """Add people to the roster of a bundle by embeddings of their photos. The bundle itself stays as it is.

    The roster is a file beside the folder of the bundle: BUNDLE.roster.npz. Move and copy both together.

    Photos of several people must tell whom you mean: add photos of the person alone, or say it with --keep.
    """
    opened = bundles.load(str(bundle))
    newcomers = walk(photos)
    enrolled = [person.name for person in of_bundle(opened).read()[0].people]
    check_newcomers([*opened.manifest.labels, *enrolled], newcomers.photos)
    checks.replacement(beside(bundle), _MEGABYTES)
    note(newcomers.remarks)
    checks.announce(
        f"Enrolling {counted(len(newcomers.photos), 'person')} by {counted(newcomers.total, 'photo')}",
        newcomers.total * checks.SECONDS_A_PHOTO / cores(),
        as_json=as_json,
    )
    from training.embedder import Embedder
    from training.enrolment import embeddings_of, gallery_of, poor_references
    from training.enrolment import enroll as enroll_people

    with progress() as bar:
        show = partial(steps(bar), "Finding faces, photos")
        kept, report = select_faces(newcomers, cores(), Embedder.of_bundle(opened).with_mirror(), show, keep=keep or ())
    show_questions(report.questions, console)
    require_answers(report.questions)
    people = embeddings_of(kept)
    set_aside = {outcome.photo: str(outcome.reason) for outcome in report.left_out}
    if not people:
        raise CommandError(f"Nobody can be enrolled: {next(iter(set_aside.values()))}")
    roster, remarks = enroll_people(opened, people)
    result = {
        "bundle": str(bundle),
        "roster": str(beside(bundle)),
        "version": roster.version,
        "people": len(roster.people),
        "enrolled": {name: len(embeddings) for name, embeddings in people.items()},
        "set_aside": set_aside,
        "remarks": [*report.remarks, *remarks, *poor_references(kept, gallery_of(opened).cohort)],
    }
    emit(result, as_json=as_json, show=lambda result: _show(result, newcomers.remarks))


def _show(result: dict[str, Any], said: Sequence[str]) -> None:
    for name, count in result["enrolled"].items():
        out.print(f"enrolled {name}, from {counted(count, 'photo')}")
    for photo, reason in result["set_aside"].items():
        out.print(Text("set aside", "yellow"), f"{photo}: {reason}")
    for remark in result["remarks"]:
        if remark not in said:
            out.print(Text("note", "yellow"), remark)
    out.print(f"{result['roster']}: version {result['version']}, {counted(result['people'], 'person')}")
