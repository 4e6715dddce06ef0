"""Removes a class from the last layer of a bundle's network: its row of weights, its bias, and so its logit.

The old and the new networks are run on the same chips. The new ones are accepted only if they compute the same for
everybody else.
"""

from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch

from model import bundle as bundles
from model.engines import ENGINES
from model.engines.base import random_chip
from model.settings import cores
from training.errors import RemovalError
from training.onnx_network import save_onnx

_TOLERANCE: Final = 1e-4
"""Largest accepted change of embeddings and logits: another order of additions in float32 changes them by less."""


def remove_class(original: Path, folder: Path, index: int, size: int) -> None:
    """Remove the class `index` from the networks in `folder`, which are copies of those in `original`.

    `size` is the side of the network's chips.

    Raises:
        RemovalError: a network is not built as expected, or computes something else afterwards.
    """
    try:
        _remove_from_trace(folder / bundles.MODEL, index)
        _remove_from_onnx(folder, index)
    except (RuntimeError, ValueError, AttributeError, LookupError, TypeError, StopIteration) as error:
        raise RemovalError(f"A person's weights cannot be removed from this network: {error}") from error
    for name in ENGINES:
        _check(name, original, folder, index, size)


def _check(name: str, original: Path, folder: Path, index: int, size: int) -> None:
    """Compare what an engine computes before and after the removal.

    Raises:
        RemovalError: embeddings or the other people's logits have changed.
    """
    chips = random_chip(size)
    embeddings, logits = ENGINES[name](original, cores()).run(chips)
    expected = embeddings, np.delete(logits, index, axis=1)
    try:
        found = ENGINES[name](folder, cores()).run(chips)
    except (RuntimeError, ValueError) as error:
        raise RemovalError(f"Without the person's weights, {name} cannot run the network: {error}") from error
    if not all(
        one.shape == other.shape and np.allclose(one, other, rtol=_TOLERANCE, atol=_TOLERANCE)
        for one, other in zip(found, expected, strict=True)
    ):
        raise RemovalError(f"Without the person's weights, the network computes something else in {name}.")


def _remove_from_trace(model: Path, index: int) -> None:
    """Remove a class from a frozen TorchScript module, whose last layer is a linear one with constant weights."""
    network = torch.jit.load(model, map_location="cpu")  # type: ignore[no-untyped-call]
    _, logits = next(iter(network.graph.outputs())).node().inputs()
    for constant in list(logits.node().inputs())[1:]:
        rows = constant.toIValue()
        constant.node().t_("value", torch.cat([rows[:index], rows[index + 1 :]]))
        constant.setType(torch.TensorType.get())  # any tensor: the shape that was traced is no longer true
    logits.setType(torch.TensorType.get())
    torch.jit.save(network, model)


def _remove_from_onnx(folder: Path, index: int) -> None:
    """Remove a class from an ONNX model, whose last layer is a Gemm of a transposed matrix and a bias."""
    network = onnx.load(folder / bundles.ONNX)
    (layer,) = (node for node in network.graph.node if "logits" in node.output)
    weights = {tensor.name: tensor for tensor in network.graph.initializer}
    for name in layer.input[1:]:
        kept = np.delete(onnx.numpy_helper.to_array(weights[name]), index, axis=0)
        weights[name].CopyFrom(onnx.numpy_helper.from_array(kept, name))
    classes = network.graph.output[1].type.tensor_type.shape.dim[1]
    classes.dim_value -= 1
    save_onnx(network, folder)
