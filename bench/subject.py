"""What is measured: a bundle made of some of the photos, and the photos that it never saw."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Final

from bench.contest import OnStep
from bench.contestants import Setup
from dataset.folders import files, walk
from dataset.prepare import prepare
from evaluation.code import digest_of_code
from evaluation.people_split import split
from model.settings import ROOT, cores
from scripts.console import CACHE
from training import faces, pretrained
from training.embedder import Embedder
from training.export import export
from training.observer import StepObserver
from training.pretrained import Pretrained
from training.recipe import Recipe
from training.train import train

_PACKAGES: Final = ("preprocess", "model", "dataset", "training")
"""The code that makes a bundle of photos."""

_SHARE: Final = 0.2
"""Of each person's photos that are held out, as for docs/quality.md."""


@dataclass(frozen=True)
class Subject:
    """The setup that contestants get, `people`'s photos to learn from, and `held_out`: who it is, and the photo.

    Held-out photos come person by person in turn, so that the first few are of everybody. `home` is where measures keep
    what they make, and `aligned` the faces that training had.
    """

    home: Path
    photos: Path
    aligned: Path
    setup: Setup
    people: Mapping[str, Sequence[Path]]
    held_out: Sequence[tuple[str, Path]]

    @property
    def pretrained(self) -> Pretrained:
        """The weights that training began with."""
        return pretrained.load(str(self.setup.weights), CACHE / "pretrained", lambda *_: None, lambda _: None)


def build(photos: Path, home: Path, on_step: OnStep) -> Subject:
    """Hold out a fifth of everybody's photos, and prepare, train and export the others, unless that is done already.

    Raises:
        PrepareError, DatasetError, WeightsError, BundleError: there are no such photos, or too few.
    """
    start = pretrained.load(pretrained.CASIA_WEBFACE, CACHE / "pretrained", on_step, lambda _: None)
    sides, aligned = home / "photos", home / "aligned"
    setup = Setup(home / "bundle", home / "run", start.file, home / "known")
    mark, content = home / "made-of", _content(photos)
    if not (mark.exists() and mark.read_text(encoding="utf-8") == content):
        for folder in (setup.bundle, setup.run, setup.known):
            shutil.rmtree(folder, ignore_errors=True)
        learned = split(photos.resolve(), sides, _SHARE, seed=0).train
        prepare(
            learned, aligned, cores(), Embedder.of_pretrained(start), partial(on_step, "Looking at training photos")
        )
        train(faces.read(aligned), setup.run, Recipe(), start, StepObserver(on_step))
        export(setup.run, setup.bundle)
        mark.write_text(content, encoding="utf-8")
    asked = [[(name, photo) for photo in owned] for name, owned in walk(sides / "test").photos.items()]
    in_turn = [photo for row in zip_longest(*asked) for photo in row if photo]
    return Subject(home, photos, aligned, setup, walk(sides / "train").photos, in_turn)


def code_of(*packages: str) -> list[Path]:
    """Return the Python files of packages of the checkout."""
    return [path for package in packages for path in ROOT.glob(f"{package}/**/*.py")]


def _content(photos: Path) -> str:
    """Return what changes when the photos or the code that learns from them do."""
    stats = ((path, path.stat()) for path in files(photos)) if photos.is_dir() else ()
    listed = (f"{path.resolve()}:{status.st_size}:{status.st_mtime_ns}" for path, status in stats)
    return _digest([digest_of_code(code_of(*_PACKAGES)), *listed])


def _digest(parts: Iterable[str]) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()
