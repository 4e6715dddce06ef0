"""`visage train`: aligned faces to a training run."""

from collections.abc import Callable
from dataclasses import fields
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.plots import plot_curves
from scripts.console import JSONOption, PretrainedOption, console, emit, out, progress
from scripts.training_bars import TrainingBars
from scripts.weights import device as device_called
from scripts.weights import load_weights
from training import faces
from training.observer import Epoch
from training.recipe import Recipe
from training.run import CURVES, discard
from training.train import train as train_run


def _recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each field of `Recipe`, with the help and the limits that the field states."""
    options = [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=Annotated[field.type, typer.Option(**field.metadata)],
        )
        for field in fields(Recipe)
    ]
    own = list(signature(command).parameters.values())
    positional = [parameter for parameter in own if parameter.kind == Parameter.POSITIONAL_OR_KEYWORD]
    keyword = [parameter for parameter in own if parameter.kind == Parameter.KEYWORD_ONLY]
    command.__signature__ = Signature([*positional, *options, *keyword])  # type: ignore[attr-defined]
    return command


@_recipe_options
def train(
    aligned: Annotated[Path, typer.Argument(help="The folder that `visage prepare` made.")],
    run: Annotated[Path, typer.Argument(help="The folder for the training run.")],
    weights: PretrainedOption = None,
    *,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "auto",
    restart: Annotated[bool, typer.Option("--restart", help="Delete the training in RUN and start again.")] = False,
    as_json: JSONOption = False,
    **recipe: float,
) -> None:
    """Fine-tune the network on aligned faces. After an interruption, the same command continues."""
    chosen = Recipe(**recipe)  # type: ignore[arg-type]  # typer has checked the types
    device = device_called(device)
    people = faces.read(aligned)
    with progress() as bar:
        start = load_weights(weights, bar)
        if restart:  # only now that nothing is missing for a new training
            discard(run)
        metrics = train_run(people, run, chosen, start, TrainingBars(bar), device)
    plot_curves([Epoch(**epoch) for epoch in metrics["epochs"]], run / CURVES)
    emit(metrics, as_json=as_json, show=_show)
    console.print(f"Curves: {run / CURVES}")


def _show(metrics: dict[str, Any]) -> None:
    training, validation = metrics["training"], metrics["validation"]
    out.print(f"best epoch {metrics['best_epoch']}")
    out.print(f"training    loss {training['loss']:.5f}  accuracy {training['accuracy']:.2%}")
    if validation:
        out.print(f"validation  loss {validation['loss']:.5f}  accuracy {validation['accuracy']:.2%}")
