"""Makes what the benchmark measures: a bundle of some photos, and photos that the bundle has never seen."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Final

from bench.contestants import Setup
from dataset.folders import files, walk
from dataset.prepare import group_copies, prepare
from dataset.progress import OnStep
from evaluation.code import digest_of_code
from evaluation.people_split import split
from model.settings import ROOT, Settings, cores
from model.space import CASIA_WEBFACE
from preprocess.files import write_text
from training import faces, pretrained
from training.embedder import Embedder
from training.export import export
from training.observer import StepObserver
from training.pretrained import Pretrained
from training.recipe import Recipe
from training.train import train

_PACKAGES: Final = ("preprocess", "model", "dataset", "training")
"""The code that makes a bundle from photos."""

_HELD_OUT: Final = 0.2
"""The share of each person's photos that is held out, the same as for docs/quality.md."""


@dataclass(frozen=True)
class Subject:
    """Everything that the parts of the benchmark measure.

    `people` has the photos to learn from, `held_out` pairs of a person and a photo. The held-out photos alternate
    between the people, so that the first few show everybody. Parts of the benchmark write into `home`. `aligned` has
    the faces of the training. `settings` has the environment that child processes inherit.
    """

    home: Path
    photos: Path
    aligned: Path
    setup: Setup
    people: Mapping[str, Sequence[Path]]
    held_out: Sequence[tuple[str, Path]]
    settings: Settings = field(repr=False)

    @property
    def pretrained(self) -> Pretrained:
        """The weights that the training began with."""
        return pretrained.load(str(self.setup.weights), self.settings.cache / "pretrained", lambda *_: None, _ignore)


def build(photos: Path, home: Path, settings: Settings, on_step: OnStep) -> Subject:
    """Hold out a fifth of each person's photos; prepare, train and export the rest, unless an earlier call did.

    Raises:
        PrepareError, DatasetError, WeightsError, BundleError: there are no such photos, or too few.
    """
    weights = pretrained.load(CASIA_WEBFACE, settings.cache / "pretrained", on_step, _ignore)
    sides, aligned = home / "photos", home / "aligned"
    setup = Setup(home / "bundle", home / "run", weights.file, home / "known")
    mark, content = home / "made-of", _digest_of_content(photos)
    if not (mark.exists() and mark.read_text(encoding="utf-8") == content):
        for folder in (setup.bundle, setup.run, setup.known):
            shutil.rmtree(folder, ignore_errors=True)
        people, embed = walk(photos), Embedder.of_pretrained(weights)
        groups = group_copies(people, aligned, cores(), embed, partial(on_step, "Finding faces"))
        learned = split(people, sides, _HELD_OUT, seed=0, groups=groups).train
        prepare(learned, aligned, cores(), embed, partial(on_step, "Preparing training photos"))
        train(faces.read(aligned), setup.run, Recipe(), weights, StepObserver(on_step))
        export(setup.run, setup.bundle)
        write_text(mark, content)
    by_person = [[(name, photo) for photo in paths] for name, paths in walk(sides / "test").photos.items()]
    alternating = [photo for row in zip_longest(*by_person) for photo in row if photo]
    return Subject(home, photos, aligned, setup, walk(sides / "train").photos, alternating, settings)


def code_of(*packages: str) -> list[Path]:
    """Return the Python files of packages of the checkout."""
    return [path for package in packages for path in ROOT.glob(f"{package}/**/*.py")]


def _digest_of_content(photos: Path) -> str:
    """Return a digest that changes when the photos change, or the code that learns from them."""
    stats = ((path, path.stat()) for path in files(photos)) if photos.is_dir() else ()
    listed = (f"{path.resolve()}:{status.st_size}:{status.st_mtime_ns}" for path, status in stats)
    return _digest([digest_of_code(code_of(*_PACKAGES)), *listed])


def _digest(parts: Iterable[str]) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()


def _ignore(_: str) -> None:
    """Show no remark."""
