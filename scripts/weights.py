"""Pretrained weights for a command, downloaded with a progress bar; and the device to train on."""

import torch
from rich.progress import Progress

from scripts import checks
from scripts.console import CACHE, CommandError, steps
from training import pretrained
from training.pretrained import Pretrained


def load_weights(name: str | None, bar: Progress) -> Pretrained:
    """Return the weights called `name`, by default VGGFace2 if it can be downloaded; show the download's progress.

    Raises:
        WeightsError: they cannot be fetched, or the file holds something else.
    """
    show = steps(bar)

    def on_download(file: str, done: int, total: int) -> None:
        show(f"Downloading {file}, MB", done // 1_000_000, max(total // 1_000_000, 1))

    return pretrained.load(name, CACHE / "pretrained", on_download, bar.console.print)


def device(name: str = "auto") -> str:
    """Return the device to train on: the one that is named, or for "auto" CUDA's if there is one and else the CPU.

    Raises:
        CommandError: there is no such device, or it cannot be used here.
    """
    checks.device(name)
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        (torch.ones(1, device=name) + 1).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # AssertionError: torch was built without CUDA
        reason = str(error).partition("\n")[0].partition(". ")[0].removesuffix(".")
        raise CommandError(f"The device {name} cannot be used here: {reason}. Give --device cpu.") from error
    return name
