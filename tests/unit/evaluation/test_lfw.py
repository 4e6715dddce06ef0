"""Labeled Faces in the Wild: the file of pairs, and the protocol on embeddings with a known outcome."""

from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image

from evaluation import lfw_faces
from evaluation.lfw_faces import Subject
from evaluation.lfw_pairs import LFW, PAIRS, Pair, read_pairs
from evaluation.verification import Face, verify
from preprocess.geometry import Geometry
from preprocess.photo import Photo
from scripts import lfw_photos
from scripts.console import CommandError
from training.errors import DatasetError

FOLDS = 10


def at(similarity):
    """A unit vector whose cosine with (1, 0) is `similarity`."""
    return np.array([similarity, np.sqrt(1 - similarity**2)])


def view(*folds):
    """Pairs and faces: for each fold the similarities of its genuine and of its impostor pairs; None has no face."""
    pairs, faces = [], {}
    for fold, (genuine, impostor) in enumerate(folds):
        for same, similarities in ((True, genuine), (False, impostor)):
            for number, similarity in enumerate(similarities):
                first, second = (f"{fold} {same} {number} {end}" for end in "ab")
                faces[first] = Face(at(1.0), found=True)
                faces[second] = Face(at(similarity or 0.0), found=similarity is not None)
                pairs.append(Pair(first, second, same, fold))
    return pairs, faces


def test_separable_pairs_have_an_accuracy_of_one():
    figures = verify(*view(*[([0.9, 0.7], [0.1, 0.3])] * FOLDS)).to_dict()
    assert (figures["accuracy"], figures["standard_error"], figures["auc"], figures["equal_error_rate"]) == (1, 0, 1, 0)
    assert figures["tar_at_far"] == {"0.01": 1.0, "0.001": 1.0}
    assert figures["thresholds"] == pytest.approx([0.5] * FOLDS)


def test_the_threshold_of_a_fold_comes_from_the_other_folds():
    folds = [([0.9], [0.1])] * (FOLDS - 1)
    result = verify(*view(([0.4], [0.2]), *folds))  # its own best threshold would be 0.3
    assert result.thresholds[0] == pytest.approx(0.5)
    assert result.thresholds[1:] == pytest.approx([0.3] * (FOLDS - 1))
    assert result.accuracies.tolist() == [0.5] + [1.0] * (FOLDS - 1)
    assert result.accuracy == pytest.approx(0.95)
    assert result.standard_error == pytest.approx(np.std(result.accuracies, ddof=1) / np.sqrt(FOLDS))


def test_pairs_without_a_face_count_against():
    result = verify(*view(([0.9, None], [0.1, None]), *[([0.9, 0.8], [0.1, 0.2])] * 9))
    figures = result.to_dict()
    assert (result.accuracies[0], figures["accuracy"]) == (0.5, 0.95)
    assert all(0.2 < threshold < 0.8 for threshold in result.thresholds)
    assert figures["pairs_without_face"] == 2
    assert figures["tar_at_far"] == {"0.01": 0.95, "0.001": 0.95}  # nobody is seen, so nobody is taken for another


def test_the_middle_of_the_photo_replaces_a_missing_face_on_request():
    pairs, faces = view(([None], [None]), *[([0.9], [0.1])] * 9)
    result = verify(pairs, faces, crop_center=True)
    assert result.accuracies[0] == 0.5  # both similarities are 0, under the threshold
    assert result.pairs_without_face == 0


def test_without_faces_there_is_no_threshold():
    with pytest.raises(DatasetError, match="--crop-center"):
        verify(*view(([0.9], [0.1]), ([None], [None])))


def test_the_mean_is_that_of_the_other_folds():
    """All embeddings share a large component that does not depend on the person."""
    rng = np.random.default_rng(0)
    people = np.eye(40)
    pairs, faces = [], {}
    for fold in range(FOLDS):
        for same in (True, False):
            names = [f"{fold} {same} {end}" for end in "ab"]
            who = rng.choice(40, 2, replace=False) if not same else [rng.integers(40)] * 2
            for name, person in zip(names, who, strict=True):
                vector = people[person] + 0.5
                faces[name] = Face(vector / np.linalg.norm(vector), found=True)
            pairs.append(Pair(*names, same, fold))
    plain, centred = verify(pairs, faces), verify(pairs, faces, subtract_mean=True)
    assert plain.similarities[~plain.same].min() > 0.8
    assert centred.similarities[~centred.same].max() < 0.3
    moved = faces | {name: Face(-face.embedding, found=True) for name, face in faces.items() if name[0] == "0"}
    # Another mean for the folds beside the first; the first one's own photos have no part in its mean.
    own = np.array([pair.fold == 0 for pair in pairs])
    again = verify(pairs, moved, subtract_mean=True)
    assert again.thresholds[0] == centred.thresholds[0]
    assert not np.allclose(again.similarities[~own], centred.similarities[~own])


GOOD = "2\t1\nAnn\t1\t2\nAnn\t1\tBob\t1\n\nBob\t1\t3\nAnn\t2\tBob\t12\n"


def test_pairs_are_read(tmp_path):
    (tmp_path / PAIRS).write_text(GOOD)
    assert read_pairs(tmp_path / PAIRS) == [
        Pair("Ann/Ann_0001.jpg", "Ann/Ann_0002.jpg", same=True, fold=0),
        Pair("Ann/Ann_0001.jpg", "Bob/Bob_0001.jpg", same=False, fold=0),
        Pair("Bob/Bob_0001.jpg", "Bob/Bob_0003.jpg", same=True, fold=1),
        Pair("Ann/Ann_0002.jpg", "Bob/Bob_0012.jpg", same=False, fold=1),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "does not begin with folds and pairs"),
        ("300\n", "does not begin with folds and pairs"),
        ("1 1\nAnn 1 2\nAnn 1 Bob 1\n", "does not begin with folds and pairs"),
        ("ten\t1\n", "does not begin with folds and pairs"),
        (GOOD.replace("2\t1", "2\t2", 1), "holds 4 pairs; its first line says 8"),
        (GOOD.replace("Bob\t1\t3", "Bob\t1"), "Line 5 of .* is not a name and two numbers"),
        (GOOD.replace("Ann\t1\t2", "Ann\t1\tBob\t2"), "Line 2 of .* is not a name and two numbers"),
        (GOOD.replace("Bob\t12", "Bob\tx"), "Line 6 of .* is not a name, a number, another name and its number"),
    ],
)
def test_malformed_pairs_raise_an_error(text, sentence, tmp_path):
    (tmp_path / PAIRS).write_text(text)
    with pytest.raises(DatasetError, match=sentence):
        read_pairs(tmp_path / PAIRS)


def test_missing_pairs_and_photos_raise_an_error(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    with pytest.raises(DatasetError, match=r"No pairs.txt in .* or beside it"):
        LFW.read(photos)
    (tmp_path / PAIRS).write_text(GOOD)
    with pytest.raises(DatasetError, match=r"lacks 5 of 5 photos .* Ann/Ann_0001.jpg first"):
        LFW.read(photos)


def test_the_face_next_to_the_centre_is_the_one(tmp_path):
    file = tmp_path / "black.png"
    Image.new("RGB", (250, 250)).save(file)
    boxes = [lfw_faces.Box(0, 0, 120, 120, 2.0), lfw_faces.Box(100, 90, 60, 60, 0.5)]
    assert lfw_faces._central(boxes, Photo(file.read_bytes())) == boxes[1]


def test_a_bundle_brings_its_own_network_geometry_and_landmarks(tmp_path):
    described = SimpleNamespace(sha256="f00d")
    manifest = SimpleNamespace(version="0123", geometry=Geometry(), files={"model.pt": described})
    subject = Subject.of_bundle(lfw_faces.Bundle(manifest, tmp_path))
    assert subject.name == "bundle 0123"
    assert (subject.embedder.file, subject.landmarks) == (tmp_path / "model.pt", tmp_path / "landmarks.dat")
    assert (subject.embedder.traced, subject.embedder.sha256) == (True, "f00d")


def test_without_the_internet_the_command_asks_for_a_folder(monkeypatch, tmp_path):
    def unreachable(**_):
        raise URLError("no route")

    monkeypatch.setattr("sklearn.datasets.fetch_lfw_pairs", unreachable)
    monkeypatch.setattr(lfw_photos, "_PHOTOS", tmp_path / "none")
    with pytest.raises(CommandError, match="visage benchmark lfw DIR"):
        lfw_photos.fetch("Give the folder: visage benchmark lfw DIR")


def test_photos_that_were_not_unpacked_to_the_end_are_unpacked_again(monkeypatch, tmp_path):
    photos = tmp_path / "lfw_funneled"
    photos.mkdir()
    (photos / "half").touch()
    (tmp_path / "lfw.tgz").touch()
    monkeypatch.setattr(lfw_photos, "_PHOTOS", photos)
    monkeypatch.setattr(lfw_photos, "_ARCHIVE", tmp_path / "lfw.tgz")
    monkeypatch.setattr("sklearn.datasets.fetch_lfw_pairs", lambda **_: photos.mkdir())
    assert list(lfw_photos.fetch("").iterdir()) == []
