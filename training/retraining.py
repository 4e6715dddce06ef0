"""Trains a bundle's network again without a person, and makes the same bundle of it without them."""

from contextlib import suppress
from pathlib import Path
from typing import Final

from dataset.labels import normalised
from model import bundle as bundles
from model.bundle import Bundle, Manifest
from training.enrolment import enroll, enrolled_in
from training.errors import RunError
from training.export import export
from training.faces import AlignedFaces
from training.observer import Observer
from training.pretrained import Pretrained
from training.recipe import Recipe
from training.run import Description, discard
from training.train import train

RUN: Final = "retraining"
"""Folder of the training run, where the person's faces were, until the new bundle is written."""


def others_than(manifest: Manifest, name: str) -> list[str]:
    """Return the labels of all people that the network was trained on but one."""
    return [normalised(label) for label in manifest.labels if normalised(label) != normalised(name)]


def retrain(
    bundle: Bundle,
    name: str,
    faces: AlignedFaces,
    run: Path,
    pretrained: Pretrained,
    target: Path,
    observer: Observer,
    *,
    device: str = "cpu",
    replace_existing: bool = False,
) -> Bundle:
    """Write the bundle `target`: trained on `faces` by the recipe of `bundle`, with everybody whom it had enrolled.

    `faces` are those of all people but `name`. An interrupted call goes on in the folder `run`, which is deleted at the
    end. A threshold that was measured on the owner's photos of strangers becomes that of LFW's strangers.

    Raises:
        RunError: the bundle does not say how it was trained.
        BundleError: `target` holds something already.
    """
    bundles.check_target(target, replace_existing=replace_existing)
    recipe = _recipe(bundle.manifest)
    _discard_other(run, faces, recipe)
    train(faces, run, recipe, pretrained, observer, device)
    enrolled = {label: rows for label, rows in enrolled_in(bundle).items() if normalised(label) != normalised(name)}
    rate = bundle.manifest.calibration["false_accept_rate"]
    with bundles.temporary_bundle(target) as folder:
        exported = export(run, folder.with_name("exported"), false_accept_rate=rate).bundle
        made, _ = enroll(exported, enrolled, target, replace_existing=replace_existing)
    discard(run)
    with suppress(OSError):  # a file manager left something in it
        run.rmdir()
    return made


def _recipe(manifest: Manifest) -> Recipe:
    try:
        return Recipe(**manifest.training["recipe"])
    except (TypeError, LookupError) as error:
        raise RunError("The bundle is of an older version and does not say how to train it. Train it again.") from error


def _discard_other(run: Path, faces: AlignedFaces, recipe: Recipe) -> None:
    """Delete a run in the folder that is not this training: an earlier call for somebody else was interrupted."""
    with suppress(RunError):
        description = Description.read(run)
        if (description.recipe, description.fingerprint) == (recipe, faces.fingerprint()):
            return
    discard(run)
