"""`visage sort`: a pile of photos without names to a folder for each person."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from collection import decisions
from collection.likeness import LEAST
from collection.sort import Result, check, decide
from collection.sort import sort as sort_pile
from collection.sorting import NOBODY, Sorting
from dataset.words import counted
from model.cohort import Cohort
from model.settings import cores
from scripts import checks
from scripts.console import (
    CACHE,
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

_LISTED = 10
"""So many photos are named that are in nobody's folder; `--json` names all."""

Decision = Callable[[Sorting], Sorting]


def sort(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="[PILE] PHOTOS",
            help="A folder of photos, whoever they show, and the folder for the sorted photos. PHOTOS alone lists and "
            "changes what is sorted.",
        ),
    ],
    merge: Annotated[
        tuple[str, str] | None, typer.Option(metavar="PERSON PERSON", help="Two people, by number or name, are one.")
    ] = None,
    apart: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="PERSON PERSON", help="Two people only look alike: do not suggest that they are one."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="PERSON", help="The photos that --photo names show one other person.")
    ] = None,
    exclude: Annotated[
        str | None,
        typer.Option(
            metavar="PERSON", help="The photos that --photo names do not show PERSON, nor anybody of interest."
        ),
    ] = None,
    photo: Annotated[
        list[str] | None, typer.Option(help="A photo of the PERSON, by its file name. Repeat for more.")
    ] = None,
    name: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="PERSON NAME", help="The name of a person and of the folder; an empty one removes it."),
    ] = None,
    page: Annotated[
        bool, typer.Option("--page", help="Show the people in a browser, to merge, split and name them there.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 is a free one.")] = 0,
    least: Annotated[int, typer.Option(min=2, help="The number of different pictures that make a person.")] = LEAST,
    weights: PretrainedOption = None,
    workers: WorkersOption = None,
    as_json: JSONOption = False,
) -> None:
    """Sort a pile of photos without names into a folder for each person.

    Photos are linked and not copied where the disk can. Sorting again takes new photos in. What you decided stays: by
    these options, on the page, or in the folders, where you may rename folders and move photos.
    """
    chosen = _decisions(merge, apart, split, exclude, photo or (), name)
    *piles, photos = paths
    if len(piles) > 1:
        raise CommandError("Give a pile of photos and a folder for the sorted photos.")
    if piles and (chosen or page):
        raise CommandError("Sort first. Then give PHOTOS alone, with --page or what you decide.")
    if page and as_json:
        raise CommandError("Give --page or --json, not both.")
    checks.target(photos)
    if piles:
        result = _sort(piles[0], photos, least, weights, workers or cores(), as_json=as_json)
    else:
        result = decide(photos, lambda sorting: _all(sorting, chosen))
    if page:
        _serve(photos, port)
        return
    note(result.remarks)
    emit(result.to_dict(), as_json=as_json, show=lambda _: _show(result, photos, is_new=bool(piles)))


def _decisions(
    merge: tuple[str, str] | None,
    apart: tuple[str, str] | None,
    split: str | None,
    exclude: str | None,
    photos: Sequence[str],
    name: tuple[str, str] | None,
) -> list[Decision]:
    """Return what the options ask for, in the order in which it is done."""
    if bool(photos) != (split is not None or exclude is not None) or (split is not None and exclude is not None):
        raise CommandError("Give --split PERSON or --exclude PERSON, and for each photo a --photo NAME.")
    chosen: list[Decision] = []
    if merge:
        chosen.append(partial(_of_two, decision=decisions.merge, people=merge))
    if apart:
        chosen.append(partial(_of_two, decision=decisions.tell_apart, people=apart))
    if split is not None:
        chosen.append(partial(_move, who=split, photos=photos, to=None))
    if exclude is not None:
        chosen.append(partial(_move, who=exclude, photos=photos, to=NOBODY))
    if name:
        chosen.append(partial(_rename, who=name[0], name=name[1]))
    return chosen


def _all(sorting: Sorting, chosen: Sequence[Decision]) -> Sorting:
    for decision in chosen:
        sorting = decision(sorting)
    return sorting


def _of_two(sorting: Sorting, decision: Callable[[Sorting, Sequence[int]], Sorting], people: Sequence[str]) -> Sorting:
    return decision(sorting, [sorting.called(who).number for who in people])


def _move(sorting: Sorting, who: str, photos: Sequence[str], to: int | None) -> Sorting:
    person = sorting.called(who)
    return decisions.move(
        sorting, decisions.faces_in(sorting, person.number, [Path(photo).name for photo in photos]), to
    )[0]


def _rename(sorting: Sorting, who: str, name: str) -> Sorting:
    return decisions.rename(sorting, sorting.called(who).number, name)


def _sort(pile: Path, photos: Path, least: int, weights: str | None, workers: int, *, as_json: bool) -> Result:
    found = check(pile, photos)
    checks.weights(weights)
    checks.target(photos, len(found.photos) * checks.MEGABYTES_A_PHOTO / 5)
    checks.announce(
        f"Finding faces in {counted(len(found.photos), 'photo')}, unless an earlier call has done so",
        len(found.photos) * checks.SECONDS_A_PHOTO / min(workers, cores()),
        as_json=as_json,
    )
    from scripts.weights import load_weights
    from training.cohorts import FOLDER, cohort_of
    from training.embedder import Embedder

    with progress() as bar:
        start = load_weights(weights, bar)
        embedder = Embedder.of_pretrained(start)
        cohort = cohort_of({"name": start.name, "sha256": start.sha256}, embedder.geometry, CACHE / FOLDER)
        mean = (cohort or Cohort.unmeasured()).mean
        return sort_pile(found, photos, embedder, mean, workers, steps(bar), least=least)


def _show(result: Result, photos: Path, *, is_new: bool) -> None:
    table = Table("Person", "Name", "Photos", "Folder")
    for number, names in result.by_size():
        person = result.sorting.people[number]
        table.add_row(str(number), Text(person.name or ""), str(len(names)), Text(person.folder))
    out.print(table)
    if is_new:
        out.print(f"Taken in: {counted(result.new, 'new photo')}. {_room(result)}")
        if result.repeated:
            out.print(f"The same files as others, and linked once: {len(result.repeated)}.")
    out.print(f"In nobody's folder: {counted(len(result.unsorted), 'photo')}.")
    for name in result.unsorted[:_LISTED]:
        out.print(Text("unsorted", "yellow"), f"{name}: {result.reasons[name]}")
    pairs = ", ".join(f"{one} and {other}" for one, other in result.sorting.alike[:_LISTED])
    if pairs:
        out.print(f"May be one person: {pairs}. If so: visage sort {photos} --merge NUMBER NUMBER. If not: --apart.")
    out.print(f"To merge, split and name them in a browser: visage sort {photos} --page")


def _room(result: Result) -> str:
    """Return a sentence on the room that the photos take."""
    if result.links.copied:
        return f"The disk made no hard links of {counted(result.links.copied, 'file')}: these are copies."
    return "Hard links take no room; a change of a photo's file changes the pile's."


def _serve(photos: Path, port: int) -> None:
    """Serve the page until Ctrl-C, which is how one ends it."""
    from collection.sort_page.server import server

    with server(photos, port) as (running, address):
        console.print(f"{address}\nOnly this machine can open it. Ctrl-C ends it; every change is saved at once.")
        with suppress(KeyboardInterrupt):
            running.serve_forever()
