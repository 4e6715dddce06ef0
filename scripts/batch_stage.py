"""`visage batch --stage`: the photos of a bucket, recognised by a stage on AWS or on the local AWS."""

import shlex
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from batch.opening import source_at
from batch.planning import read_summary
from batch.sources import Source
from batch.storage import Storage, storage_at
from dataset.words import counted
from deploy import arrivals
from deploy import batch as runs
from deploy.batch import CANCELLED, RUNNING, SUCCEEDED, Run
from deploy.machine import Machine
from deploy.target import Target
from scripts.checks import duration
from scripts.console import CommandError, console, emit, note, out
from scripts.stages import Stage, target_of

_PAUSE_S: Final = 2
_PAUSE_LOCAL_S: Final = 0.5
"""Seconds between two looks at a run."""


@dataclass(frozen=True, slots=True)
class Place:
    """A stage, its state machine, and the source and the output of a batch, without slashes at their ends."""

    target: Target
    machine: Machine
    source: str
    output: str

    @property
    def words(self) -> str:
        """The arguments of `visage batch` that name it."""
        places = f"{shlex.quote(self.source)} {shlex.quote(self.output)}"
        return f"{places} --stage {self.target.stage} --region {self.target.region}"

    @contextmanager
    def opened(self) -> Iterator[tuple[Source, Storage]]:
        """Yield source and output, through the connections of the stage.

        Raises:
            BatchError: they cannot be reached, or AWS refuses.
        """
        source = source_at(self.source, self.target.connect)
        with closing(source), closing(storage_at(self.output, self.target.connect)) as output:
            yield source, output


def place_of(stage: Stage, region: str | None, source: str, output: str) -> Place:
    """Return where a batch runs.

    Raises:
        CommandError: the local AWS does not run.
        DeployError: the stage was deployed without batches, or AWS refuses.
    """
    target = target_of(stage, region, "batch")
    return Place(target, runs.require_machine(target), source.rstrip("/"), output.rstrip("/"))


def check_only(*, status: bool, cancel: bool, watch: bool | None) -> None:
    """Check that one thing is asked for.

    Raises:
        CommandError: there are two.
    """
    if status + cancel + (watch is not None) > 1:
        raise CommandError("Give one of --status, --cancel, --watch and --no-watch.")


def only(place: Place, *, status: bool, cancel: bool, watch: bool | None, as_json: bool) -> None:
    """Do one thing besides recognising: say how far the run is, end it, or watch the source.

    Raises:
        CommandError: no run is going on.
        DeployError: AWS refuses.
    """
    if status:
        emit(_status(place), as_json=as_json, show=_show_status)
    elif cancel:
        emit(_cancel(place), as_json=as_json, show=_show_cancelled)
    else:
        emit(_watch(place, wanted=bool(watch)), as_json=as_json, show=_show_watched)


def run(place: Place, *, new: bool, keep_embeddings: bool) -> dict[str, Any]:
    """Run a batch to its end, show how far it is, and return its summary.

    Raises:
        CommandError: it failed, was cancelled, or gave up batches.
        DeployError: AWS refuses, or cannot be reached. The run goes on.
    """
    where = (place.target, place.machine, place.source, place.output)
    note(runs.check_places(*where))
    ended = _followed(place, runs.start(*where, new=new, keep_embeddings=keep_embeddings))
    if ended.state == CANCELLED:
        raise CommandError("The run was cancelled. The same command goes on from there.")
    if ended.state != SUCCEEDED:
        raise CommandError(f"{ended.error or 'The run took too long.'} Finished parts are kept.")
    with runs.output_of(place.target, place.output) as output:
        return read_summary(output)


def _status(place: Place) -> dict[str, Any]:
    """Return how far the newest run of an output is, and what arrived in the sources that the stage watches.

    Raises:
        DeployError: there is no run, or AWS refuses.
    """
    found = runs.progress(place.target, runs.find(place.target, place.machine, place.output))
    queue = arrivals.waiting(place.target, place.machine)
    plan, rate = found.plan, _rate(found.photos, found.seconds)
    running = found.run.state == RUNNING
    return {
        "run": found.run.name,
        "state": found.run.state.lower(),
        "error": found.run.error or None,
        "photos": plan and plan.photos,
        "photos_to_do": plan and plan.photos_to_do,
        "photos_done": found.photos,
        "batches_to_do": plan and plan.to_do,
        "batches_done": found.done,
        "photos_a_second": rate and round(rate, 1),
        "seconds_left": round((plan.photos_to_do - found.photos) / rate) if running and plan and rate else None,
        "watched": [asdict(each) for each in arrivals.watched(place.target, place.machine)],
        "arrived": queue.photos,
        "given_up": queue.given_up,
    }


def _show_status(found: dict[str, Any]) -> None:
    out.print(f"Run {found['run']}: {_STATES.get(found['state'], found['state'])}")
    if found["error"]:
        out.print(found["error"])
    if found["photos"] is None:
        out.print("Its photos are not listed yet.")
    else:
        left = found["seconds_left"]
        rest = f", {duration(left)} left" if left is not None else ""
        pace = f", {found['photos_a_second']:.1f} photos a second" if found["photos_a_second"] else ""
        out.print(f"{found['photos_done']:,} of {found['photos_to_do']:,} photos to do{pace}{rest}")
        out.print(f"{found['photos']:,} photos in all")
    for watch in found["watched"]:
        out.print(f"Watching {watch['source']}, rows go to {watch['output']}")
    if found["arrived"]:
        out.print(f"{counted(found['arrived'], 'message')} about new photos to be answered")
    if found["given_up"]:
        note([f"{counted(found['given_up'], 'message')} about new photos given up: docs/runbook.md says what to do."])


def _cancel(place: Place) -> dict[str, Any]:
    """End the run of an output that is going on.

    Raises:
        CommandError: none is.
        DeployError: AWS refuses.
    """
    found = runs.find(place.target, place.machine, place.output)
    if found.state != RUNNING:
        raise CommandError(f"No run for {place.output} is going on: {found.name} has ended.")
    runs.cancel(place.target, found)
    return {"run": found.name, "cancelled": True}


def _watch(place: Place, *, wanted: bool) -> dict[str, Any]:
    """Have new photos of the source answered as they arrive, or no longer.

    Raises:
        DeployError: the stage may not, the source is in another region, or AWS refuses.
    """
    if wanted:
        runs.check_places(place.target, place.machine, place.source, place.output)
        arrivals.watch(place.target, place.machine, place.source, place.output)
    else:
        arrivals.unwatch(place.target, place.machine, place.source)
    return {"source": place.source, "output": place.output, "watched": wanted}


def _show_cancelled(found: dict[str, Any]) -> None:
    out.print(f"Run {found['run']} ends. Batches that are being answered still write their rows.")


def _show_watched(found: dict[str, Any]) -> None:
    if found["watched"]:
        out.print(f"Each photo that arrives in {found['source']} gets its row in {found['output']}/parts.")
    else:
        out.print(f"New photos in {found['source']} are not watched any more.")


_STATES: Final = {
    "running": "going on",
    "succeeded": "done",
    "failed": "failed",
    "aborted": "cancelled",
    "timed_out": "took too long",
}


def _followed(place: Place, started: Run) -> Run:
    """Show how far a run is until it has ended, and return it."""
    pause = _PAUSE_S if place.target.local is None else _PAUSE_LOCAL_S
    with _telling_how_to_look(place), _bar() as bar:
        task = bar.add_task("Listing the photos", total=None, pace="")
        while True:
            found = runs.progress(place.target, started)
            if found.plan:
                _show(bar, task, found.photos, found.plan.photos_to_do, _rate(found.photos, found.seconds))
            if found.run.state != RUNNING:
                return found.run
            time.sleep(pause)


@contextmanager
def _telling_how_to_look(place: Place) -> Iterator[None]:
    """Say that the run goes on if the block does not end well, by Ctrl-C for instance."""
    try:
        yield
    except BaseException:
        note(
            [
                f"The run goes on without this command. To see how far it is: visage batch {place.words} --status",
                f"To end it: visage batch {place.words} --cancel",
            ]
        )
        raise


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        console=console,
    )


def _show(bar: Progress, task: TaskID, done: int, to_do: int, rate: float | None) -> None:
    pace = f"{rate:.1f} photos a second, {duration((to_do - done) / rate)} left" if rate else ""
    bar.update(task, description="Recognising", completed=done, total=to_do, pace=pace)


def _rate(photos: int, seconds: float) -> float | None:
    """Return how many photos were done a second, None as long as none is."""
    return photos / seconds if photos and seconds > 0 else None
