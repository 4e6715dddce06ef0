"""The part of a network that computes embeddings: written in ONNX for `training.embedder`, or run by torch."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch
from torch import nn

from model import bundle as bundles
from model.engines import fusion
from preprocess.files import full_disk_as_oserror
from preprocess.temporary import temporary_folder
from training.network import VisageNetwork, frozen, without_interpolation
from training.onnx_network import optimize_onnx, trace_onnx
from training.pretrained import Pretrained

if TYPE_CHECKING:
    from training.embedder import Embedder, Network

_VERSION: Final = 1
"""Raise it when the file would have another content for the same weights."""


class _EmbeddingHalf(nn.Module):
    """Chips to embeddings alone."""

    def __init__(self, network: VisageNetwork) -> None:
        super().__init__()
        self._network = network

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        return self._network.embed(self._network.activations(chips))


def in_onnx(pretrained: Pretrained, side: int) -> Path:
    """Return the network of pretrained weights in ONNX, for chips of one side; it is written once, into the cache."""
    folder = pretrained.cache / f"embedder-{pretrained.sha256[:12]}-{side}-{_VERSION}"
    if not folder.exists():
        network = without_interpolation(VisageNetwork(classes=1).load_pretrained(pretrained.state).eval(), side)
        example = torch.zeros(1, side, side, 3, dtype=torch.uint8)
        with temporary_folder(pretrained.cache) as temporary, full_disk_as_oserror(folder):
            unfinished = temporary / folder.name
            unfinished.mkdir()
            trace_onnx(_EmbeddingHalf(network), example, str(temporary / "traced.onnx"), ["embeddings"])
            optimize_onnx(str(temporary / "traced.onnx"), unfinished)
            _put(unfinished, folder)
    return folder / bundles.ONNX


def _put(unfinished: Path, folder: Path) -> None:
    """Rename a folder, unless another process has put the same one there meanwhile."""
    try:
        unfinished.replace(folder)
    except OSError:
        if not folder.exists():
            raise


def in_torch(embedder: "Embedder") -> "Network":
    """Return the network of an embedder, run by torch."""
    network = fusion.load(embedder.file) if embedder.traced else _pretrained(embedder)

    def run(chips: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            embeddings: torch.Tensor = network(chips)[0]
        return embeddings

    return lambda chips: run(torch.from_numpy(chips)).numpy()


def _pretrained(embedder: "Embedder") -> torch.jit.ScriptModule:
    state = torch.load(embedder.file, map_location="cpu", weights_only=True)
    network = VisageNetwork(classes=1, input_size=embedder.input_size).load_pretrained(state)
    size = embedder.geometry.size
    return frozen(network, torch.zeros(1, size, size, 3, dtype=torch.uint8))
