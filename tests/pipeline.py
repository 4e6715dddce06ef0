"""What every test may ask for: sample photos and a bundle made from them by the real pipeline."""

from pathlib import Path

import pytest

from dataset.prepare import prepare
from scripts import samples as sample_photos
from scripts.console import CACHE
from training import faces, pretrained
from training.embedder import Embedder
from training.export import export
from training.train import Epoch, Recipe, train


class Quiet:
    """Watches a training without a word."""

    def on_activations(self, done: int, total: int) -> None:
        pass

    def on_epoch(self, epoch: Epoch, epochs: int) -> None:
        pass


@pytest.fixture(scope="session")
def samples() -> Path:
    """Photos of four people, one of them kept from training, and of six strangers."""
    directory = CACHE / "samples" / "photos"
    sample_photos.fetch(directory)
    return directory


@pytest.fixture(scope="session")
def weights() -> pretrained.Pretrained:
    """CASIA-WebFace weights: those that can be had wherever a package can."""
    return pretrained.load(pretrained.CASIA_WEBFACE, CACHE / "pretrained", lambda *_: None, print)


@pytest.fixture(scope="session")
def embedder(weights: pretrained.Pretrained) -> Embedder:
    """The pretrained network, as `visage prepare` uses it."""
    return Embedder.of_pretrained(weights)


@pytest.fixture(scope="session")
def aligned(samples: Path, embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample people's aligned faces."""
    folder = tmp_path_factory.mktemp("aligned")
    prepare(samples / sample_photos.PEOPLE, folder, 2, embedder, lambda *_: None)
    return folder


@pytest.fixture(scope="session")
def run(aligned: Path, weights: pretrained.Pretrained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training run on the sample people."""
    folder = tmp_path_factory.mktemp("run")
    train(faces.read(aligned), folder, Recipe(), weights, Quiet())
    return folder


@pytest.fixture(scope="session")
def bundle(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle that serves the sample people."""
    return export(run, tmp_path_factory.mktemp("export") / "bundle").bundle.directory
