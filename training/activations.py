"""The frozen trunk's activations of every chip, computed once and kept in a file.

Frozen layers give the same activations in every epoch. The file has those of each chip as it is, and mirrored.
"""

from collections.abc import Sequence
from pathlib import Path
from tokenize import TokenError
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset

from dataset.progress import OnProgress
from preprocess.files import write_text
from training.network import VisageNetwork, frozen
from training.torchvision_ops import v2

_BATCH: Final = 16

ActivationArray = npt.NDArray[np.float32]
"""(2, N, ...) float32: as it is or mirrored, N chips, and the shape of the trunk's output."""

_Store = np.memmap[Any, np.dtype[np.float32]]

_UNREADABLE: Final = (FileNotFoundError, ValueError, EOFError, SyntaxError, TokenError)
"""What numpy raises on a file that is something else, or that was written by half. The last two: its header is text
that numpy parses as Python."""


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
    """The frozen part of a network as a module of its own."""

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
    on_progress: OnProgress,
) -> ActivationArray:
    """Return the activations of all chips, as they are and mirrored, kept in the file `store` and not in memory.

    An interrupted computation continues after the last batch that was stored. It starts from the beginning if the
    stored part cannot be used. The caller makes sure that `store` belongs to this network and these chips.
    """
    device = next(network.parameters()).device
    trunk = _Trunk(network) if device.type != "cpu" else frozen(_Trunk(network), torch.zeros(1, size, size, 3).byte())
    array, done = _open_store(store, (2, len(files), *_output_shape(network, size)))
    rows = array.reshape(-1, *array.shape[2:])
    copies: ConcatDataset[torch.Tensor] = ConcatDataset([Chips(files, size, flip=0), Chips(files, size, flip=1)])
    for batch in DataLoader(Subset(copies, range(done, len(rows))), _BATCH):
        with torch.inference_mode():
            rows[done : done + len(batch)] = trunk(batch.to(device)).cpu().numpy()
        array.flush()  # before the counter: after a power cut it must not count rows that were never written
        done += len(batch)
        write_text(_counter(store), str(done))
        on_progress(done, len(rows))
    return array


def remove(store: Path) -> None:
    """Delete the file of activations and its counter, if they are there."""
    _counter(store).unlink(missing_ok=True)
    store.unlink(missing_ok=True)


def _counter(store: Path) -> Path:
    """Return the file that says how many rows of `store` are written."""
    return store.with_suffix(".count")


def _output_shape(network: VisageNetwork, size: int) -> torch.Size:
    device = next(network.parameters()).device
    with torch.inference_mode():
        return network.activations(torch.zeros(1, size, size, 3, dtype=torch.uint8, device=device)).shape[1:]


def _open_store(store: Path, shape: tuple[int, ...]) -> tuple[_Store, int]:
    """Return the array in `store` and how many of its rows are written: a new array unless the old one can be used."""
    try:
        done = int(_counter(store).read_text(encoding="utf-8"))
        array = np.lib.format.open_memmap(store, mode="r+")
    except _UNREADABLE:  # a process was killed, or the power failed, while it wrote them
        pass
    else:
        is_ours = array.shape == shape and array.dtype == np.float32 and array.flags.c_contiguous
        if is_ours and 0 <= done <= shape[0] * shape[1]:
            return array, done
    remove(store)
    return np.lib.format.open_memmap(store, mode="w+", dtype=np.float32, shape=shape), 0
