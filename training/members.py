"""Who a bundle knows: finds a name in its manifest, and says who can be added or removed.

Nothing is imported here that takes time, so that a command can check names before it begins.
"""

from collections.abc import Iterable, Sequence

from dataset.labels import found_as, similar
from model.errors import BundleError
from model.manifest import Manifest
from preprocess.names import key, normalised, printable
from training.errors import DatasetError, RunError
from training.recipe import Recipe


def check_newcomers(people: Iterable[str], names: Iterable[str]) -> None:
    """Check that nobody of `people`, who are known already, has one of these names.

    Raises:
        BundleError: somebody has.
    """
    known = set(map(key, people))
    taken = sorted(name for name in names if key(name) in known)
    if taken:
        listed = " and ".join(f'"{name}"' for name in taken)
        raise BundleError(
            f"The bundle knows {listed} already. Rename the folder, or `visage forget` the old one first."
        )


def check_forgettable(manifest: Manifest, name: str) -> str:
    """Return a person's name as the bundle spells it, if the bundle can do without them.

    Raises:
        BundleError: the bundle does not know them, or nobody else was trained on.
    """
    known = known_as(manifest, name)
    if manifest.labels == (known,):
        raise BundleError(f'"{known}" is the last person that the network was trained on. Train with others instead.')
    return known


def known_as(manifest: Manifest, name: str) -> str:
    """Return a person's name as the bundle spells it.

    Raises:
        BundleError: the bundle does not know them.
    """
    known = found_as(name, manifest.labels)
    if known is not None:
        return known
    near = list(map(normalised, similar(name, manifest.labels)))
    hint = f"Did you mean {_either(near)}?" if near else f"It knows {', '.join(map(normalised, manifest.labels))}."
    raise BundleError(f'The bundle knows nobody called "{printable(name)}". {hint}')


def _either(names: Sequence[str]) -> str:
    return " or ".join(f'"{name}"' for name in names)


def others_than(manifest: Manifest, name: str) -> list[str]:
    """Return the labels of all people that the network was trained on but one, if it can be trained again on them.

    Raises:
        BundleError: the bundle does not know `name`, or its network was not trained on them.
        DatasetError: there are fewer than two others.
        RunError: the bundle does not say how it was trained.
    """
    known = known_as(manifest, name)
    recipe_of(manifest)
    others = [normalised(label) for label in manifest.labels if label != known]
    if len(others) < 2:
        raise DatasetError(f'Without "{known}" there are fewer than two people to train on. Train with others instead.')
    return others


def recipe_of(manifest: Manifest) -> Recipe:
    """Return the recipe by which a bundle's network was trained.

    Raises:
        RunError: the bundle does not say.
    """
    try:
        return Recipe.from_dict(manifest.training["recipe"])
    except (TypeError, LookupError, AttributeError) as error:
        raise RunError("The bundle is of an older version and does not say how to train it. Train it again.") from error
