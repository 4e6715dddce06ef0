"""`visage train`: aligned faces to a training run."""

from collections.abc import Callable
from dataclasses import fields
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from dataset.tally import told_copies
from dataset.words import counted
from model.settings import cores
from scripts import checks
from scripts.console import JSONOption, PretrainedOption, console, emit, out, progress
from training import faces
from training.claim import check_claim
from training.observer import Epoch
from training.recipe import Recipe
from training.run import CURVES, check_discard, discard

_SECONDS_A_FACE: Final = 0.4
"""On one core, with the default recipe. Measured: docs/quality.md has the time of 15 epochs on two cores with about 300
faces."""

_MEGABYTES: Final = 250
_MEGABYTES_A_FACE: Final = 0.4
"""The network and a checkpoint, and the frozen layers' output for each face."""


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
    people = faces.read(aligned)
    if restart:
        check_discard(run)
    else:
        check_claim(run, people, chosen)
    checks.device(device)
    checks.weights(weights)
    checks.target(run, _MEGABYTES + len(people.chips) * _MEGABYTES_A_FACE)
    checks.announce(
        f"Training on {counted(len(people.chips), 'face')} of {counted(len(people.labels), 'person')}",
        len(people.chips) * _SECONDS_A_FACE / cores(),
        as_json=as_json,
    )
    from evaluation.plots import plot_curves
    from scripts.training_bars import TrainingBars
    from scripts.weights import device as usable
    from scripts.weights import load_weights
    from training.train import train as train_run

    device = usable(device)
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
    out.print(told_copies(metrics.get("copies")))
