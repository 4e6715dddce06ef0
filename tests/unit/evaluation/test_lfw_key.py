"""Stored embeddings are used again only for the same network, chips, libraries, code and photos."""

from dataclasses import replace

import dlib
import pytest

from evaluation import lfw_faces
from evaluation.code import digest_of_code
from evaluation.lfw_faces import Subject
from evaluation.lfw_pairs import LFW, Pair
from preprocess.files import sha256_of
from preprocess.geometry import Geometry
from training.embedder import Embedder

PHOTOS = ("Ann/Ann_0001.jpg", "Ann/Ann_0002.jpg")


@pytest.fixture
def subject(tmp_path):
    network, landmarks = tmp_path / "network.pt", tmp_path / "landmarks.dat"
    network.write_bytes(b"weights")
    landmarks.write_bytes(b"landmarks")
    return Subject("network", Embedder(network, sha256_of(network), Geometry()), landmarks)


@pytest.fixture
def lfw(tmp_path):
    (tmp_path / "Ann").mkdir()
    for photo in PHOTOS:
        (tmp_path / photo).write_bytes(photo.encode())
    return LFW(tmp_path, [Pair(*PHOTOS, same=True, fold=0)])


def test_the_same_content_elsewhere_and_under_another_name_has_the_same_key(lfw, subject, tmp_path):
    moved = tmp_path / "moved.pt"
    moved.write_bytes(subject.embedder.file.read_bytes())
    other = Subject("other", replace(subject.embedder, file=moved), subject.landmarks)
    assert lfw_faces._key(lfw, other) == lfw_faces._key(lfw, subject)


def with_geometry(subject, **changes):
    return replace(subject, embedder=replace(subject.embedder, geometry=replace(subject.embedder.geometry, **changes)))


@pytest.mark.parametrize(
    "change",
    [
        lambda subject: with_geometry(subject, size=160),
        lambda subject: with_geometry(subject, padding=0.5),
        lambda subject: with_geometry(subject, stretch=1.0),
        lambda subject: replace(subject, embedder=replace(subject.embedder, input_size=224)),
        lambda subject: replace(subject, flip=True),
    ],
    ids=["size", "padding", "stretch", "input size", "flip"],
)
def test_the_cache_key_differs_for_another_network_or_geometry(lfw, subject, change):
    assert lfw_faces._key(lfw, change(subject)) != lfw_faces._key(lfw, subject)


@pytest.mark.parametrize("which", ["network", "landmarks", "photo"])
def test_new_content_of_the_same_length_under_the_same_path_has_another_key(lfw, subject, which):
    before = lfw_faces._key(lfw, subject)
    file = {"network": subject.embedder.file, "landmarks": subject.landmarks, "photo": lfw.directory / PHOTOS[0]}[which]
    file.write_bytes(file.read_bytes()[::-1])
    assert lfw_faces._key(lfw, subject) != before


@pytest.mark.parametrize("library", ["torch", "Pillow", "numpy", "onnxruntime"])
def test_another_version_of_a_library_has_another_key(lfw, subject, monkeypatch, library):
    before, version = lfw_faces._key(lfw, subject), lfw_faces.version
    monkeypatch.setattr(lfw_faces, "version", lambda name: "0.0" if name == library else version(name))
    assert lfw_faces._key(lfw, subject) != before


def test_another_version_of_dlib_has_another_key(lfw, subject, monkeypatch):
    before = lfw_faces._key(lfw, subject)
    monkeypatch.setattr(dlib, "__version__", "0.0")
    assert lfw_faces._key(lfw, subject) != before


def test_a_digest_of_code_changes_with_the_code_but_not_with_comments(tmp_path):
    file = tmp_path / "code.py"

    def digest_of(text):
        file.write_text(text)
        return digest_of_code([file])

    plain = digest_of("def f(x):\n    return x + 1\n")
    assert digest_of('"""Adds."""\n\n\ndef f(x):\n    """Add one."""\n    return x + 1  # one\n') == plain
    assert digest_of("def f(x):\n    return x + 2\n") != plain
