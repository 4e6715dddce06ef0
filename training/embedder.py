"""Chips to embeddings, by pretrained weights or a bundle's network."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, Self

import numpy as np
import torch
from PIL import Image

from model import bundle as bundles
from model.bundle import Bundle
from model.engines import fusion
from model.gallery import FloatArray
from preprocess.geometry import Geometry
from preprocess.photo import RGBArray
from training.network import VisageNetwork, frozen
from training.pretrained import Pretrained
from training.recipe import INPUT_SIZE

_BATCH: Final = 16


@dataclass(frozen=True, slots=True)
class Embedder:
    """The part of a network that computes embeddings, named by its file. Each process loads it on first use.

    `file` is a bundle's `model.pt` where `traced`, else pretrained weights, which get chips scaled to `input_size`.
    `sha256` is the file's. The `repr` contains the checksum and not the path: cached results stay valid when the
    file moves, and do not when its content changes.
    """

    file: Path = field(repr=False)
    sha256: str
    geometry: Geometry
    traced: bool = False
    input_size: int = INPUT_SIZE

    @classmethod
    def of_pretrained(cls, pretrained: Pretrained) -> Self:
        """Return the embedder of pretrained weights, for chips of our geometry."""
        return cls(pretrained.file, pretrained.sha256, Geometry())

    @classmethod
    def of_bundle(cls, bundle: Bundle) -> Self:
        """Return the embedder of a verified bundle."""
        sha256 = bundle.manifest.files[bundles.MODEL].sha256
        return cls(bundle.path(bundles.MODEL), sha256, bundle.manifest.geometry, traced=True)

    def __call__(self, chips: RGBArray) -> FloatArray:
        """Return the (N, 512) unit-length embeddings of (N, S, S, 3) uint8 RGB chips of any side."""
        network = _load(self)
        scaled = np.stack([self._scale(chip) for chip in chips])
        with torch.inference_mode():
            parts = [network(torch.from_numpy(scaled[at : at + _BATCH]))[0] for at in range(0, len(scaled), _BATCH)]
        embeddings: FloatArray = torch.cat(parts).numpy()
        return embeddings

    def _scale(self, chip: RGBArray) -> RGBArray:
        side = self.geometry.size
        return np.asarray(Image.fromarray(chip).resize((side, side), Image.Resampling.BILINEAR))


@cache
def _load(embedder: Embedder) -> torch.nn.Module:
    """Load a network once a process."""
    if embedder.traced:
        return fusion.load(embedder.file)
    state = torch.load(embedder.file, map_location="cpu", weights_only=True)
    network = VisageNetwork(classes=1, input_size=embedder.input_size).load_pretrained(state)
    size = embedder.geometry.size
    return frozen(network, torch.zeros(1, size, size, 3, dtype=torch.uint8))
