"""Aligned faces to a finished training run; see `training.run` for what is in its folder."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from preprocess.files import replacing, write_text
from preprocess.photo import RGBArray
from training import activations as activation_store
from training.activations import Chips
from training.claim import claim, describe
from training.faces import TRAIN, VALIDATION, AlignedFaces
from training.loop import FineTuning, best_of
from training.network import VisageNetwork
from training.observer import Epoch, Observer
from training.pretrained import Pretrained
from training.recipe import Recipe
from training.run import ACTIVATIONS, CHECKPOINT, METRICS, NETWORK, SAMPLES, Description, read_metrics

_SAMPLE_CHIPS: Final = 16


def train(
    faces: AlignedFaces,
    run: Path,
    recipe: Recipe,
    pretrained: Pretrained,
    observer: Observer,
    device: str = "cpu",
) -> dict[str, Any]:
    """Fine-tune on `faces`, going on where an earlier call was interrupted, and return the content of `metrics.json`.

    Raises:
        RunError: `run` holds another training.
    """
    weights = {"name": pretrained.name, "sha256": pretrained.sha256}
    description = describe(run, faces, recipe, weights, faces.fingerprint())
    claim(run, description)
    finished = read_metrics(run)
    if finished:
        return finished
    torch.manual_seed(recipe.seed)
    network = VisageNetwork(len(faces.labels), recipe.fine_tuned_layers, recipe.input_size)
    # Channels last, as `activations.compute` has them: a training that goes on does not call it, and computes the same.
    network.load_pretrained(pretrained.state).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    stored = activation_store.compute(
        network.eval(), faces.chips, recipe.size, run / ACTIVATIONS, observer.on_activations
    )
    tuning = FineTuning(network, stored, faces.people, np.array(description.roles), recipe)
    history = tuning.fit(run / CHECKPOINT, observer)
    return _finish(run, tuning, faces, history, description)


def _finish(
    run: Path, tuning: FineTuning, faces: AlignedFaces, history: Sequence[Epoch], description: Description
) -> dict[str, Any]:
    """Write the results of the run, the metrics last because they mark it as finished; then remove the activations."""
    with replacing(run / NETWORK) as unfinished:
        torch.save(tuning.network.state_dict(), unfinished)
    outputs: dict[str, Any] = {**tuning.outputs(), "chips": _some_chips(faces, tuning.recipe.size)}
    with replacing(run / SAMPLES) as unfinished, unfinished.open("wb") as file:
        np.savez(file, **outputs)
    metrics = _metrics(tuning, faces, history) | {"copies": description.copy_counts()}
    write_text(run / METRICS, json.dumps(metrics, indent=2, ensure_ascii=False) + "\n")
    activation_store.remove(run / ACTIVATIONS)
    return metrics


def _some_chips(faces: AlignedFaces, size: int) -> RGBArray:
    """Return a few chips of different people, (K, S, S, 3), to check the written networks with."""
    step = max(1, len(faces.chips) // _SAMPLE_CHIPS)
    samples = Chips(faces.chips[::step][:_SAMPLE_CHIPS], size, flip=0)
    return np.stack([samples[index].numpy() for index in range(len(samples))])


def _metrics(tuning: FineTuning, faces: AlignedFaces, history: Sequence[Epoch]) -> dict[str, Any]:
    best = best_of(history)
    return {
        "training": _figures(tuning.evaluate(TRAIN)),
        "validation": _figures(tuning.evaluate(VALIDATION)),
        "best_epoch": best.number if best else None,
        "epochs": [asdict(epoch) for epoch in history],
        "faces": dict(zip(faces.labels, np.bincount(faces.people).tolist(), strict=True)),
    }


def _figures(figures: tuple[float, float] | None) -> dict[str, float] | None:
    return figures and {"loss": figures[0], "accuracy": figures[1]}
