"""What a training reports while it runs."""

from dataclasses import dataclass
from typing import Self

from dataset.progress import OnStep


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch's figures; loss is cross-entropy, accuracy a share; validation is None without a holdout."""

    number: int
    learning_rate: float
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float

    def beats(self, other: Self | None) -> bool:
        """Whether this epoch is the one to keep: more accurate on the holdout, or as accurate at a lower loss."""
        return other is None or self._rank() < other._rank()  # noqa: SLF001

    def _rank(self) -> tuple[float, float]:
        if self.validation_accuracy is None or self.validation_loss is None:
            return -self.accuracy, self.loss
        return -self.validation_accuracy, self.validation_loss


class Observer:
    """Gets a call at each step of a training. This one does nothing; subclasses show the progress."""

    def on_activations(self, done: int, total: int) -> None:
        """Called when `done` of `total` chips, mirrored copies included, have been through the frozen layers."""

    def on_epoch(self, epoch: Epoch, epochs: int) -> None:
        """Called after each of `epochs` epochs."""

    def on_eight_bits(self, done: int, total: int) -> None:
        """Called when `done` of `total` chips, mirrored copies included, have been through the network in ONNX."""


class StepObserver(Observer):
    """Reports a training to `on_step`, as two named steps."""

    def __init__(self, on_step: OnStep) -> None:
        self._on_step = on_step

    def on_activations(self, done: int, total: int) -> None:
        """Report the frozen layers."""
        self._on_step("Frozen layers, faces", done, total)

    def on_epoch(self, epoch: Epoch, epochs: int) -> None:
        """Report an epoch."""
        self._on_step("Training, epochs", epoch.number, epochs)

    def on_eight_bits(self, done: int, total: int) -> None:
        """Report the network in eight bits."""
        self._on_step("Network in eight bits, faces", done, total)
