"""The recipe: every option that decides how a training goes, with its default and its limits.

Nothing is imported here that takes time, so that the command line can show the options at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

FINE_TUNED_LAYERS: Final = 5
"""block8, avgpool_1a, dropout, last_linear and last_bn; the new classifier comes on top."""

INPUT_SIZE: Final = 160
"""Side in pixels at which the pretrained networks were trained and work best: see docs/geometry.md."""


FALSE_ACCEPT_RATE: Final = 0.01
"""Share of strangers' faces that a bundle may take for somebody, unless `visage export` is given another."""


def _option(default: float, text: str = "", **limits: float) -> Any:
    """Return a field with its help text and its limits, `min` and `max`, for the command line."""
    return field(default=default, metadata={"help": text or None, **limits})


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides how training goes; the defaults are the recipe this project started from.

    The metadata of each field is its `help` text and its limits, `min` and `max`; `visage train` makes its options of
    them. `validation` and `test` are the shares of each person's photos kept from training: the first chooses the epoch
    and the threshold, the second is for `visage evaluate --held-out` alone. `size` is the chips' side, `input_size` the
    one that the network scales them to.
    """

    epochs: int = _option(15, min=1)
    batch_size: int = _option(32, min=2)
    learning_rate: float = _option(0.01, "Learning rate of SGD.", min=0)
    momentum: float = _option(0.9, "Momentum of SGD.", min=0, max=1)
    step_epochs: int = _option(7, "StepLR: epochs between two steps.", min=1)
    gamma: float = _option(0.1, "StepLR: factor of the learning rate at each step.", min=0)
    fine_tuned_layers: int = _option(
        FINE_TUNED_LAYERS, "Last layers that train; the others stay frozen.", min=1, max=16
    )
    size: int = _option(224, "Side of the chips in pixels.", min=80, max=600)
    input_size: int = _option(INPUT_SIZE, "Side in pixels that the network scales them to.", min=80, max=600)
    flip: float = _option(0.5, "Share of mirrored faces.", min=0, max=1)
    validation: float = _option(0.2, "Share kept to choose epoch and threshold.", min=0, max=0.5)
    test: float = _option(0.0, "Share kept for `visage evaluate --held-out`.", min=0, max=0.5)
    seed: int = _option(0, min=0)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Return the recipe that a file holds.

        Raises:
            TypeError: an option is unknown, or not a number.
        """
        if not all(type(value) in (int, float) for value in fields.values()):
            raise TypeError(fields)
        return cls(**fields)
