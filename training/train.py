"""The fine-tuning loop: aligned faces in, a training run out.

A run is a folder:

| file | content |
| --- | --- |
| `run.json` | what is trained: recipe, labels, pretrained weights, the data's fingerprint, what each face is for |
| `checkpoint.pt` | where training stands, after every epoch |
| `network.pt` | the network of the best epoch, once training is done |
| `samples.npz` | every chip's embedding and logits, and a few chips, for export |
| `metrics.json` | how it went; `visage train` draws `curves.png` from it |
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

from preprocess.geometry import PHOTO_CHIP, Geometry
from training import activations as activation_store
from training import faces as aligned_faces
from training.activations import ActivationArray, Chips
from training.errors import RunError
from training.faces import TRAIN, VALIDATION, AlignedFaces
from training.network import FINE_TUNED_LAYERS, INPUT_SIZE, VisageNetwork, is_folded, restore_batch_norm
from training.pretrained import UNREADABLE, Pretrained

RUN: Final = "run.json"
CHECKPOINT: Final = "checkpoint.pt"
NETWORK: Final = "network.pt"
SAMPLES: Final = "samples.npz"
METRICS: Final = "metrics.json"

_ACTIVATIONS: Final = "activations.npy"
_SAMPLE_CHIPS: Final = 16
_EVALUATION_BATCH: Final = 128
_STATISTICS: Final = 512
"""Faces that are enough for the statistics of a batch norm."""

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides how training goes; the defaults are the recipe this project started from.

    `validation` and `test` are the shares of each person's photos kept from training: the first chooses the epoch and
    the threshold, the second is for `visage evaluate --held-out` alone. `size` is the chips' side, `input_size` the one
    that the network scales them to.
    """

    epochs: int = 15
    batch_size: int = 32
    learning_rate: float = 0.01
    momentum: float = 0.9
    step_epochs: int = 7
    gamma: float = 0.1
    fine_tuned_layers: int = FINE_TUNED_LAYERS
    size: int = 224
    input_size: int = INPUT_SIZE
    flip: float = 0.5
    validation: float = 0.2
    test: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch's figures; loss is cross-entropy, accuracy a share; validation is None without a holdout."""

    number: int
    learning_rate: float
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float

    def beats(self, other: Self | None) -> bool:
        """Whether this epoch is the one to keep: more accurate on the holdout, or as accurate at a lower loss."""
        return other is None or self._rank() < other._rank()  # noqa: SLF001

    def _rank(self) -> tuple[float, float]:
        if self.validation_accuracy is None or self.validation_loss is None:
            return -self.accuracy, self.loss
        return -self.validation_accuracy, self.validation_loss


class Observer(Protocol):
    """Is told how training goes."""

    def on_activations(self, done: int, total: int) -> None:
        """Some of the chips have been through the frozen layers."""

    def on_epoch(self, epoch: Epoch, epochs: int) -> None:
        """An epoch is done."""


@dataclass(frozen=True)
class Description:
    """The content of `run.json`. Two runs with the same description are the same training."""

    recipe: Recipe
    labels: tuple[str, ...]
    pretrained: Mapping[str, str]
    fingerprint: str
    geometry: Geometry
    chips: tuple[str, ...]
    people: tuple[int, ...]
    roles: tuple[int, ...]

    def to_json(self) -> str:
        """Return the text of `run.json`."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, run: Path) -> Self:
        """Read a run's description.

        Raises:
            RunError: the folder holds no training run.
        """
        try:
            fields = json.loads((run / RUN).read_text(encoding="utf-8"))
            fields |= {name: tuple(fields[name]) for name in ("labels", "chips", "people", "roles")}
            recipe, geometry = Recipe(**fields["recipe"]), Geometry(**fields["geometry"])
            return cls(**fields | {"recipe": recipe, "geometry": geometry})
        except FileNotFoundError as error:
            raise RunError(f"No training run at {run}. Run `visage train ALIGNED {run}` first.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(f"{run / RUN} is damaged, or of an older version. Train into another folder.") from error


def train(
    faces: AlignedFaces,
    run: Path,
    recipe: Recipe,
    pretrained: Pretrained,
    observer: Observer,
    device: str = "cpu",
) -> dict[str, Any]:
    """Fine-tune on `faces`, going on where an earlier call was interrupted, and return the content of `metrics.json`.

    Raises:
        RunError: `run` holds another training.
    """
    roles = aligned_faces.split(faces.people, recipe.validation, recipe.test, recipe.seed)
    description = Description(
        recipe=recipe,
        labels=faces.labels,
        pretrained={"name": pretrained.name, "sha256": pretrained.sha256},
        fingerprint=faces.fingerprint(),
        geometry=replace(PHOTO_CHIP, size=recipe.size),
        chips=tuple(faces.names()),
        people=tuple(map(int, faces.people)),
        roles=tuple(map(int, roles)),
    )
    _claim(run, description)
    if (run / METRICS).exists():
        return dict(json.loads((run / METRICS).read_text(encoding="utf-8")))
    torch.manual_seed(recipe.seed)
    network = (
        VisageNetwork(len(faces.labels), recipe.fine_tuned_layers, recipe.input_size)
        .load_pretrained(pretrained.state)
        .to(device)
    )
    stored = activation_store.compute(
        network.eval(), faces.chips, recipe.size, run / _ACTIVATIONS, observer.on_activations
    )
    session = _Session(network, stored, faces.people, roles, recipe)
    history = session.fit(run / CHECKPOINT, observer)
    return _finish(run, session, faces, history)


def _claim(run: Path, description: Description) -> None:
    """Make the run's folder, or see that it holds this very training."""
    run.mkdir(parents=True, exist_ok=True)
    if not (run / RUN).exists():
        if any(run.iterdir()):
            raise RunError(f"{run} holds something that is no training run. Give another folder.")
        _write(run / RUN, description.to_json())
    elif Description.read(run) != description:
        raise RunError(
            f"{run} holds a training with other faces or options. Give another folder, or start it afresh "
            "with --restart."
        )


class _Mirrored(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Stored activations with their targets; a share of `flip` accesses reads the mirrored copy."""

    def __init__(self, stored: ActivationArray, rows: IntArray, people: IntArray, flip: float) -> None:
        self._stored, self._rows, self._people, self._flip = stored, rows, people, flip

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        row = self._rows[index]
        copy = int(torch.rand(()) < self._flip)
        return torch.tensor(self._stored[copy, row]), torch.tensor(self._people[row])


class _Session:
    """The layers that train, their optimizer, and the data; one epoch at a time."""

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
        """Train the epochs that are missing, leave the best one's weights in the network, return all epochs."""
        history, best = self._resume(checkpoint)
        best_epoch = _best(history)
        for number in range(len(history) + 1, self.recipe.epochs + 1):
            epoch = self._run_epoch(number)
            history.append(epoch)
            if epoch.beats(best_epoch):
                best_epoch, best = epoch, {k: v.clone() for k, v in self._tuned.state_dict().items()}
            self._save(checkpoint, history, best)
            observer.on_epoch(epoch, self.recipe.epochs)
        self._tuned.load_state_dict(best)
        return history

    def judge(self, role: int) -> tuple[float, float] | None:
        """Return the mean cross-entropy and the accuracy on the faces of a role, unmirrored; None if there are none."""
        rows = self._rows[role]
        if not len(rows):
            return None
        self.network.eval()
        losses, right = 0.0, 0
        for inputs, targets in DataLoader(_Mirrored(self._stored, rows, self._people, 0), _EVALUATION_BATCH):
            with torch.inference_mode():
                logits = self.network.name(inputs.to(self._device)).cpu()
            losses += float(functional.cross_entropy(logits, targets, reduction="sum"))
            right += int((logits.argmax(1) == targets).sum())
        return losses / len(rows), right / len(rows)

    def outputs(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return every chip's embedding by the pretrained head, (N, 512), and its logits by the other, (N, C)."""
        self.network.eval()
        embeddings, logits = [], []
        for start in range(0, self._stored.shape[1], _EVALUATION_BATCH):
            batch = torch.tensor(self._stored[0, start : start + _EVALUATION_BATCH]).to(self._device)
            with torch.inference_mode():
                embeddings.append(self.network.embed(batch).cpu().numpy())
                logits.append(self.network.name(batch).cpu().numpy())
        return np.concatenate(embeddings), np.concatenate(logits)

    def _run_epoch(self, number: int) -> Epoch:
        began = time.perf_counter()
        rate = float(self._schedule.get_last_lr()[0])
        loss, accuracy = self._learn(number)
        self._schedule.step()
        validation_loss, validation_accuracy = self.judge(VALIDATION) or (None, None)
        seconds = time.perf_counter() - began
        return Epoch(number, rate, loss, accuracy, validation_loss, validation_accuracy, seconds)

    def _learn(self, number: int) -> tuple[float, float]:
        """Run the training faces through once, and return the mean loss and the accuracy on the way."""
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
        """Draw an epoch in full batches, every person as often as every other; the same whenever it is drawn."""
        rows, size = self._rows[TRAIN], self.recipe.batch_size
        people = self._people[rows]
        weights = 1 / np.bincount(people)[people]
        torch.manual_seed(self.recipe.seed * 10_000 + number)
        sampler = WeightedRandomSampler(weights.tolist(), num_samples=-(-len(rows) // size) * size)
        mirrored = _Mirrored(self._stored, rows, self._people, self.recipe.flip)
        yield from DataLoader(mirrored, size, sampler=sampler)

    def _resume(self, checkpoint: Path) -> tuple[list[Epoch], dict[str, torch.Tensor]]:
        if not checkpoint.exists():
            self._restore_batch_norm()
            return [], self._tuned.state_dict()
        saved = _load_checkpoint(checkpoint, self._device)
        self._tuned.load_state_dict(saved["tuned"])
        self._optimizer.load_state_dict(saved["optimizer"])
        self._schedule.load_state_dict(saved["schedule"])
        return [Epoch(**epoch) for epoch in saved["history"]], saved["best"]

    def _restore_batch_norm(self) -> None:
        """Put back, from the training faces, the statistics that folded weights lost."""
        if is_folded(self.network.naming_head):
            some = self._rows[TRAIN][:: max(1, len(self._rows[TRAIN]) // _STATISTICS)]
            restore_batch_norm(self.network.naming_head, torch.tensor(self._stored[0, some]).to(self._device))

    def _save(self, checkpoint: Path, history: list[Epoch], best: dict[str, torch.Tensor]) -> None:
        state = {
            "tuned": self._tuned.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "history": [asdict(epoch) for epoch in history],
            "best": best,
        }
        unfinished = checkpoint.with_suffix(".part")
        torch.save(state, unfinished)
        unfinished.replace(checkpoint)


def _load_checkpoint(checkpoint: Path, device: torch.device) -> dict[str, Any]:
    try:
        return dict(torch.load(checkpoint, map_location=device, weights_only=True))
    except UNREADABLE as error:
        raise RunError(f"{checkpoint} is damaged. Start the training afresh with --restart.") from error


def _best(history: list[Epoch]) -> Epoch | None:
    best: Epoch | None = None
    for epoch in history:
        if epoch.beats(best):
            best = epoch
    return best


def _finish(run: Path, session: _Session, faces: AlignedFaces, history: list[Epoch]) -> dict[str, Any]:
    """Write what the run leaves behind, the metrics last; then the activations may go."""
    embeddings, logits = session.outputs()
    torch.save(session.network.state_dict(), run / NETWORK)
    step = max(1, len(faces.chips) // _SAMPLE_CHIPS)
    samples = Chips(faces.chips[::step][:_SAMPLE_CHIPS], session.recipe.size, flip=0)
    np.savez(
        run / SAMPLES,
        embeddings=embeddings,
        logits=logits,
        chips=np.stack([samples[index].numpy() for index in range(len(samples))]),
    )
    metrics = _metrics(session, faces, history)
    _write(run / METRICS, json.dumps(metrics, indent=2, ensure_ascii=False) + "\n")
    for leftover in (run / _ACTIVATIONS, (run / _ACTIVATIONS).with_suffix(".count")):
        leftover.unlink(missing_ok=True)
    return metrics


def _metrics(session: _Session, faces: AlignedFaces, history: list[Epoch]) -> dict[str, Any]:
    best = _best(history)
    return {
        "training": _figures(session.judge(TRAIN)),
        "validation": _figures(session.judge(VALIDATION)),
        "best_epoch": best.number if best else None,
        "epochs": [asdict(epoch) for epoch in history],
        "faces": dict(zip(faces.labels, np.bincount(faces.people).tolist(), strict=True)),
    }


def _figures(judged: tuple[float, float] | None) -> dict[str, float] | None:
    return judged and {"loss": judged[0], "accuracy": judged[1]}


def _write(path: Path, text: str) -> None:
    unfinished = path.with_suffix(".part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
