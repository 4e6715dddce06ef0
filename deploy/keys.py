"""Changes the keys of a deployed stage. Two owners who do so at once lose nothing."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Final, TypeVar

from deploy import stack
from deploy.errors import DeployError
from deploy.target import Target
from model.errors import SharedChangedError, SharedMissingError
from model.keys import OBJECT, Keys
from model.storage import SharedObject

T = TypeVar("T")

_ATTEMPTS: Final = 20
"""For a change while others make theirs. Each attempt that fails means that somebody else's change is done."""


def make_object(target: Target) -> None:
    """Make the object with the keys of a stage, without any, unless it exists.

    Raises:
        DeployError, SharedError: AWS refuses, or cannot be reached.
    """
    with _object(target) as shared, suppress(SharedChangedError):  # raised if it exists
        shared.replace(Keys(target.stage).to_json())


def listed(target: Target) -> Keys:
    """Return the keys of a stage.

    Raises:
        DeployError: the stage is not deployed.
        KeysError: the keys are damaged.
        SharedError: AWS refuses, or cannot be reached.
    """
    with _object(target) as shared:
        return _read(shared, target)[0]


def change(target: Target, change: Callable[[Keys], tuple[Keys, T]]) -> T:
    """Replace the keys of a stage by what `change` makes of them, and return what else it returns.

    `change` is called again if somebody else has changed the keys in the meantime.

    Raises:
        DeployError: the stage is not deployed, or others change the keys all the time.
        KeysError: the keys are damaged, or `change` raises it.
        SharedError: AWS refuses, or cannot be reached.
    """
    with _object(target) as shared:
        for _ in range(_ATTEMPTS):
            keys, etag = _read(shared, target)
            changed, result = change(keys)
            try:
                shared.replace(changed.to_json(), etag)
            except SharedChangedError:
                continue
            return result
    raise DeployError("Others change the keys all the time. Run the same command again.")


@contextmanager
def _object(target: Target) -> Iterator[SharedObject]:
    outputs = stack.outputs(target)
    if outputs is None:
        raise DeployError(f"Stage {target.stage} is not deployed in {target.region}. `visage deploy` deploys it.")
    with closing(SharedObject(f"s3://{outputs.model_bucket}/{OBJECT}", target.connect)) as shared:
        yield shared


def _read(shared: SharedObject, target: Target) -> tuple[Keys, str]:
    """Return the keys and the ETag of the object; without an object there are no keys, and no ETag."""
    try:
        content = shared.read()
    except SharedMissingError:
        return Keys(target.stage), ""
    return Keys.from_json(content.body), content.etag
