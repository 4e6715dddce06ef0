"""Aligned faces to a finished training run; see `training.run` for what is in its folder."""

import copy
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch.utils.data import ConcatDataset, DataLoader

from model.cohort import FloatArray
from model.engines import FLOAT32, INT8, ONNX
from model.settings import cores
from preprocess.files import replacing, sha256_of, write_text
from preprocess.photo import RGBArray
from training import activations as activation_store
from training import onnx_network
from training.activations import Chips
from training.claim import claim, describe
from training.faces import TRAIN, VALIDATION, AlignedFaces
from training.loop import OUTPUTS, FineTuning, best_of
from training.network import VisageNetwork
from training.observer import Epoch, Observer
from training.pretrained import Pretrained
from training.recipe import Recipe
from training.run import ACTIVATIONS, CHECKPOINT, METRICS, NETWORK, SAMPLES, Description, read_metrics

_SAMPLE_CHIPS: Final = 16
_BATCH: Final = 16


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
    return _finish(run, tuning, faces, history, description, observer)


def _finish(
    run: Path,
    tuning: FineTuning,
    faces: AlignedFaces,
    history: Sequence[Epoch],
    description: Description,
    observer: Observer,
) -> dict[str, Any]:
    """Write the results of the run, the metrics last because they mark it as finished; then remove the activations."""
    with replacing(run / NETWORK) as unfinished:
        torch.save(tuning.network.state_dict(), unfinished)
    outputs: dict[str, Any] = {**tuning.outputs(), "chips": _some_chips(faces, tuning.recipe.size)}
    outputs |= _outputs_in_onnx(run, tuning, faces, outputs, observer)
    with replacing(run / SAMPLES) as unfinished, unfinished.open("wb") as file:
        np.savez(file, **outputs)
    metrics = _metrics(tuning, faces, history) | {"copies": description.copy_counts()}
    write_text(run / METRICS, json.dumps(metrics, indent=2, ensure_ascii=False) + "\n")
    activation_store.remove(run / ACTIVATIONS)
    return metrics


def _outputs_in_onnx(
    run: Path, tuning: FineTuning, faces: AlignedFaces, outputs: Mapping[str, Any], observer: Observer
) -> dict[str, Any]:
    """Write the network in ONNX, and return what it computes of all chips: `outputs` have the same by torch.

    It computes in eight bits. Where these change embeddings too much, the network for float32 takes its place.
    """
    network = copy.deepcopy(tuning.network).cpu().eval()
    onnx_network.write(network, outputs["chips"], run)
    found, precision = _in_eight_bits(run, faces, tuning.recipe.size, observer), INT8
    cosine = float((found["embeddings"] * outputs["embeddings"]).sum(axis=1).mean())
    if cosine < onnx_network.MIN_COSINE:
        logging.getLogger(__name__).warning(
            "ONNX Runtime is slower than it could be: the cosine of embeddings in eight bits to those in float32 is "
            "%.3f, and %.3f is needed.",
            cosine,
            onnx_network.MIN_COSINE,
        )
        onnx_network.write_exact(network, outputs["chips"], run)
        found, precision = {name: outputs[name] for name in OUTPUTS}, FLOAT32
    checksums = [sha256_of(run / name) for name in ONNX.files]
    own = {f"onnx_{name}": values for name, values in found.items()}
    return own | {"onnx_precision": precision, "onnx_files": checksums}


def _in_eight_bits(run: Path, faces: AlignedFaces, size: int, observer: Observer) -> dict[str, FloatArray]:
    """Return what the network in ONNX in the folder of a run computes of all chips, as `FineTuning.outputs` does."""
    engine = ONNX(run, cores())
    copies: ConcatDataset[torch.Tensor] = ConcatDataset([Chips(faces.chips, size, flip) for flip in (0, 1)])
    found = []
    for number, chips in enumerate(DataLoader(copies, _BATCH), 1):
        found.append(engine.run(chips.numpy()))
        observer.on_eight_bits(min(number * _BATCH, len(copies)), len(copies))
    embeddings, logits = (np.concatenate(values) for values in zip(*found, strict=True))
    count = len(faces.chips)
    return {"embeddings": embeddings[:count], "mirrored": embeddings[count:], "logits": logits[:count]}


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
