"""Measures the work before serving: preparing photos and training."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Final

import torch
from torch.nn import functional

from bench.subject import Subject
from dataset.prepare import prepare
from dataset.progress import OnStep
from training import faces as aligned_faces
from training.activations import Chips
from training.embedder import Embedder
from training.faces import TRAIN, AlignedFaces
from training.network import VisageNetwork
from training.observer import StepObserver
from training.recipe import Recipe
from training.train import train

_ROUNDS: Final = 5
_TRAINING_ROUNDS: Final = 3
_PHOTOS: Final = 240
"""Enough photos that the start of the workers, some seconds, is a small part."""


@dataclass(frozen=True)
class Preparation:
    """Rounds of preparing some photos: the seconds of each, and the number of photos with a face to keep."""

    workers: int
    photos: int
    kept: int
    rounds_s: list[float]


@dataclass(frozen=True)
class Training:
    """Rounds of training, the seconds of each. Of `of` epochs `epochs` were run; the others are calculated."""

    way: str
    faces: int
    epochs: int
    of: int
    rounds_s: list[float]
    accuracy: float | None


def measure_preparing(
    subject: Subject, on_step: OnStep, rounds: int = _ROUNDS, count: int = _PHOTOS
) -> list[Preparation]:
    """Prepare the first photos of everybody, alternating between one worker and two, from scratch each time.

    Raises:
        PrepareError: a worker process was killed.
    """
    embed = Embedder.of_pretrained(subject.pretrained)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    kept = {}
    with tempfile.TemporaryDirectory(dir=subject.home) as folder:
        photos = Path(folder) / "photos"
        count = _link(subject, photos, count)
        for number in range(rounds):
            for workers in sorted(seconds, reverse=bool(number % 2)):
                began = time.perf_counter()
                report = prepare(photos, Path(folder) / f"{number}-{workers}", workers, embed, lambda *_: None)
                seconds[workers].append(time.perf_counter() - began)
                kept[workers] = count - len(report.left_out)
                on_step("Preparing with one worker and with two", sum(map(len, seconds.values())), 2 * rounds)
    return [Preparation(workers, count, kept[workers], rounds_s) for workers, rounds_s in seconds.items()]


def _link(subject: Subject, folder: Path, count: int) -> int:
    """Link some photos of each person, in one folder for each person; return the number of photos."""
    alternating = chain(*zip_longest(*([(name, path) for path in owned] for name, owned in subject.people.items())))
    chosen = [photo for photo in alternating if photo][:count]
    for name, path in chosen:
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / path.name).symlink_to(path.resolve())
    return len(chosen)


def measure_training(subject: Subject, on_step: OnStep, rounds: int = _TRAINING_ROUNDS) -> list[Training]:
    """Alternate between training as `visage train` does and the plain way.

    The plain way puts every photo through the whole network in every epoch. Only one of its epochs is run, and its time
    is multiplied by the number of epochs.
    """
    faces, recipe, accuracies = aligned_faces.read(subject.aligned), Recipe(), []
    start = subject.pretrained
    roles = aligned_faces.split(faces.people, recipe.validation, recipe.test, recipe.seed)
    plain = VisageNetwork(len(faces.labels), recipe.fine_tuned_layers, recipe.input_size).load_pretrained(start.state)

    def learn() -> None:
        with tempfile.TemporaryDirectory(dir=subject.home) as folder:
            metrics = train(faces, Path(folder) / "run", recipe, start, StepObserver(on_step))
        accuracies.append(metrics["training"]["accuracy"])

    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(_seconds(learn))
        theirs.append(
            _seconds(lambda: _plain_epoch(plain, faces, list(map(int, (roles == TRAIN).nonzero()[0])), recipe))
        )
    learned, epochs = int((roles == TRAIN).sum()), recipe.epochs
    return [
        Training("visage", learned, epochs, epochs, ours, min(accuracies)),
        Training("plain", learned, 1, epochs, [epochs * seconds for seconds in theirs], None),
    ]


def _plain_epoch(network: VisageNetwork, faces: AlignedFaces, rows: list[int], recipe: Recipe) -> None:
    """Train the whole network for one epoch on the chips of `rows`."""
    chips, network = Chips(faces.chips, recipe.size, recipe.flip), network.train()
    tuned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(tuned, recipe.learning_rate, recipe.momentum)
    for batch in torch.split(torch.tensor(rows)[torch.randperm(len(rows))], recipe.batch_size):
        logits = network.name(network.activations(torch.stack([chips[int(row)] for row in batch])))
        loss = functional.cross_entropy(logits, torch.from_numpy(faces.people[batch.numpy()]))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
