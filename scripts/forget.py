"""`visage forget`: removes a person from a bundle and, on request, from the faces that it was made of."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dataset.aligned import OUTPUT
from dataset.labels import found_as
from dataset.removal import check_removal, remove_person
from dataset.words import counted
from model import bundle as bundles
from model.bundle import Bundle
from model.roster_storage import of_bundle
from scripts import checks
from scripts.console import CommandError, JSONOption, OutputOption, emit, out, progress
from scripts.targets import target_of
from training import faces
from training.members import check_forgettable, others_than


def forget(
    bundle: Annotated[Path, typer.Argument(help="The folder of a bundle.")],
    name: Annotated[str, typer.Argument(help="The person to remove.")],
    output: OutputOption = None,
    aligned: Annotated[
        Path | None,
        typer.Option(
            metavar="ALIGNED", help="Also delete the person's faces and embeddings from what `visage prepare` made."
        ),
    ] = None,
    retrain_from: Annotated[
        Path | None,
        typer.Option(
            "--retrain",
            metavar="ALIGNED",
            help="Delete the same as --aligned, then train the network again on the faces of the others.",
        ),
    ] = None,
    as_json: JSONOption = False,
) -> None:
    """Remove a person: the name, the embeddings, and their weights in the network's last layer.

    The other layers were trained on everybody's photos and stay as they are, unless --retrain is given.

    The network was never trained on people who were enrolled. They are only on the roster beside the bundle.

    Photos, training runs, other copies of the bundle and published versions are not changed.
    """
    target, replaces = target_of(bundle, output)
    bundles.check_target(target, replace_existing=replaces)
    opened = bundles.load(str(bundle))
    labels = opened.manifest.labels
    enrolled = [person.name for person in of_bundle(opened).read()[0].people]
    name = found_as(name, [*labels, *enrolled]) or name
    was_trained_on, was_enrolled = name in labels, name in enrolled
    if aligned and retrain_from and aligned.resolve() != retrain_from.resolve():
        raise CommandError("--aligned and --retrain name two folders. Give --retrain alone.")
    if was_enrolled and not was_trained_on and (output or retrain_from):
        wrong = "--output" if output else "--retrain"
        raise CommandError(f'The network was not trained on "{name}", who was enrolled. Leave out {wrong}.')
    if retrain_from:
        _check_retraining(opened, name, retrain_from)
    elif aligned:
        check_removal(aligned)
    checks.target(target.parent, checks.megabytes_of(bundle))
    if retrain_from:
        made, deleted = _retrain(opened, name, retrain_from, target, replaces=replaces)
    else:
        made, deleted = _remove(opened, name, aligned, target, replaces=replaces, was_enrolled=was_enrolled)
    others = _forget_enrolled(opened, name, made)
    result = {
        "bundle": str(bundle if made is opened else output or bundle),
        "version": made.manifest.version,
        "labels": list(dict.fromkeys([*made.manifest.labels, *others])),
        "deleted_faces": deleted,
        "trained_on": was_trained_on if was_trained_on or was_enrolled else None,
        "retrained": retrain_from is not None,
    }
    emit(result, as_json=as_json, show=lambda result: _show(result, name))


def _remove(
    bundle: Bundle, name: str, aligned: Path | None, target: Path, *, replaces: bool, was_enrolled: bool
) -> tuple[Bundle, int]:
    """Delete the person's faces, and write the bundle without them; return it, and how many files were deleted.

    A bundle whose network was not trained on the person, or has forgotten them in an earlier call, is returned as it
    is.
    """
    was_trained_on = name in bundle.manifest.labels
    if was_trained_on or not (aligned or was_enrolled):
        check_forgettable(bundle.manifest, name)  # raises before anything is deleted
    from training.enrolment import forget as forget_person

    deleted = remove_person(aligned, name) if aligned else 0
    if not was_trained_on and (deleted or was_enrolled):
        return bundle, deleted
    return forget_person(bundle, name, target, replace_existing=replaces), deleted


def _forget_enrolled(bundle: Bundle, name: str, made: Bundle) -> list[str]:
    """Remove the person from the roster if they are on it, and return who is left on it.

    A bundle elsewhere gets a roster of its own.
    """
    from training.enrolment import copy_roster, forget_enrolled

    if made.directory.resolve() != bundle.directory.resolve():
        copy_roster(bundle, made)
    return [person.name for person in forget_enrolled(made, name).people]


def _check_retraining(bundle: Bundle, name: str, aligned: Path) -> None:
    faces.read(aligned).only(others_than(bundle.manifest, name))
    check_removal(aligned)
    checks.weights(bundle.manifest.training["pretrained"]["name"])


def _retrain(bundle: Bundle, name: str, aligned: Path, target: Path, *, replaces: bool) -> tuple[Bundle, int]:
    """Delete the person's faces, train on the others, and write the bundle; return it, and how many were deleted."""
    from scripts.training_bars import TrainingBars
    from scripts.weights import device, load_weights
    from training.retraining import RETRAINING, check_same, retrain

    others = others_than(bundle.manifest, name)
    with progress() as bar:
        start = load_weights(bundle.manifest.training["pretrained"]["name"], bar)
        check_same(start, bundle.manifest)
        deleted = remove_person(aligned, name)
        made = retrain(
            bundle,
            faces.read(aligned).only(others),
            aligned / OUTPUT / RETRAINING,
            start,
            target,
            TrainingBars(bar),
            device=device(),
            replace_existing=replaces,
        )
    return made, deleted


def _show(result: dict[str, Any], name: str) -> None:
    out.print(f"{result['bundle']}: version {result['version']}, knows {', '.join(result['labels'])}")
    if result["deleted_faces"]:
        out.print(f"Deleted {counted(result['deleted_faces'], 'file')} with faces of {name}.")
    if result["retrained"]:
        out.print(f"The network was trained again without {name}.")
    elif result["trained_on"] is None:
        out.print(f"The bundle had forgotten {name} before. It does not say whether its network was trained on them.")
    elif result["trained_on"]:
        out.print(
            f"Not removed: the network's other layers were trained on {name} among others, and the thresholds were "
            "measured with them. To train again without them: --retrain ALIGNED."
        )
    else:
        out.print(f"The network was not trained on {name}.")
    out.print(
        f"Still to delete where they exist: photos of {name}, training runs, and copies of the bundle. Publish the "
        "bundle for the API to forget too; versions published before are still in their bucket."
    )
