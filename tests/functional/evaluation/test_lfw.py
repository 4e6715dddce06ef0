"""Labeled Faces in the Wild: the protocol on embeddings whose outcome is known, and a small LFW of sample photos."""

import json
import shutil
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image

from evaluation import lfw, lfw_faces
from evaluation.lfw import measure
from evaluation.lfw_faces import Subject
from evaluation.lfw_pairs import LFW, PAIRS, read_pairs
from evaluation.verification import Face, Pair, verify
from preprocess.photo import Photo
from scripts import benchmark
from scripts.console import CommandError
from training import calibration
from training.embedder import Embedder
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


def test_separable_pairs_are_all_told_apart():
    figures = verify(*view(*[([0.9, 0.7], [0.1, 0.3])] * FOLDS)).to_dict()
    assert (figures["accuracy"], figures["standard_error"], figures["auc"], figures["equal_error_rate"]) == (1, 0, 1, 0)
    assert figures["tar_at_far"] == {"0.01": 1.0, "0.001": 1.0}
    assert figures["thresholds"] == pytest.approx([0.5] * FOLDS)


def test_a_folds_threshold_comes_from_the_other_folds():
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


def test_strangers_to_people_with_many_photos_are_measured():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 512))
    names = np.array(["Ada"] * 20 + [f"Stranger {number}" for number in range(40)])
    vectors[:20] += 5 * rng.normal(size=512)
    embeddings = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    table = calibration.impostor_table(embeddings, names)
    assert [rate for rate, _ in table] == sorted((rate for rate, _ in table), reverse=True)
    assert all(-0.2 < similarity < 0.3 for _, similarity in table)


def test_the_usual_place_stands_in_for_a_face_where_that_is_asked_for():
    pairs, faces = view(([None], [None]), *[([0.9], [0.1])] * 9)
    result = verify(pairs, faces, crop_center=True)
    assert result.accuracies[0] == 0.5  # both similarities are 0, under the threshold
    assert result.pairs_without_face == 0


def test_without_faces_there_is_no_threshold():
    with pytest.raises(DatasetError, match="--crop-center"):
        verify(*view(([0.9], [0.1]), ([None], [None])))


def test_the_mean_is_that_of_the_other_folds():
    """Every embedding has a large part in common, which says nothing about who it is."""
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
def test_malformed_pairs_are_told(text, sentence, tmp_path):
    (tmp_path / PAIRS).write_text(text)
    with pytest.raises(DatasetError, match=sentence):
        read_pairs(tmp_path / PAIRS)


def test_missing_pairs_and_photos_are_told(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    with pytest.raises(DatasetError, match=r"No pairs.txt in .* or beside it"):
        LFW.read(photos)
    (tmp_path / PAIRS).write_text(GOOD)
    with pytest.raises(DatasetError, match=r"lacks 5 of the 5 photos .* Ann/Ann_0001.jpg first"):
        LFW.read(photos)


@pytest.fixture(scope="module")
def mini(samples, tmp_path_factory):
    """Two folds of a genuine and an impostor pair each; one photo has no face."""
    folder = tmp_path_factory.mktemp("lfw")
    people = samples / "people"
    sources = {
        "Obama/Obama_0001.jpg": people / "Barack Obama" / "obama.jpg",
        "Obama/Obama_0002.jpg": people / "Barack Obama" / "obama3.jpg",
        "Biden/Biden_0001.jpg": people / "Joe Biden" / "biden.jpg",
        "Collins/Collins_0001.jpg": people / "Eileen Collins" / "astronaut.png",
    }
    for target, source in sources.items():
        (folder / target).parent.mkdir(exist_ok=True)
        image = Image.open(source).convert("RGB")
        image.thumbnail((400, 400))
        image.save(folder / target)
    Image.new("RGB", (250, 250), "gray").save(folder / "Collins" / "Collins_0002.jpg")
    lines = ["Obama 1 2", "Obama 1 Biden 1", "Collins 1 2", "Obama 2 Collins 1"]
    (folder / PAIRS).write_text("\n".join(["2 1", *lines]))
    return LFW.read(folder)


@pytest.fixture(scope="module")
def subject(weights):
    return Subject.of_pretrained(weights)


@pytest.fixture(scope="module")
def measured(mini, subject, tmp_path_factory):
    """Result, output folder, and the progress that was told."""
    output, told = tmp_path_factory.mktemp("benchmark"), []
    result = measure(mini, subject, output, 1, lambda *what: told.append(what))
    return result, output, told


def test_a_small_lfw_is_measured(measured, mini):
    result, output, told = measured
    result.write(output)
    figures = json.loads((output / lfw.Result.FILE).read_text(encoding="utf-8"))
    assert figures == result.to_dict()
    assert (figures["photos"], figures["photos_without_face"], figures["pairs_without_face"]) == (5, 1, 1)
    assert figures["network"]["name"] == "casia-webface"
    assert not result.faces["Collins/Collins_0002.jpg"].found
    same, other, *_ = result.verification.similarities
    assert same > 0.5 > other
    assert told == [(0, 5), (5, 5)]
    assert (output / lfw.ROC).read_bytes().startswith(b"\x89PNG")


def test_what_is_done_is_not_done_again(measured, mini, subject, monkeypatch):
    result, output, _ = measured
    asked = stand_in(monkeypatch, lambda _photos: iter([]))
    told = []
    again = measure(mini, subject, output, 1, lambda *what: told.append(what), crop_center=True)
    assert told == [(5, 5)]
    assert asked == []
    for name, face in again.faces.items():
        np.testing.assert_array_equal(face.embedding, result.faces[name].embedding)
    assert again.verification.pairs_without_face == 0


def stand_in(monkeypatch, batches):
    """Let no process start: `batches` are what the workers give, and may raise."""
    asked = []

    def parallel_map(_function, tasks, _workers):
        photos = [photo for task in tasks for photo in task.photos]
        if photos:
            asked.append(photos)
            yield from batches(photos)

    monkeypatch.setattr(lfw_faces, "parallel_map", parallel_map)
    return asked


def face(_=None):
    return Face(np.full(512, 512**-0.5, np.float32), found=True)


def test_an_interrupted_run_goes_on(mini, subject, tmp_path, monkeypatch):
    def interrupted(photos):
        yield {photos[0]: face(), photos[1]: face()}
        raise KeyboardInterrupt

    stand_in(monkeypatch, interrupted)
    with pytest.raises(KeyboardInterrupt):
        lfw_faces.embed(mini, subject, tmp_path, 1)
    asked = stand_in(monkeypatch, lambda photos: iter([{photo: face() for photo in photos}]))
    assert sorted(lfw_faces.embed(mini, subject, tmp_path, 1)) == mini.photos
    assert asked == [mini.photos[2:]]
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]


def test_other_chips_a_damaged_store_or_another_photo_start_anew(mini, subject, tmp_path, monkeypatch):
    folder = tmp_path / "lfw"
    shutil.copytree(mini.directory, folder)
    asked = stand_in(monkeypatch, lambda photos: iter([{photo: face() for photo in photos}]))
    output = tmp_path / "benchmark"
    lfw_faces.embed(LFW.read(folder), subject, output, 1)
    lfw_faces.embed(LFW.read(folder), Subject(subject.name, subject.embedder, subject.landmarks, flip=True), output, 1)
    Image.new("RGB", (90, 90)).save(folder / "Obama" / "Obama_0001.jpg")
    lfw_faces.embed(LFW.read(folder), subject, output, 1)
    for store in output.iterdir():
        store.write_bytes(b"PK")
    lfw_faces.embed(LFW.read(folder), subject, output, 1)
    assert asked == [mini.photos] * 4


def test_a_damaged_photo_is_named(subject, tmp_path):
    (tmp_path / "Ann_0001.jpg").write_bytes(b"\xff\xd8\xff nothing")
    with pytest.raises(DatasetError, match=r"Ann_0001.jpg cannot be used: .* Unpack LFW again"):
        subject.chip(tmp_path / "Ann_0001.jpg")


def test_the_face_next_to_the_centre_is_the_one(tmp_path):
    file = tmp_path / "black.png"
    Image.new("RGB", (250, 250)).save(file)
    boxes = [lfw_faces.Box(0, 0, 120, 120, 2.0), lfw_faces.Box(100, 90, 60, 60, 0.5)]
    assert lfw_faces._central(boxes, Photo(file.read_bytes())) == boxes[1]


def test_flipped_embeddings_are_the_same_for_a_mirrored_chip(subject, monkeypatch):
    def left_and_right(_self, chips):
        halves = np.stack([chips[:, :, :1].mean((1, 2, 3)), chips[:, :, -1:].mean((1, 2, 3))], axis=1)
        return halves / np.linalg.norm(halves, axis=1, keepdims=True)

    monkeypatch.setattr(Embedder, "__call__", left_and_right)
    chips = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
    both = Subject(subject.name, subject.embedder, subject.landmarks, flip=True)
    np.testing.assert_allclose(both.embed(chips), both.embed(chips[:, :, ::-1]))
    np.testing.assert_allclose(np.linalg.norm(both.embed(chips), axis=1), 1)
    assert not np.allclose(subject.embed(chips), subject.embed(chips[:, :, ::-1]))


def test_a_bundle_brings_its_own_network_geometry_and_landmarks(monkeypatch, tmp_path):
    manifest = type("Manifest", (), {"version": "0123", "geometry": lfw_faces.Embedder})
    subject = Subject.of_bundle(lfw_faces.Bundle(manifest, tmp_path))
    assert subject.name == "bundle 0123"
    assert (subject.embedder.file, subject.landmarks) == (tmp_path / "model.pt", tmp_path / "landmarks.dat")
    assert subject.embedder.traced


def test_without_the_internet_the_command_asks_for_a_folder(monkeypatch, tmp_path):
    def unreachable(**_):
        raise URLError("no route")

    monkeypatch.setattr(benchmark, "fetch_lfw_pairs", unreachable)
    monkeypatch.setattr(benchmark, "_PHOTOS", tmp_path / "none")
    with pytest.raises(CommandError, match="visage benchmark lfw DIR"):
        benchmark._fetch()


def test_photos_that_were_not_unpacked_to_the_end_are_unpacked_again(monkeypatch, tmp_path):
    photos = tmp_path / "lfw_funneled"
    photos.mkdir()
    (photos / "half").touch()
    (tmp_path / "lfw.tgz").touch()
    monkeypatch.setattr(benchmark, "_PHOTOS", photos)
    monkeypatch.setattr(benchmark, "_ARCHIVE", tmp_path / "lfw.tgz")
    monkeypatch.setattr(benchmark, "fetch_lfw_pairs", lambda **_: photos.mkdir())
    assert list(benchmark._fetch().iterdir()) == []
