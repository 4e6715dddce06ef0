"""`visage export`: a training run to a bundle."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from dataset.folders import Listing
from dataset.prepare import embed_all, photos_of_strangers
from dataset.words import counted
from model.bundle import check_target
from model.gallery import FloatArray
from model.settings import cores
from scripts import checks
from scripts.console import CommandError, JSONOption, emit, note, out, progress, steps
from training.recipe import FALSE_ACCEPT_RATE
from training.run import Description, finished

_SECONDS: Final = 15
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

    faces = _embed(strangers, run) if impostors else None
    exported = export_run(run, bundle, false_accept_rate=false_accept_rate, impostors=faces, replace_existing=replace)
    manifest = exported.bundle.manifest
    result = {
        "bundle": str(bundle),
        "version": manifest.version,
        "labels": list(manifest.labels),
        "threshold": manifest.threshold,
        "certainty": manifest.certainty,
        "estimates": manifest.calibration["estimates"],
        "held_out": manifest.metrics["held_out"],
        "largest_difference": exported.difference,
    }
    emit(result, as_json=as_json, show=_show)


def _embed(strangers: Listing, run: Path) -> FloatArray:
    """Return the embeddings of strangers' faces, (M, 512), by the weights that the run started from."""
    from scripts.weights import load_weights
    from training.embedder import Embedder

    wanted = Description.read(run).pretrained
    with progress() as bar:
        start = load_weights(wanted["name"], bar)
        if start.sha256 != wanted["sha256"]:
            raise CommandError(f"{wanted['name']} is not the file that {run} was trained from. Train again.")
        show = partial(steps(bar), "Finding faces of strangers, photos")
        return embed_all(strangers, cores(), Embedder.of_pretrained(start), show)


def _show(result: dict[str, Any]) -> None:
    from training.calibration import ENOUGH_FACES

    out.print(f"{result['bundle']}: version {result['version']}")
    probability = f" and probability {100 * result['certainty']:.0f} %" if result["certainty"] else ""
    out.print(f"A face counts as known from similarity {result['threshold']:.3f}{probability} on.")
    sources = [f"{source} {value:.3f}" for source, value in result["estimates"].items()]
    basis = f"the highest of these estimates: {', '.join(sources)}" if sources else "a cautious guess"
    out.print(f"The similarity is {basis}.")
    held_out = result["held_out"]
    if held_out and held_out["faces"] >= ENOUGH_FACES:
        out.print(
            f"Of {counted(held_out['faces'], 'face')} that were kept from training: name right "
            f"{held_out['name_right']:.2%}, recognised {held_out['recognised']:.2%}, "
            f"calibration error {held_out['expected_calibration_error']:.2%}."
        )
    out.print(f"Largest difference of the written networks from the trained one: {result['largest_difference']:.2%}")
