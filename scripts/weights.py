"""Pretrained weights for a command: fetched with a progress bar, and the device that they run on."""

import torch
from rich.progress import Progress

from scripts.console import CACHE, steps
from training import pretrained
from training.pretrained import Pretrained


def load_weights(name: str | None, bar: Progress) -> Pretrained:
    """Return the weights called `name`, or the best that can be had, showing how their download goes.

    Raises:
        WeightsError: they cannot be fetched, or the file holds something else.
    """
    show = steps(bar)

    def on_download(file: str, done: int, total: int) -> None:
        show(f"Downloading {file}, MB", done // 1_000_000, max(total // 1_000_000, 1))

    return pretrained.load(name, CACHE / "pretrained", on_download, bar.console.print)


def device(name: str = "auto") -> str:
    """Return the device to train on: the one that is named, or the GPU where there is one."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name
