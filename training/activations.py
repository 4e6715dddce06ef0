"""The frozen trunk's activations of every chip, computed once and kept in a file.

Frozen layers give the same activations in every epoch. The file has those of each chip as it is, and mirrored.
"""

import io
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset

from dataset.progress import OnProgress
from preprocess.files import full_disk_as_oserror, write_text
from training import torchvision_ops
from training.network import VisageNetwork, frozen

_BATCH: Final = 16

ActivationArray = npt.NDArray[np.float32]
"""(2, N, ...) float32: as it is or mirrored, N chips, and the shape of the trunk's output."""


class Chips(Dataset[torch.Tensor]):
    """Aligned chips as (S, S, 3) uint8 tensors, mirrored with a probability of `flip`."""

    def __init__(self, files: Sequence[Path], size: int, flip: float) -> None:
        self._files, v2 = files, torchvision_ops.transforms()
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
    shape = (2, len(files), *_output_shape(network, size))
    header, row_bytes, rows = _header(shape), 4 * math.prod(shape[2:]), 2 * len(files)
    done = _rows_done(store, header, row_bytes, rows)
    if not done:
        remove(store)
    if done < rows:
        copies: ConcatDataset[torch.Tensor] = ConcatDataset([Chips(files, size, flip=0), Chips(files, size, flip=1)])
        # Not through a memory map: on a full disk, writing to one kills the process (SIGBUS).
        with full_disk_as_oserror(store), store.open("r+b" if done else "wb") as file:
            file.write(header)
            file.truncate(file.seek(len(header) + done * row_bytes))
            for activations in _of_chips(Subset(copies, range(done, rows)), network, size):
                file.write(activations.numpy().tobytes())
                file.flush()
                os.fsync(file.fileno())  # before the counter: after a power cut it must not count rows not written
                done += len(activations)
                write_text(_counter(store), str(done))
                on_progress(done, rows)
    stored: ActivationArray = np.lib.format.open_memmap(store, mode="r")
    return stored


def _of_chips(chips: Dataset[torch.Tensor], network: VisageNetwork, size: int) -> Iterator[torch.Tensor]:
    """Yield the activations of chips, in batches."""
    device = next(network.parameters()).device
    trunk = _Trunk(network) if device.type != "cpu" else frozen(_Trunk(network), torch.zeros(1, size, size, 3).byte())
    for batch in DataLoader(chips, _BATCH):
        with torch.inference_mode():
            activations = trunk(batch.to(device)).cpu()
        yield activations


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


def _header(shape: tuple[int, ...]) -> bytes:
    """Return how a file of numpy's begins that has an array of this shape."""
    header = io.BytesIO()
    kind = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, kind)
    return header.getvalue()


def _rows_done(store: Path, header: bytes, row_bytes: int, rows: int) -> int:
    """Return how many rows of `store` are written; 0 if it is another array, or damaged by a power cut."""
    try:
        done = int(_counter(store).read_text(encoding="utf-8"))
        with store.open("rb") as file:
            is_ours = file.read(len(header)) == header
    except (FileNotFoundError, ValueError):
        return 0
    whole = store.stat().st_size >= len(header) + done * row_bytes
    return done if is_ours and whole and 0 <= done <= rows else 0
