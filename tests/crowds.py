"""Made-up embeddings of people, and cohorts of them."""

from pathlib import Path

import numpy as np

from dataset.folders import Listing
from model.cohort import Cohort


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def crowd(count, seed=0, size=512):
    """Unit-length embeddings of as many people."""
    return unit(np.random.default_rng(seed).normal(size=(count, size)))


def faces_of(people, each, spread=0.6, seed=1):
    """`each` faces of every person, cosines of about 0.7 between two of one person; and whose they are."""
    owners = np.repeat(np.arange(len(people)), each)
    return unit(people[owners] + spread * crowd(len(owners), seed)), owners


def measured(mean=0.0, centres=40, factor=1.0, source="LFW"):
    """A cohort of isotropic strangers around centres, without photos; `factor` corrects the drawn ones."""
    return Cohort(
        mean * crowd(1, 99)[0],
        crowd(centres, 98),
        np.full(centres, 1 / centres, np.float32),
        np.eye(512, dtype=np.float32) / 512,
        np.array([[3, factor, factor, factor], [200, factor, factor, factor]], np.float32),
        np.array([[3, factor, factor, factor], [400, factor, factor, factor]], np.float32),
        np.array([0.001, 0.07, 0.02], np.float32),
        source,
    )


def photos_of(people, each, folder: Path, module, monkeypatch):
    """The listing of made-up photos of a crowd of so many people, whose faces `module` finds at once."""
    embeddings, owners = faces_of(crowd(people), each)
    names = [f"Person {owner}/{number}.jpg" for number, owner in enumerate(owners)]
    found = dict(zip(names, embeddings, strict=True))

    def embed_all(listing, *_):
        return {name: found[name] for name in (path.relative_to(folder).as_posix() for path in listing.photos)}

    monkeypatch.setattr(module, "embed_all", embed_all)
    return Listing(folder, [folder / name for name in names])
