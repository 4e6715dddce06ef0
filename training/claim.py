"""What a training would be, and whether a folder may hold it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from model.gallery import IntArray
from preprocess.files import write_text
from preprocess.geometry import PHOTO_CHIP
from training.errors import RunError
from training.faces import AlignedFaces, split
from training.recipe import Recipe
from training.run import RUN, Description, foreign_files


def claim(run: Path, faces: AlignedFaces, recipe: Recipe, pretrained: Mapping[str, str]) -> Description:
    """Make the run's folder, or check that it holds this very training; return the description of the training.

    Raises:
        RunError: the folder holds something else.
    """
    found = Description.read(run) if (run / RUN).exists() else None
    copies = faces.copies() if found is None else np.array(found.copies, np.int64)
    description = _describe(faces, recipe, pretrained, faces.fingerprint(), copies)
    _check_free(run, description)
    run.mkdir(parents=True, exist_ok=True)
    if found is None:
        write_text(run / RUN, description.to_json())
    return description


def check_claim(run: Path, faces: AlignedFaces, recipe: Recipe) -> None:
    """Check that `claim` will accept the folder, unless the weights or the content of the faces have changed.

    Raises:
        RunError: the folder holds something else.
    """
    if not (run / RUN).exists():
        _check_free(run, None)
    else:
        found = Description.read(run)
        copies = np.array(found.copies, np.int64)
        _check_free(run, _describe(faces, recipe, found.pretrained, found.fingerprint, copies))


def _describe(
    faces: AlignedFaces, recipe: Recipe, pretrained: Mapping[str, str], fingerprint: str, copies: IntArray
) -> Description:
    """Return the description of a training. `fingerprint` and `copies` are given because they take time to compute."""
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
