"""`visage train`: aligned faces to a training run."""

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from evaluation.plots import CURVES, plot_curves
from scripts.console import JSONOption, PretrainedOption, console, emit, out, progress, steps
from scripts.weights import device as device_called
from scripts.weights import load_weights
from training import faces
from training.observer import Epoch, Observer
from training.recipe import Recipe
from training.train import train as train_run

_DEFAULT = Recipe()


def train(
    aligned: Annotated[Path, typer.Argument(help="What `visage prepare` made.")],
    run: Annotated[Path, typer.Argument(help="Where the training run goes.")],
    weights: PretrainedOption = None,
    epochs: Annotated[int, typer.Option(min=1)] = _DEFAULT.epochs,
    batch_size: Annotated[int, typer.Option(min=2)] = _DEFAULT.batch_size,
    learning_rate: Annotated[float, typer.Option(min=0, help="SGD's step.")] = _DEFAULT.learning_rate,
    momentum: Annotated[float, typer.Option(min=0, max=1)] = _DEFAULT.momentum,
    step_epochs: Annotated[int, typer.Option(min=1, help="StepLR: epochs a step.")] = _DEFAULT.step_epochs,
    gamma: Annotated[float, typer.Option(min=0, help="StepLR: factor a step.")] = _DEFAULT.gamma,
    fine_tuned_layers: Annotated[
        int, typer.Option(min=1, max=16, help="Last layers that train; the others stay frozen.")
    ] = _DEFAULT.fine_tuned_layers,
    size: Annotated[int, typer.Option(min=80, max=600, help="Side of the chips in pixels.")] = _DEFAULT.size,
    input_size: Annotated[
        int, typer.Option(min=80, max=600, help="Side in pixels that the network scales them to.")
    ] = _DEFAULT.input_size,
    flip: Annotated[float, typer.Option(min=0, max=1, help="Share of mirrored faces.")] = _DEFAULT.flip,
    validation: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share kept to choose epoch and threshold.")
    ] = _DEFAULT.validation,
    test: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share kept for `visage evaluate --held-out`.")
    ] = _DEFAULT.test,
    seed: Annotated[int, typer.Option(min=0)] = _DEFAULT.seed,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    restart: Annotated[bool, typer.Option("--restart", help="Forget what RUN holds.")] = False,
    as_json: JSONOption = False,
) -> None:
    """Fine-tune the network on aligned faces. Interrupted, the same command goes on."""
    recipe = Recipe(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        momentum=momentum,
        step_epochs=step_epochs,
        gamma=gamma,
        fine_tuned_layers=fine_tuned_layers,
        size=size,
        input_size=input_size,
        flip=flip,
        validation=validation,
        test=test,
        seed=seed,
    )
    people = faces.read(aligned)
    if restart:
        _discard(run)
    with progress() as bar:
        observer = _Bars(bar)
        metrics = train_run(people, run, recipe, load_weights(weights, bar), observer, device_called(device))
    plot_curves([Epoch(**epoch) for epoch in metrics["epochs"]], run / CURVES)
    emit(metrics, as_json=as_json, show=_show)
    console.print(f"Curves: {run / CURVES}")


class _Bars(Observer):
    """Shows the frozen layers' pass and the epochs."""

    def __init__(self, bar: Progress) -> None:
        self._console, self._show = bar.console, steps(bar)

    def on_activations(self, done: int, total: int) -> None:
        self._show("Frozen layers, faces", done, total)

    def on_epoch(self, epoch: Epoch, epochs: int) -> None:
        self._show("Training, epochs", epoch.number, epochs)
        held_out = ""
        if epoch.validation_accuracy is not None:
            held_out = f"   validation loss {epoch.validation_loss:.4f}  accuracy {epoch.validation_accuracy:.2%}"
        self._console.print(
            f"epoch {epoch.number:3}/{epochs}  loss {epoch.loss:.4f}  accuracy {epoch.accuracy:.2%}{held_out}"
        )


def _discard(run: Path) -> None:
    """Delete a run, and nothing that is no run."""
    if (run / "run.json").exists():
        shutil.rmtree(run)


def _show(metrics: dict[str, Any]) -> None:
    training, validation = metrics["training"], metrics["validation"]
    out.print(f"best epoch {metrics['best_epoch']}")
    out.print(f"training    loss {training['loss']:.5f}  accuracy {training['accuracy']:.2%}")
    if validation:
        out.print(f"validation  loss {validation['loss']:.5f}  accuracy {validation['accuracy']:.2%}")
