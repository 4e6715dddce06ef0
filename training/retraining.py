"""Trains a bundle's network again without a person, and makes the same bundle of it without them."""

from contextlib import suppress
from pathlib import Path
from typing import Final

from model import bundle as bundles
from model.bundle import Bundle, Manifest
from model.cohort import Cohort
from training.errors import RunError
from training.export import export
from training.faces import AlignedFaces
from training.members import recipe_of
from training.observer import Observer
from training.pretrained import Pretrained
from training.recipe import Recipe
from training.run import Description, discard
from training.train import train

RETRAINING: Final = "retraining"
"""Folder of the training run, where the person's faces were, until the new bundle is written."""


def check_same(pretrained: Pretrained, manifest: Manifest) -> None:
    """Check that these are the weights that the bundle's training started from.

    Raises:
        RunError: they are others.
    """
    wanted = manifest.training["pretrained"]
    if pretrained.sha256 != wanted["sha256"]:
        raise RunError(f"{wanted['name']} is not the file that the training of the bundle started from. Put it back.")


def retrain(
    bundle: Bundle,
    faces: AlignedFaces,
    run: Path,
    pretrained: Pretrained,
    target: Path,
    observer: Observer,
    *,
    device: str = "cpu",
    replace_existing: bool = False,
) -> Bundle:
    """Write the bundle `target`: trained on `faces` by the recipe of `bundle`.

    `faces` are those of all people but `name`. An interrupted call goes on in the folder `run`, which is deleted at the
    end. What was measured on the owner's photos of strangers stays in the threshold: the embeddings come from the
    layers that are not fine-tuned, and with fewer people strangers reach the same similarity or less.

    Raises:
        RunError: the bundle does not say how it was trained.
        BundleError: `target` holds something already.
    """
    bundles.check_target(target, replace_existing=replace_existing)
    recipe = recipe_of(bundle.manifest)
    _discard_other(run, faces, recipe)
    train(faces, run, recipe, pretrained, observer, device)
    made = export(
        run,
        target,
        cohort=Cohort.load(bundle.path(bundles.COHORT)),
        false_accept_rate=bundle.manifest.calibration["false_accept_rate"],
        earlier=bundle.manifest.calibration,
        replace_existing=replace_existing,
    ).bundle
    discard(run)
    with suppress(OSError):  # a file manager left something in it
        run.rmdir()
    return made


def _discard_other(run: Path, faces: AlignedFaces, recipe: Recipe) -> None:
    """Delete a run in the folder that is not this training: an earlier call for somebody else was interrupted."""
    with suppress(RunError):
        description = Description.read(run)
        if (description.recipe, description.fingerprint) == (recipe, faces.fingerprint()):
            return
    discard(run)
