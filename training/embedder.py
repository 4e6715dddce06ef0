"""Chips to embeddings, by pretrained weights or a bundle's network.

Worker processes import this module. It does not import torch: ONNX Runtime runs the pretrained network, so that a
worker is ready after 1.5 s of processor time instead of 5.8 s.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from PIL import Image

from model import bundle as bundles
from model.bundle import Bundle
from model.cohort import FloatArray, normalised
from preprocess.geometry import Geometry
from preprocess.photo import RGBArray
from preprocess.runtime import session
from training.recipe import INPUT_SIZE

if TYPE_CHECKING:
    from training.pretrained import Pretrained

_BATCH: Final = 16

Network = Callable[[RGBArray], FloatArray]
"""(N, S, S, 3) uint8 RGB chips of the network's own side to (N, 512) unit-length embeddings."""


@dataclass(frozen=True, slots=True)
class Embedder:
    """The part of a network that computes embeddings, named by its file. Each process loads it on first use.

    `file` is a bundle's `model.pt` where `traced`, or its `model.onnx`, else pretrained weights, which get chips scaled
    to `input_size`.
    Where `mirrored`, the embedding of the mirrored chip is added, as for the prototypes of a gallery. `onnx` is the
    same network in ONNX, if there is one. `sha256` is that of `file`. The `repr` contains the checksum and not the
    paths: cached results stay valid when the file moves, and do not when its content changes.
    """

    file: Path = field(repr=False)
    sha256: str
    geometry: Geometry
    traced: bool = False
    input_size: int = INPUT_SIZE
    onnx: Path | None = field(default=None, repr=False)
    mirrored: bool = False

    @classmethod
    def of_pretrained(cls, pretrained: "Pretrained", geometry: Geometry | None = None) -> Self:
        """Return the embedder of pretrained weights for chips of a geometry, by default ours; write it in ONNX once."""
        geometry = geometry or Geometry()
        onnx = import_module("training.embedding_network").in_onnx(pretrained, geometry.size)
        return cls(pretrained.file, pretrained.sha256, geometry, onnx=onnx)

    @classmethod
    def of_bundle(cls, bundle: Bundle) -> Self:
        """Return the embedder of a verified bundle."""
        sha256 = bundle.manifest.files[bundles.MODEL].sha256
        return cls(bundle.path(bundles.MODEL), sha256, bundle.manifest.geometry, traced=True)

    @classmethod
    def of_bundle_in_onnx(cls, bundle: Bundle) -> Self:
        """Return the embedder of a verified bundle's network in ONNX, whose embeddings differ a little."""
        file, sha256 = bundle.path(bundles.ONNX), bundle.manifest.files[bundles.ONNX_WEIGHTS].sha256
        return cls(file, sha256, bundle.manifest.geometry, onnx=file)

    def with_mirror(self) -> Self:
        """Return the embedder that adds the embedding of the mirrored chip."""
        return replace(self, mirrored=True)

    def __call__(self, chips: RGBArray) -> FloatArray:
        """Return the (N, 512) unit-length embeddings of (N, S, S, 3) uint8 RGB chips of any side."""
        scaled = np.stack([self._scale(chip) for chip in chips])
        embeddings = self._embed(scaled)
        if self.mirrored:
            embeddings = normalised(embeddings + self._embed(np.ascontiguousarray(scaled[:, :, ::-1])))
        return embeddings

    def _embed(self, scaled: RGBArray) -> FloatArray:
        network = _load(replace(self, mirrored=False))
        return np.concatenate([network(scaled[at : at + _BATCH]) for at in range(0, len(scaled), _BATCH)])

    def _scale(self, chip: RGBArray) -> RGBArray:
        side = self.geometry.size
        return np.asarray(Image.fromarray(chip).resize((side, side), Image.Resampling.BILINEAR))


@cache
def _load(embedder: Embedder) -> Network:
    """Load a network once a process. The pretrained one in ONNX is for chips and inputs of the usual size only."""
    usual = (embedder.geometry.size, embedder.input_size) == (Geometry().size, INPUT_SIZE)
    if embedder.onnx is None or not (usual or embedder.onnx == embedder.file):
        network: Network = import_module("training.embedding_network").in_torch(embedder)
        return network
    run = session(embedder.onnx, threads=1).run
    return lambda chips: run(None, {"chips": chips})[0]
