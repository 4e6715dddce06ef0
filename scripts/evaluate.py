"""`visage evaluate`: measures a run or a bundle on photos that it was not trained on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Column, Table
from rich.text import Text

from dataset.folders import Listing, People, walk
from dataset.labels import chip_names, found_as
from dataset.prepare import photos_of_strangers
from dataset.tally import told_copies
from dataset.words import counted
from evaluation.grouping import Named, read_groups
from model import bundle as bundles
from model.settings import cores
from preprocess.names import normalised, shown
from preprocess.temporary import temporary_folder
from scripts import checks
from scripts.console import SETTINGS, CommandError, JSONOption, console, emit, note, out, progress
from training.faces import TEST, VALIDATION
from training.run import RUN, Description, finished

_MEGABYTES: Final = 10

_GROUP_FIGURES: Final = {
    "with_a_face": "Face found",
    "accuracy": "Right name",
    "recognised": "Recognised",
    "taken_for_somebody": "Strangers given a name",
}


def evaluate(
    model: Annotated[Path, typer.Argument(metavar="RUN_OR_BUNDLE", help="The run or bundle to evaluate.")],
    photos: Annotated[Path, typer.Argument(help="A folder with one folder of photos for each person.")],
    strangers: Annotated[Path | None, typer.Option(help="A folder of photos of people who are not in PHOTOS.")] = None,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Use only those of PHOTOS that the training of RUN held out.")
    ] = False,
    groups: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A CSV file with a line for each person or photo: its name, and the group to compare it in.",
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for the figures, plots and report.")] = Path("evaluation-report"),
    as_json: JSONOption = False,
) -> None:
    """Recognise photos of known people and of strangers as the API does, and count right answers.

    With --groups, also compare groups of people, and say where the largest gaps are.
    """
    _check_model(model)
    known, unknown = walk(photos), photos_of_strangers(strangers) if strangers else Listing(Path())
    people = _held_out(known.photos, photos, model) if held_out else known.photos
    grouped = read_groups(groups, [*_of_people(known), *_of_strangers(unknown)]) if groups else {}
    checks.outside(output, photos, strangers)
    checks.target(output, _MEGABYTES)
    note([*known.remarks, *unknown.remarks])
    count = sum(map(len, people.values())) + len(unknown.photos)
    checks.announce(f"Recognising {counted(count, 'photo')}", count * checks.SECONDS_A_PHOTO / cores(), as_json=as_json)
    from evaluation.recognition import Probe
    from evaluation.recognition import evaluate as evaluate_probes
    from evaluation.report import PAGE, write_page
    from scripts.recognizers import recognizer_at

    probes = [Probe(photo, person, grouped.get(photo)) for person, paths in people.items() for photo in paths]
    probes += [Probe(photo, None, grouped.get(photo)) for photo in unknown.photos]
    with _bundle(model) as location, progress() as bar:
        recognizer = recognizer_at(str(location))
        _warn_of_unknown_names(people, recognizer.people)
        task = bar.add_task("Recognising", total=len(probes))
        evaluation = evaluate_probes(recognizer, probes, lambda done, _: bar.update(task, completed=done))
    if held_out:
        evaluation = replace(evaluation, copies=Description.read(model).copy_counts())
        console.print(told_copies(evaluation.copies))
    evaluation.write(output)
    write_page(evaluation, output / PAGE)
    emit(evaluation.to_dict(), as_json=as_json, show=_show)
    console.print(f"Report: {output / PAGE}")


def _check_model(model: Path) -> None:
    if (model / RUN).exists():
        finished(model)
    else:
        bundles.load(str(model), files=())


def _held_out(people: dict[str, list[Path]], photos: Path, run: Path) -> dict[str, list[Path]]:
    """Keep the photos that the training held out: those for testing if there are any, else those for validation."""
    description = Description.read(run)
    role = TEST if TEST in description.roles else VALIDATION
    roles = zip(description.chips, description.roles, strict=True)
    chips = {normalised(chip) for chip, its_role in roles if its_role == role}
    kept = {person: list(_with_chips(person, paths, photos, chips)) for person, paths in people.items()}
    if not any(kept.values()):
        raise CommandError(f"None of the photos in {photos} was held out when {run} was trained.")
    return kept


def _with_chips(person: str, paths: Sequence[Path], photos: Path, chips: set[str]) -> Iterator[Path]:
    """Yield the photos of a person whose chips are among `chips`; older versions called a chip by its photo alone."""
    names = {shown(path.relative_to(photos).as_posix()): path for path in paths}
    for name, chip in chip_names(person, names).items():
        if not chips.isdisjoint({normalised(chip), normalised(f"{name}.jpg")}):
            yield names[name]


def _of_people(people: People) -> Iterator[Named]:
    for person, photos in people.photos.items():
        yield from (Named(photo, person, [shown(photo.relative_to(people.root).as_posix())]) for photo in photos)


def _of_strangers(strangers: Listing) -> Iterator[Named]:
    """Yield the photos of strangers; those in a folder may be named by the folder, as those of a person."""
    for photo in strangers.photos:
        name = shown(photo.relative_to(strangers.root).as_posix())
        folder, slash, _ = name.partition("/")
        yield Named(photo, folder if slash else None, [name])


@contextmanager
def _bundle(model: Path) -> Iterator[Path]:
    """Yield the bundle. A run is exported into a temporary bundle."""
    if not (model / RUN).exists():
        yield model
        return
    from training.cohorts import cohort_of_run
    from training.export import export

    with temporary_folder() as folder:
        cohort = cohort_of_run(model, SETTINGS.cache)
        yield export(model, folder / "bundle", cohort=cohort).bundle.directory


def _warn_of_unknown_names(people: dict[str, list[Path]], labels: tuple[str, ...]) -> None:
    unknown = sorted(person for person, photos in people.items() if photos and found_as(person, labels) is None)
    if unknown:
        console.print(Text("Not known to the model, so that the answer is always wrong:", "yellow"), ", ".join(unknown))


def _show(result: dict[str, Any]) -> None:
    known, strangers = result["known"], result["strangers"]
    table = Table(Column("Person", overflow="fold"), "Photos", "Precision", "Recall")
    for name, person in known["people"].items():
        table.add_row(name, str(person["photos"]), f"{person['precision']:.2%}", f"{person['recall']:.2%}")
    out.print(table)
    out.print(f"A face was found in {result['with_a_face']} of {counted(result['photos'], 'photo')}.")
    if known["photos"]:
        out.print(f"Right name: {known['accuracy']:.2%}; also recognised as known: {known['recognised']:.2%}.")
    if strangers["photos"]:
        out.print(f"Strangers given a name: {strangers['taken_for_somebody']:.2%} of {strangers['photos']}.")
    if result["groups"]:
        _show_groups(result["groups"])


def _show_groups(groups: dict[str, Any]) -> None:
    table = Table(Column("Group", overflow="fold"), "Photos", *_GROUP_FIGURES.values())
    for name, figures in groups["figures"].items():
        table.add_row(name, str(figures["photos"]), *(_with_interval(figures, figure) for figure in _GROUP_FIGURES))
    out.print(table)
    for figure, title in _GROUP_FIGURES.items():
        if gap := groups["gaps"][figure]:
            low, high = (f"{groups['figures'][gap[end]][figure]:.1%}" for end in ("low", "high"))
            ends = " to ".join(f"{end:.1%}" for end in gap["interval"])
            out.print(f"Largest gap, {title.lower()}: {gap['difference']:.1%} ({ends}), from {low} of", end=" ")
            out.print(f"{gap['low']} to {high} of {gap['high']}.")
    if not any(groups["gaps"].values()):
        out.print(f"No gap is stated: it takes two groups of at least {counted(groups['least_photos'], 'photo')} each.")
    if groups["photos_in_no_group"]:
        out.print(f"In no group: {counted(groups['photos_in_no_group'], 'photo')}.")


def _with_interval(figures: dict[str, Any], figure: str) -> str:
    """Return a share, and below it the ends of its interval in per cent; a dash without photos."""
    interval = figures[f"{figure}_interval"]
    return f"{figures[figure]:.1%}\n{' to '.join(f'{100 * end:.1f}' for end in interval)}" if interval else "-"
