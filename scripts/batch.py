"""`visage batch`: who is in the photos of a folder, a prefix of S3 or an S3 inventory, one row a photo."""

from contextlib import AbstractContextManager, closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.progress import ProgressColumn, Task
from rich.table import Table
from rich.text import Text

from batch import planning
from batch.contract import Header
from batch.errors import OutputError
from batch.opening import source_at
from batch.rows import AGAIN, STATUSES
from batch.storage import Storage, storage_at
from batch.summary import finish, roster_name
from dataset.words import counted
from model import bundle as bundles
from model.errors import ModelError
from model.roster_storage import RosterStorage, beside
from model.settings import cores
from model.space import embedding_space
from preprocess.names import printable
from scripts import batch_stage, checks
from scripts.console import (
    SETTINGS,
    BundleOption,
    CommandError,
    JSONOption,
    WorkersOption,
    console,
    emit,
    note,
    out,
    progress,
    step,
)
from scripts.stages import Stage

if TYPE_CHECKING:
    from batch.planning import Plan
    from batch.sources import Source
    from scripts.batch_stage import Place

_LOCK: Final = ".lock"

_ON_AWS: Final = "On AWS, or on the local AWS"

_SECONDS_A_PHOTO: Final = 0.1
"""On one core, with faces of usual size: docs/batch.md has the measurement."""


def batch(
    source: Annotated[
        str,
        typer.Argument(help="A folder of photos, s3://bucket/prefix, or s3://bucket/…/manifest.json of an inventory."),
    ],
    output: Annotated[str, typer.Argument(help="The folder or s3://bucket/prefix for the rows.")],
    bundle: BundleOption = None,
    keep_embeddings: Annotated[
        bool, typer.Option("--keep-embeddings", help="Keep the faces' embeddings, which `visage search` needs.")
    ] = False,
    thumbnails: Annotated[bool, typer.Option("--thumbnails", help="Show faces in report.html.")] = False,
    new: Annotated[
        bool, typer.Option("--new", help="Do everything again, also where the output is of another model or source.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Only say how much of the last run is done.")] = False,
    workers: WorkersOption = None,
    stage: Annotated[
        Stage | None,
        typer.Option(rich_help_panel=_ON_AWS, help="Let this stage recognise a bucket, with the model that it has."),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(rich_help_panel=_ON_AWS, help="AWS region of the stage. (default: that of your AWS settings)"),
    ] = None,
    cancel: Annotated[
        bool, typer.Option("--cancel", rich_help_panel=_ON_AWS, help="End the run that is going on.")
    ] = False,
    watch: Annotated[
        bool | None,
        typer.Option(
            "--watch/--no-watch",
            rich_help_panel=_ON_AWS,
            help="From now on, give each photo that arrives in SOURCE its row at once; --no-watch ends that.",
        ),
    ] = None,
    as_json: JSONOption = False,
) -> None:
    """Say who is in each photo of a folder or bucket: one row a photo, in parts that a rerun reuses.

    After an interruption, the same command does what is missing. It also does what is new or changed in the source.

    The exit status is 1 if a photo could not be read; rows say which, and the same command tries them again.
    """
    if stage:
        _check_stage(source, output, bundle, workers)
        batch_stage.check_only(status=status, cancel=cancel, watch=watch)
        place = batch_stage.place_of(stage, region, source, output)
        if status or cancel or watch is not None:
            batch_stage.only(place, status=status, cancel=cancel, watch=watch, as_json=as_json)
            return
        summary = _recognised_by_stage(place, keep_embeddings=keep_embeddings, new=new, thumbnails=thumbnails)
        emit(summary, as_json=as_json, show=lambda _: _show(summary, output))
        _require_everything(summary)
        return
    if cancel or watch is not None or region:
        raise CommandError("--cancel, --watch, --no-watch and --region need --stage, the stage to ask.")
    if status:
        with closing(storage_at(output)) as storage:
            emit(_status(storage), as_json=as_json, show=_show_status)
        return
    if not bundle:
        raise typer.BadParameter("Give --bundle DIR, the bundle that recognises people.")
    checks.bundle(bundle)
    planning.check_apart(source, output)
    if not output.startswith("s3://"):
        checks.target(Path(output))
    with closing(source_at(source)) as photos, closing(storage_at(output)) as storage:
        planning.check_source(photos)
        with _alone(output):
            summary = _recognise(photos, storage, bundle, workers or cores(), keep_embeddings, new, thumbnails)
    emit(summary, as_json=as_json, show=lambda _: _show(summary, output))
    _require_everything(summary)


def _alone(output: str) -> AbstractContextManager[None]:
    """Let no other command write to the folder of an output. S3 has no locks: rows written twice are the same ones."""
    from collection.alone import alone

    if output.startswith("s3://"):
        return nullcontext()
    busy = CommandError(f"Another `visage batch` writes to {output}. Wait until it has ended, or give another output.")
    return alone(Path(output) / _LOCK, busy)


def _check_stage(source: str, output: str, bundle: str | None, workers: int | None) -> None:
    if bundle or workers:
        raise CommandError("A stage has a model of its own. Leave out --bundle and --workers, or leave out --stage.")
    for place in (source, output):
        if not place.startswith("s3://"):
            raise CommandError(f"A stage works with buckets only, and {place} is none. Give s3://bucket/prefix.")


def _recognised_by_stage(place: "Place", *, keep_embeddings: bool, new: bool, thumbnails: bool) -> dict[str, Any]:
    """Let a stage do what is missing; return the summary, and make the table and the page of all rows here."""
    from collection.results import write_results

    summary = batch_stage.run(place, new=new, keep_embeddings=keep_embeddings)
    with place.opened() as (source, output), step("Writing table and report"):
        write_results(output, summary["run"]["name"], summary, source, thumbnails=thumbnails)
    _note_several_rosters(summary)
    return summary


def _recognise(
    source: "Source", output: Storage, bundle: str, workers: int, keep_embeddings: bool, new: bool, thumbnails: bool
) -> dict[str, Any]:
    """Do what is missing in this machine's processes; return the summary."""
    from collection.processes import Job, answer_all
    from collection.results import write_results

    wanted = _header(source.location, bundle, keep_embeddings=keep_embeddings)
    header = planning.open_output(output, wanted, new=new)
    _note_older_rosters(planning.read_summary(output), wanted.roster)
    run = planning.new_run()
    with progress(_Rate()) as bar:
        plan = _plan(source, output, header, run, bar)
        note([_reused(plan)] if plan.to_do < plan.batches else [])
        task = bar.add_task("Recognising photos", total=plan.photos_to_do)
        job = Job(source.location, output.location, bundle, header)
        todo = planning.manifest(output, run)
        answer_all(job, output, todo, min(workers, max(1, plan.to_do)), lambda count: bar.advance(task, count))
    summary = finish(output, header, run)
    write_results(output, summary["run"]["name"], summary, source, thumbnails=thumbnails)
    return summary


def _plan(source: "Source", output: Storage, header: Header, run: str, bar: Any) -> "Plan":
    task = bar.add_task("Listing photos", total=None)
    plan = planning.plan(source, output, header, run, lambda count: bar.update(task, completed=count))
    bar.update(task, completed=plan.photos, total=plan.photos)
    return plan


def _header(source: str, bundle: str, *, keep_embeddings: bool) -> Header:
    manifest = bundles.load(bundle, files=()).manifest
    space = embedding_space(manifest)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    roster = _roster_version(bundle, space)
    return Header(
        source,
        manifest.version,
        space,
        created,
        engine=SETTINGS.engine,
        roster=roster,
        keep_embeddings=keep_embeddings,
    )


def _roster_version(bundle: str, space: str) -> int | None:
    """Return the version of the roster that the processes will use, None without one."""
    location = SETTINGS.roster or (None if bundle.startswith("s3://") else str(beside(Path(bundle))))
    if location is None:
        return None
    try:
        roster, etag = RosterStorage.at(location, space).read()
    except ModelError as error:
        note([f"{error} The people of the roster are not recognised."])
        return None
    return roster.version if etag else None


def _note_older_rosters(summary: dict[str, Any], current: int | None) -> None:
    older = sum(count for version, count in summary.get("rosters", {}).items() if version != roster_name(current))
    if older:
        now = "there is none now" if current is None else f"it is {current} now"
        note([f"Rows by another version of the roster: {older}; {now}. --new does everything again."])


def _note_several_rosters(summary: dict[str, Any]) -> None:
    versions = summary["rosters"]
    if len(versions) > 1:
        counts = ", ".join(f"{version} ({counted(count, 'row')})" for version, count in versions.items())
        note([f"Rows are by several versions of the roster: {counts}. --new does everything again."])


def _reused(plan: "Plan") -> str:
    done = plan.photos - plan.photos_to_do
    return f"{counted(done, 'photo')} of {plan.photos} are in parts that are complete."


def _status(output: Storage) -> dict[str, Any]:
    """Return how much of the last run is done."""
    from batch import parts

    header, run = planning.read_header(output), planning.latest_run(output)
    if header is None or run is None:
        raise OutputError(f"There is no batch in {output.location}.")
    existing, batches = parts.existing(output, embeddings=header.keep_embeddings), list(planning.index(output, run))
    done = [indexed for indexed in batches if indexed.name in existing]
    return {
        "source": header.source,
        "model": header.model,
        "run": run,
        "batches": len(batches),
        "batches_done": len(done),
        "photos": sum(indexed.photos for indexed in batches),
        "photos_done": sum(indexed.photos for indexed in done),
        "complete": planning.complete_run(planning.read_summary(output)) == run,
    }


def _show_status(status: dict[str, Any]) -> None:
    state = "complete" if status["complete"] else "not complete: run the same command again to go on"
    out.print(f"{status['photos_done']} of {counted(status['photos'], 'photo')} of {status['source']}, {state}.")


def _show(summary: dict[str, Any], output: str) -> None:
    table = Table("Status", "Photos", "Meaning")
    for status, count in summary["statuses"].items():
        table.add_row(status, str(count), STATUSES[status])
    out.print(table)
    for person in summary["people"][:_LISTED]:
        out.print(printable(f"{person['label']}: {counted(person['photos'], 'photo')}"))
    if len(summary["people"]) > _LISTED:
        out.print(f"and {counted(len(summary['people']) - _LISTED, 'person')} more")
    for kind, count in summary["left_out"].items():
        out.print(Text("left out", "yellow"), f"{count} {kind}")
    run = summary["run"]
    if run["photos"]:
        out.print(f"{counted(run['photos'], 'photo')} in {run['seconds']} s: {run['photos_a_second']} a second")
    if "dollars_at_most" in run:
        out.print(f"It cost at most {run['dollars_at_most']:.2f} dollars on AWS, by the prices of us-east-1.")
    console.print(f"Rows: {output}/parts, {output}/photos.parquet. Report: {output}/report.html", soft_wrap=True)


_LISTED: Final = 20


def _require_everything(summary: dict[str, Any]) -> None:
    """Raise CommandError unless every photo was answered."""
    if not summary["complete"]:
        raise CommandError(f"Batches that are not done: {summary['missing_batches']}. Run the same command again.")
    again = sum(count for status, count in summary["statuses"].items() if status in AGAIN)
    if again:
        raise CommandError(f"Photos that could not be read: {again}. Rows say why; the same command tries them again.")


class _Rate(ProgressColumn):
    """Photos a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")
