"""Shows a training on the terminal."""

from rich.progress import Progress

from scripts.console import steps
from training.observer import Epoch, StepObserver


class TrainingBars(StepObserver):
    """Shows a training as progress bars, and a line for each epoch."""

    def __init__(self, bar: Progress) -> None:
        super().__init__(steps(bar))
        self._console = bar.console

    def on_epoch(self, epoch: Epoch, epochs: int) -> None:
        """Show an epoch."""
        super().on_epoch(epoch, epochs)
        held_out = ""
        if epoch.validation_accuracy is not None:
            held_out = f"   validation loss {epoch.validation_loss:.4f}  accuracy {epoch.validation_accuracy:.2%}"
        self._console.print(
            f"epoch {epoch.number:3}/{epochs}  loss {epoch.loss:.4f}  accuracy {epoch.accuracy:.2%}{held_out}"
        )
