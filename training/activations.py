"""What the frozen trunk makes of every chip, computed once.

Frozen layers give the same activations in every epoch, so training reads them from a file instead: one copy of each
chip as it is, one mirrored.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset

from training.network import VisageNetwork, frozen
from training.torchvision_ops import v2

_BATCH: Final = 16

ActivationArray = npt.NDArray[np.float32]
"""(2, N, ...) float32: as it is and mirrored, chips, and whatever the trunk's output is."""


class Chips(Dataset[torch.Tensor]):
    """Aligned chips as (S, S, 3) uint8 tensors, mirrored with a probability of `flip`."""

    def __init__(self, files: Sequence[Path], size: int, flip: float) -> None:
        self._files = files
        self._transform = v2.Compose(
            [v2.PILToTensor(), v2.Resize((size, size), antialias=True), v2.RandomHorizontalFlip(flip)]
        )

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> torch.Tensor:
        with Image.open(self._files[index]) as image:
            chip: torch.Tensor = self._transform(image.convert("RGB"))
        return chip.permute(1, 2, 0)


class _Trunk(torch.nn.Module):
    """The frozen part of a network, as a network."""

    def __init__(self, network: VisageNetwork) -> None:
        super().__init__()
        self._network = network

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        return self._network.activations(chips)


def compute(
    network: VisageNetwork,
    files: Sequence[Path],
    size: int,
    store: Path,
    on_progress: Callable[[int, int], None],
) -> ActivationArray:
    """Return both copies' activations of all chips, kept in the file `store` rather than in memory.

    An interrupted computation goes on after the last batch that was stored. The caller sees to it that a store is
    only met again by the same network and chips.
    """
    device = next(network.parameters()).device
    trunk = _Trunk(network) if device.type != "cpu" else frozen(_Trunk(network), torch.zeros(1, size, size, 3).byte())
    array = _store(network, len(files), size, store)
    rows = array.reshape(-1, *array.shape[2:])
    counter = store.with_suffix(".count")
    done = int(counter.read_text()) if counter.exists() else 0
    copies: ConcatDataset[torch.Tensor] = ConcatDataset([Chips(files, size, flip=0), Chips(files, size, flip=1)])
    for batch in DataLoader(Subset(copies, range(done, len(rows))), _BATCH):
        with torch.inference_mode():
            rows[done : done + len(batch)] = trunk(batch.to(device)).cpu().numpy()
        array.flush()  # before the counter says so: a power cut must not leave rows that were never written
        done += len(batch)
        counter.write_text(str(done))
        on_progress(done, len(rows))
    return array


def _store(network: VisageNetwork, chips: int, size: int, store: Path) -> "np.memmap[Any, np.dtype[np.float32]]":
    """Open the file of activations, or make it."""
    device = next(network.parameters()).device
    if store.with_suffix(".count").exists():
        return np.lib.format.open_memmap(store, mode="r+")
    with torch.inference_mode():
        probe = network.activations(torch.zeros(1, size, size, 3, dtype=torch.uint8, device=device))
    return np.lib.format.open_memmap(store, mode="w+", dtype=np.float32, shape=(2, chips, *probe.shape[1:]))
