"""The epochs of a fine-tuning: batches balanced by person, SGD, a checkpoint after each epoch."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

from model.cohort import FloatArray
from model.prototypes import IntArray
from preprocess.files import replacing
from training.activations import ActivationArray
from training.errors import RunError
from training.faces import TRAIN, VALIDATION
from training.network import VisageNetwork, is_folded, restore_batch_norm
from training.observer import Epoch, Observer
from training.pretrained import UNREADABLE
from training.recipe import Recipe

_EVALUATION_BATCH: Final = 128
_STATISTICS_FACES: Final = 512
"""Faces that are enough for the statistics of a batch norm."""


class _StoredFaces(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Stored activations and their labels; a share `flip` of accesses reads the mirrored copy, at random."""

    def __init__(self, stored: ActivationArray, rows: IntArray, people: IntArray, flip: float) -> None:
        self._stored, self._rows, self._people, self._flip = stored, rows, people, flip

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        row = self._rows[index]
        copy = int(torch.rand(()) < self._flip)
        return torch.tensor(self._stored[copy, row]), torch.tensor(self._people[row])


OUTPUTS: Final = ("embeddings", "mirrored", "logits")
"""What `FineTuning.outputs` returns."""


class FineTuning:
    """The layers that train, their optimizer and their data."""

    def __init__(
        self,
        network: VisageNetwork,
        stored: ActivationArray,
        people: IntArray,
        roles: IntArray,
        recipe: Recipe,
    ) -> None:
        self.network, self.recipe = network, recipe
        self._stored, self._people = stored, people
        self._rows = {role: np.flatnonzero(roles == role) for role in (TRAIN, VALIDATION)}
        self._device = next(network.parameters()).device
        self._tuned = nn.ModuleList([network.naming_head, network.classifier])
        self._optimizer = torch.optim.SGD(self._tuned.parameters(), recipe.learning_rate, recipe.momentum)
        self._schedule = torch.optim.lr_scheduler.StepLR(self._optimizer, recipe.step_epochs, recipe.gamma)

    def fit(self, checkpoint: Path, observer: Observer) -> list[Epoch]:
        """Train the epochs that are missing, put the best epoch's weights into the network, and return all epochs."""
        history, best = self._resume(checkpoint)
        best_epoch = best_of(history)
        for number in range(len(history) + 1, self.recipe.epochs + 1):
            epoch = self._run_epoch(number)
            history.append(epoch)
            if epoch.beats(best_epoch):
                best_epoch, best = epoch, {k: v.clone() for k, v in self._tuned.state_dict().items()}
            self._save(checkpoint, history, best)
            observer.on_epoch(epoch, self.recipe.epochs)
        self._tuned.load_state_dict(best)
        return history

    def evaluate(self, role: int) -> tuple[float, float] | None:
        """Return the mean cross-entropy and the accuracy on the faces of a role, unmirrored; None if there are none."""
        rows = self._rows[role]
        if not len(rows):
            return None
        self.network.eval()
        losses, right = 0.0, 0
        for inputs, targets in DataLoader(_StoredFaces(self._stored, rows, self._people, 0), _EVALUATION_BATCH):
            with torch.inference_mode():
                logits = self.network.name(inputs.to(self._device)).cpu()
            losses += float(functional.cross_entropy(logits, targets, reduction="sum"))
            right += int((logits.argmax(1) == targets).sum())
        return losses / len(rows), right / len(rows)

    def outputs(self) -> dict[str, FloatArray]:
        """Return what the network computes of all chips.

        `embeddings` (N, 512) and those of the `mirrored` chips are by the pretrained head, `logits` (N, C) by the
        fine-tuned one.
        """
        self.network.eval()
        return {
            "embeddings": self._run(self.network.embed, copy=0),
            "mirrored": self._run(self.network.embed, copy=1),
            "logits": self._run(self.network.name, copy=0),
        }

    def _run(self, head: Callable[[torch.Tensor], torch.Tensor], copy: int) -> FloatArray:
        """Return a head's output for all chips as they are, or for `copy` 1 mirrored."""
        found = []
        for start in range(0, self._stored.shape[1], _EVALUATION_BATCH):
            batch = torch.tensor(self._stored[copy, start : start + _EVALUATION_BATCH]).to(self._device)
            with torch.inference_mode():
                found.append(head(batch).cpu().numpy())
        return np.concatenate(found)

    def _run_epoch(self, number: int) -> Epoch:
        began = time.perf_counter()
        rate = float(self._schedule.get_last_lr()[0])
        loss, accuracy = self._train_once(number)
        self._schedule.step()
        validation_loss, validation_accuracy = self.evaluate(VALIDATION) or (None, None)
        seconds = time.perf_counter() - began
        return Epoch(number, rate, loss, accuracy, validation_loss, validation_accuracy, seconds)

    def _train_once(self, number: int) -> tuple[float, float]:
        """Train for one epoch; return the mean loss and the accuracy over its batches."""
        self.network.train()
        losses, right, seen = 0.0, 0, 0
        for inputs, targets in self._batches(number):
            logits = self.network.name(inputs.to(self._device))
            loss = functional.cross_entropy(logits, targets.to(self._device))
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            losses += loss.item() * len(targets)
            right += int((logits.argmax(1).cpu() == targets).sum())
            seen += len(targets)
        return losses / seen, right / seen

    def _batches(self, number: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield the full batches of an epoch, all people with equal chances; the epoch's number is the random seed."""
        rows, size = self._rows[TRAIN], self.recipe.batch_size
        people = self._people[rows]
        weights = 1 / np.bincount(people)[people]
        torch.manual_seed(self.recipe.seed * 10_000 + number)
        sampler = WeightedRandomSampler(weights.tolist(), num_samples=-(-len(rows) // size) * size)
        mirrored = _StoredFaces(self._stored, rows, self._people, self.recipe.flip)
        yield from DataLoader(mirrored, size, sampler=sampler)

    def _resume(self, checkpoint: Path) -> tuple[list[Epoch], dict[str, torch.Tensor]]:
        if not checkpoint.exists():
            self._restore_batch_norm()
            return [], self._tuned.state_dict()
        try:
            saved = torch.load(checkpoint, map_location=self._device, weights_only=True)
            self._tuned.load_state_dict(saved["tuned"])
            self._optimizer.load_state_dict(saved["optimizer"])
            self._schedule.load_state_dict(saved["schedule"])
            return [Epoch(**epoch) for epoch in saved["history"]], saved["best"]
        except (*UNREADABLE, TypeError) as error:
            raise RunError(f"{checkpoint} is damaged. Start the training afresh with --restart.") from error

    def _restore_batch_norm(self) -> None:
        """Compute the statistics that folded weights have lost, from the training faces."""
        if is_folded(self.network.naming_head):
            some = self._rows[TRAIN][:: max(1, len(self._rows[TRAIN]) // _STATISTICS_FACES)]
            restore_batch_norm(self.network.naming_head, torch.tensor(self._stored[0, some]).to(self._device))

    def _save(self, checkpoint: Path, history: list[Epoch], best: dict[str, torch.Tensor]) -> None:
        state = {
            "tuned": self._tuned.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "history": [asdict(epoch) for epoch in history],
            "best": best,
        }
        with replacing(checkpoint) as unfinished:
            torch.save(state, unfinished)


def best_of(history: Sequence[Epoch]) -> Epoch | None:
    """Return the epoch to keep, the first of equals; None of none."""
    best: Epoch | None = None
    for epoch in history:
        if epoch.beats(best):
            best = epoch
    return best
