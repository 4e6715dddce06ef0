"""What the benchmark measures is made once for the same photos, and again for others; held-out photos alternate."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from bench import subject
from dataset.folders import files
from model.settings import Settings

MAKERS = ("prepare", "train", "export")


@pytest.fixture
def photos(tmp_path):
    """Ten photos of each of two people."""
    folder = tmp_path / "photos"
    for person, shade in (("Ann", 0), ("Bob", 100)):
        (folder / person).mkdir(parents=True)
        for number in range(10):
            Image.new("L", (8, 8), shade + number).save(folder / person / f"{number}.png")
    return folder


@pytest.fixture
def made(monkeypatch, tmp_path):
    """The steps that were done; the slow ones are stand-ins."""
    made = []
    weights = SimpleNamespace(file=tmp_path / "weights.pt", sha256="0" * 64)
    monkeypatch.setattr(subject.pretrained, "load", lambda *_: weights)
    monkeypatch.setattr(subject.faces, "read", lambda _: "faces")
    monkeypatch.setattr(subject.Embedder, "of_pretrained", lambda _: None)
    monkeypatch.setattr(subject, "group_copies", lambda people, *_: {p: n for n, p in enumerate(files(people.root))})
    for name in MAKERS:
        monkeypatch.setattr(subject, name, lambda *_, name=name: made.append(name))
    return made


@pytest.fixture
def build(photos, tmp_path):
    return lambda: subject.build(photos, tmp_path / "home", Settings.read({}), lambda *_: None)


def test_a_fifth_of_everybodys_photos_is_held_out_and_alternates_between_the_people(made, build, photos):
    built = build()
    assert made == list(MAKERS)
    assert [person for person, _ in built.held_out] == ["Ann", "Bob"] * 2
    assert {name: len(paths) for name, paths in built.people.items()} == {"Ann": 8, "Bob": 8}
    held_out = {path.resolve() for _, path in built.held_out}
    learned = {path.resolve() for paths in built.people.values() for path in paths}
    assert held_out | learned == {path.resolve() for path in photos.rglob("*.png")}
    assert not held_out & learned
    assert built.pretrained.file == built.setup.weights


def test_the_bundle_of_the_same_photos_is_not_made_again(made, build):
    first, second = build(), build()
    assert made == list(MAKERS)
    assert first.held_out == second.held_out


def test_other_photos_make_another_bundle_and_nothing_learned_before_is_kept(made, build, photos):
    known = build().setup.known
    known.mkdir()
    (known / "face_recognition.npz").touch()
    next(photos.rglob("*.png")).unlink()
    build()
    assert made == [*MAKERS, *MAKERS]
    assert not known.exists()


def test_changed_code_makes_another_bundle(made, build, monkeypatch):
    build()
    monkeypatch.setattr(subject, "digest_of_code", lambda _: "of changed code")
    build()
    assert made == [*MAKERS, *MAKERS]


def test_the_code_of_a_package_is_its_python_files():
    code = subject.code_of("bench")
    assert Path(subject.__file__) in code
    assert {file.suffix for file in code} == {".py"}
