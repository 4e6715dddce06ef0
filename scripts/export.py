"""`visage export`: a training run to a bundle."""

import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
import typer
from rich.progress import Progress

from dataset.folders import Listing, listing
from dataset.prepare import embed_all, photos_of_strangers
from dataset.words import counted
from model.bundle import check_target
from model.cohort import Cohort, FloatArray
from model.settings import cores
from preprocess.names import printable
from scripts import checks, lfw_photos
from scripts.console import CACHE, CommandError, JSONOption, console, emit, note, out, progress, steps
from training.errors import DatasetError
from training.recipe import FALSE_ACCEPT_RATE
from training.run import Description, finished

if TYPE_CHECKING:
    from training.pretrained import Pretrained

_SECONDS: Final = 15
_PHOTOS_A_PERSON: Final = 1.5
"""Of a person of LFW, on average, where no more than three count."""

_MEGABYTES: Final = 300
"""While the networks are written and compared; the bundle itself has half of that."""


def export(
    run: Annotated[Path, typer.Argument(help="The folder that `visage train` made.")],
    bundle: Annotated[Path, typer.Argument(help="The folder for the bundle.")],
    false_accept_rate: Annotated[
        float, typer.Option(min=0.00001, max=0.5, help="Share of strangers that may be accepted as a known person.")
    ] = FALSE_ACCEPT_RATE,
    impostors: Annotated[
        Path | None, typer.Option(help="A folder of photos of strangers to measure that on, a hundred or more.")
    ] = None,
    measure: Annotated[
        bool | None,
        typer.Option(
            "--measure/--no-measure",
            help="Measure strangers on Labeled Faces in the Wild if nobody has measured them with these weights; it is "
            "downloaded once. (default: ask)",
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the bundle that is there.")] = False,
    as_json: JSONOption = False,
) -> None:
    """Write the bundle: the network for each engine, checked on real faces, and the thresholds for its answers."""
    check_target(bundle, replace_existing=replace)
    description, _ = finished(run)
    strangers = photos_of_strangers(impostors) if impostors else Listing(Path())
    checks.target(bundle.absolute().parent, _MEGABYTES)
    if impostors:
        checks.weights(description.pretrained["name"])
    note(strangers.remarks)
    checks.announce(
        f"Exporting {run} with {counted(len(description.labels), 'person')}",
        _SECONDS + len(strangers.photos) * checks.SECONDS_A_PHOTO / cores(),
        as_json=as_json,
    )
    from training.export import export as export_run

    cohort, faces = _strangers(description, strangers, measure=measure, ask=not as_json and sys.stdin.isatty())
    exported = export_run(
        run, bundle, false_accept_rate=false_accept_rate, cohort=cohort, impostors=faces, replace_existing=replace
    )
    manifest = exported.bundle.manifest
    if manifest.calibration["measured_on"] is None:
        console.print(
            f"The share of strangers is assumed, not measured: nobody has measured strangers with the weights "
            f"{printable(description.pretrained['name'])}. Give --measure, or --impostors DIR.",
            soft_wrap=True,
        )
    result = {
        "bundle": str(bundle),
        "version": manifest.version,
        "labels": list(manifest.labels),
        "threshold": manifest.threshold,
        "engines": {
            name: {"precision": numbers.precision, "threshold": numbers.threshold}
            for name, numbers in manifest.engines.items()
        },
        "false_accept_rate": false_accept_rate,
        "estimates": manifest.calibration["estimates"],
        "measured_on": manifest.calibration["measured_on"],
        "held_out": manifest.metrics["held_out"],
        "largest_difference": exported.difference,
    }
    emit(result, as_json=as_json, show=_show)


def _strangers(
    description: Description, impostors: Listing, *, measure: bool | None, ask: bool
) -> tuple[Cohort | None, FloatArray | None]:
    """Return the cohort of a run's weights, and the (M, 512) embeddings of impostors; None for what there is not.

    Where nobody has measured these weights, they are measured on the impostors, if those are of enough people, or on
    LFW, if the owner wants that.
    """
    from training.cohorts import FOLDER, cohort_of, has_enough_people

    cohort = cohort_of(description.pretrained, description.geometry, CACHE / FOLDER)
    if cohort is None and has_enough_people(impostors):
        with suppress(DatasetError):  # too few of the photos have a face
            return _measured(description, impostors, "impostors")
    faces = _embed(impostors, description) if impostors.photos else None
    if cohort is None and faces is None and (_wants_measuring(description) if ask and measure is None else measure):
        try:
            photos = listing(lfw_photos.fetch("Give --impostors DIR instead."))
        except CommandError as error:
            if measure:
                raise
            console.print(str(error), soft_wrap=True)
        else:
            cohort, _ = _measured(description, photos, "LFW")
    return cohort, faces


def _wants_measuring(description: Description) -> bool:
    from training.cohorts import PEOPLE

    minutes = round(PEOPLE * _PHOTOS_A_PERSON * checks.SECONDS_A_PHOTO / cores() / 60)
    return typer.confirm(
        f"Nobody has measured strangers with the weights {printable(description.pretrained['name'])}. Measure them now "
        f"on Labeled Faces in the Wild? That downloads 233 MB once, and takes about {counted(minutes, 'minute')}.",
        err=True,
    )


def _measured(description: Description, photos: Listing, source: str) -> tuple[Cohort, FloatArray]:
    """Measure strangers in photos, after an interruption from where it stopped."""
    from training.cohorts import FOLDER, measure, some_photos

    with progress() as bar:
        start = _weights(description, bar)
        chosen = some_photos(photos)
        return measure(chosen, source, start, description.geometry, CACHE / FOLDER, cores(), steps(bar))


def _embed(strangers: Listing, description: Description) -> FloatArray:
    """Return the embeddings of strangers' faces, (M, 512), by the weights that the run started from."""
    from training.embedder import Embedder

    with progress() as bar:
        start = _weights(description, bar)
        show = partial(steps(bar), "Finding faces of strangers, photos")
        embedder = Embedder.of_pretrained(start, description.geometry)
        return np.stack(list(embed_all(strangers, cores(), embedder, show).values()))


def _weights(description: Description, bar: Progress) -> "Pretrained":
    """Return the weights that a run started from.

    Raises:
        CommandError: the file holds others now.
    """
    from scripts.weights import load_weights

    wanted = description.pretrained
    start = load_weights(wanted["name"], bar)
    if start.sha256 != wanted["sha256"]:
        raise CommandError(f"{wanted['name']} is not the file that the run was trained from. Train again.")
    return start


def _show(result: dict[str, Any]) -> None:
    from training.calibration import ENOUGH_FACES

    out.print(f"{result['bundle']}: version {result['version']}")
    others = [
        f"{engine['threshold']:.3f} with {name} ({engine['precision']})" for name, engine in result["engines"].items()
    ]
    out.print(f"A face counts as known from score {', '.join([format(result['threshold'], '.3f'), *others])} on.")
    sources = [f"{source} {value:.3f}" for source, value in result["estimates"].items()]
    rate, measured_on = 100 * result["false_accept_rate"], result["measured_on"]
    how = f"measured on {measured_on}" if measured_on else "assumed, not measured"
    out.print(f"{rate:g} % of strangers reach that: {how}. Estimates: {', '.join(sources) or 'none'}.")
    held_out = result["held_out"]
    if held_out and held_out["faces"] >= ENOUGH_FACES:
        out.print(
            f"Of {counted(held_out['faces'], 'face')} that were kept from training: name right "
            f"{held_out['name_right']:.2%}, recognised {held_out['recognised']:.2%}, "
            f"calibration error {held_out['expected_calibration_error']:.2%}."
        )
    out.print(f"Largest difference of the written networks from the trained one: {result['largest_difference']:.2%}")
