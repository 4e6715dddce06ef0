"""`visage evaluate`: measures a run or a bundle on photos that it was not trained on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from dataset.folders import walk
from dataset.labels import normalised
from dataset.prepare import photos_of_strangers
from model import bundle as bundles
from model.settings import cores
from preprocess.temporary import temporary_folder
from scripts import checks
from scripts.console import SETTINGS, CommandError, JSONOption, console, emit, out, progress
from training.faces import TEST, VALIDATION
from training.run import RUN, Description, finished

_MEGABYTES: Final = 10


def evaluate(
    model: Annotated[Path, typer.Argument(metavar="RUN_OR_BUNDLE", help="The run or bundle to evaluate.")],
    photos: Annotated[Path, typer.Argument(help="A folder with one folder of photos for each person.")],
    strangers: Annotated[Path | None, typer.Option(help="A folder of photos of people who are not in PHOTOS.")] = None,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Use only those of PHOTOS that the training of RUN held out.")
    ] = False,
    output: Annotated[Path, typer.Option(help="Folder for the figures, plots and report.")] = Path("evaluation-report"),
    as_json: JSONOption = False,
) -> None:
    """Recognise photos of known people and of strangers as the API does, and count right answers."""
    _check_model(model)
    people = walk(photos).photos
    known = [(photo, person) for person, paths in people.items() for photo in paths]
    if held_out:
        known = _held_out(known, photos, model)
    others = photos_of_strangers(strangers) if strangers else []
    checks.target(output, _MEGABYTES)
    checks.announce(
        f"Recognising {len(known) + len(others)} photos",
        (len(known) + len(others)) * checks.SECONDS_A_PHOTO / cores(),
        as_json=as_json,
    )
    from evaluation.recognition import Probe
    from evaluation.recognition import evaluate as evaluate_probes
    from evaluation.report import PAGE, write_page
    from model.recognizer import Recognizer

    probes = [*(Probe(*photo) for photo in known), *(Probe(photo, None) for photo in others)]
    with _bundle(model) as location, progress() as bar:
        recognizer = Recognizer.load(str(location), SETTINGS)
        _warn_of_unknown_names(people, recognizer.people)
        task = bar.add_task("Recognising", total=len(probes))
        evaluation = evaluate_probes(recognizer, probes, lambda done, _: bar.update(task, completed=done))
    evaluation.write(output)
    write_page(evaluation, output / PAGE)
    emit(evaluation.to_dict(), as_json=as_json, show=_show)
    console.print(f"Report: {output / PAGE}")


def _check_model(model: Path) -> None:
    if (model / RUN).exists():
        finished(model)
    else:
        bundles.load(str(model), files=())


def _held_out(known: list[tuple[Path, str]], photos: Path, run: Path) -> list[tuple[Path, str]]:
    """Keep the photos that the training held out: those for testing if there are any, else those for validation."""
    description = Description.read(run)
    role = TEST if TEST in description.roles else VALIDATION
    chips = {
        normalised(chip.removesuffix(".jpg"))
        for chip, its_role in zip(description.chips, description.roles, strict=True)
        if its_role == role
    }
    kept = [photo for photo in known if normalised(photo[0].relative_to(photos).as_posix()) in chips]
    if not kept:
        raise CommandError(f"None of the photos in {photos} was held out when {run} was trained.")
    return kept


@contextmanager
def _bundle(model: Path) -> Iterator[Path]:
    """Yield the bundle. A run is exported into a temporary bundle."""
    if not (model / RUN).exists():
        yield model
        return
    from training.export import export

    with temporary_folder() as folder:
        yield export(model, folder / "bundle").bundle.directory


def _warn_of_unknown_names(people: dict[str, list[Path]], labels: tuple[str, ...]) -> None:
    unknown = sorted(set(people) - set(map(normalised, labels)))
    if unknown:
        console.print(Text("Not known to the model, so that the answer is always wrong:", "yellow"), ", ".join(unknown))


def _show(result: dict[str, Any]) -> None:
    known, strangers = result["known"], result["strangers"]
    table = Table("Person", "Photos", "Precision", "Recall")
    for name, person in known["people"].items():
        table.add_row(name, str(person["photos"]), f"{person['precision']:.2%}", f"{person['recall']:.2%}")
    out.print(table)
    out.print(f"{result['with_a_face']} of {result['photos']} photos have a face.")
    if known["photos"]:
        out.print(f"Right name: {known['accuracy']:.2%}; also recognised as known: {known['recognised']:.2%}.")
    if strangers["photos"]:
        out.print(f"Strangers given a name: {strangers['taken_for_somebody']:.2%} of {strangers['photos']}.")
