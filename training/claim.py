"""What a training would be, and whether a folder may hold it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from preprocess.files import write_text
from preprocess.geometry import PHOTO_CHIP
from training.errors import RunError
from training.faces import AlignedFaces, split
from training.recipe import Recipe
from training.run import RUN, Description, foreign_files


def describe(
    run: Path, faces: AlignedFaces, recipe: Recipe, pretrained: Mapping[str, str], fingerprint: str
) -> Description:
    """Return the description of a training on `faces`, whose fingerprint is given because it takes time to compute.

    Copies of pictures are looked for if there is no description in `run` yet; a training goes on with what it began.
    """
    begun = (run / RUN).exists()
    copies = np.array(Description.read(run).copies, np.int64) if begun else faces.copies()
    known = copies if len(copies) == len(faces.chips) else None
    return Description(
        recipe=recipe,
        labels=faces.labels,
        pretrained=pretrained,
        fingerprint=fingerprint,
        geometry=replace(PHOTO_CHIP, size=recipe.size),
        chips=tuple(faces.names()),
        people=tuple(map(int, faces.people)),
        roles=tuple(map(int, split(faces.people, recipe.validation, recipe.test, recipe.seed, known))),
        copies=tuple(map(int, copies)),
    )


def claim(run: Path, description: Description) -> None:
    """Make the run's folder, or check that it holds this very training.

    Raises:
        RunError: the folder holds something else.
    """
    _check_free(run, description)
    run.mkdir(parents=True, exist_ok=True)
    if not (run / RUN).exists():
        write_text(run / RUN, description.to_json())


def check_claim(run: Path, faces: AlignedFaces, recipe: Recipe) -> None:
    """Check that `claim` will accept the folder, unless the weights or the content of the faces have changed.

    Raises:
        RunError: the folder holds something else.
    """
    found = Description.read(run) if (run / RUN).exists() else None
    _check_free(run, found and describe(run, faces, recipe, found.pretrained, found.fingerprint))


def _check_free(run: Path, description: Description | None) -> None:
    """Check that the folder is free for a training, or holds the one that is described."""
    if run.exists() and not run.is_dir():
        raise RunError(f"{run} is a file. Give another folder.")
    if not (run / RUN).exists():
        if run.exists() and foreign_files(run):
            raise RunError(f"{run} is not empty and holds no training run. Give another folder.")
    elif Description.read(run) != description:
        raise RunError(
            f"{run} holds a training with other faces or options. Give another folder, or start it afresh "
            "with --restart."
        )
