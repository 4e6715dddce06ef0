"""`visage benchmark` measures what it is asked to, writes the figures, and shows them."""

import json
import re
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image

from dataset.folders import Listing, People
from evaluation import cleaning, detection, geometry, lfw, ties
from evaluation.lfw_pairs import PAIRS
from evaluation.verification import Face
from scripts import benchmark, lfw_photos

WEIGHTS = ("--pretrained", "casia-webface")


@pytest.fixture
def figures(tmp_path):
    """Return the figures that a benchmark wrote."""
    return lambda result: json.loads((tmp_path / "output" / result.FILE).read_text(encoding="utf-8"))


@pytest.fixture
def faces(tmp_path):
    """A tiny LFW: two folds of a genuine and an impostor pair each."""
    folder = tmp_path / "lfw"
    for person, count in (("Ann", 2), ("Bob", 1), ("Cid", 2)):
        (folder / person).mkdir(parents=True)
        for number in range(1, count + 1):
            Image.new("RGB", (90, 90), (number, len(person), 0)).save(folder / person / f"{person}_000{number}.jpg")
    (folder / PAIRS).write_text("2 1\nAnn 1 2\nAnn 1 Bob 1\nCid 1 2\nAnn 2 Cid 1\n")
    return folder


@pytest.fixture
def embedded(monkeypatch):
    """The subjects that LFW was measured with; a stand-in for the network, which finds no face in one photo."""
    subjects, people = [], ["Ann", "Bob", "Cid"]

    def embed(dataset, subject, *_):
        subjects.append(subject)
        unit = np.eye(len(people), 512, dtype=np.float32)
        return {
            photo: Face(unit[people.index(photo.partition("/")[0])], found=photo != "Cid/Cid_0002.jpg")
            for photo in dataset.photos
        }

    monkeypatch.setattr(lfw, "embed", embed)
    return subjects


def test_lfw_is_measured_with_the_chips_that_were_asked_for(visage, faces, embedded, figures, tmp_path):
    chips = ("--size", "96", "--padding", "0.5", "--flip")
    ended = visage("benchmark", "lfw", faces, *chips, *WEIGHTS, "--output", tmp_path / "output")
    assert ended.status == 0
    (subject,) = embedded
    assert (subject.embedder.geometry.size, subject.embedder.geometry.padding, subject.flip) == (96, 0.5, True)
    assert "No face was found in 1 of 5 photos. Counted as wrong for that: 1 of 4 pairs." in ended.out
    assert figures(lfw.Result)["photos_without_face"] == 1
    assert "ROC curve:" in ended.err


def test_lfw_measures_a_bundle(visage, bundle, faces, embedded, tmp_path):
    words = ("benchmark", "lfw", faces, "--bundle", bundle, "--output", tmp_path / "output", "--json")
    ended = visage(*words)
    assert ended.status == 0
    assert json.loads(ended.out)["photos"] == 5
    assert embedded[0].embedder.traced


def test_a_bundle_and_weights_together_are_refused(visage, faces):
    ended = visage("benchmark", "lfw", faces, "--bundle", "bundle", *WEIGHTS)
    assert (ended.status, "not both" in ended.err) == (1, True)


@pytest.fixture
def home(monkeypatch, tmp_path):
    """The folder where scikit-learn keeps LFW, empty."""
    photos = tmp_path / "scikit-learn" / "lfw_funneled"
    monkeypatch.setattr(lfw_photos, "_PHOTOS", photos)
    monkeypatch.setattr(lfw_photos, "_ARCHIVE", photos.with_name("lfw-funneled.tgz"))
    return photos


def test_lfw_is_downloaded_once_and_again_after_an_interruption(home, monkeypatch):
    fetched = []

    def fetch_lfw_pairs(**_):
        fetched.append(home.exists())
        home.mkdir(parents=True)

    monkeypatch.setattr("sklearn.datasets.fetch_lfw_pairs", fetch_lfw_pairs)
    assert lfw_photos.fetch("") == lfw_photos.fetch("") == home
    assert fetched == [False]
    lfw_photos._ARCHIVE.touch()  # as an interrupted download leaves it, beside the photos that it has unpacked
    lfw_photos.fetch("")
    assert fetched == [False, False]


def test_an_lfw_that_cannot_be_downloaded_may_be_given(home, monkeypatch, visage):
    def fail(**_):
        raise URLError("no route to host")

    monkeypatch.setattr("sklearn.datasets.fetch_lfw_pairs", fail)
    ended = visage("benchmark", "lfw")
    assert ended.status == 1
    assert "no route to host" in ended.err
    assert "visage benchmark lfw DIR" in ended.err


def test_cleaning_shows_each_share_and_what_was_set_aside_without_injection(
    visage, samples, weights, monkeypatch, tmp_path
):
    asked = []
    share = {"mean": 1.0, "min": 0.5}
    row = {"share": 0.2, "injected": 4, "recall": share, "precision": {"mean": None, "min": None}}
    found = {
        "shares": [row | {"set_aside_for_other_reasons": {"small": 1}}],
        "own_set_aside_without_injection": ["Ann/7.jpg"],
    }

    def find_faces(photos, **_):
        asked.append((type(photos), photos.root))
        return [photos.root.name]

    def measure(people, others, *, shares, repeats, seed, on_progress):
        asked.append((people, list(others), list(shares), repeats, seed))
        on_progress(1, 1)
        return SimpleNamespace(write=lambda _: None, to_dict=lambda: found)

    monkeypatch.setattr(cleaning, "find_faces", find_faces)
    monkeypatch.setattr(cleaning, "measure", measure)
    options = ("--share", "0.2", "--share", "0.4", "--repeats", "2", "--seed", "7", *WEIGHTS)
    photos, strangers = samples / "people", samples / "strangers"
    ended = visage("benchmark", "cleaning", photos, "--strangers", strangers, *options, "--output", tmp_path / "output")
    assert ended.status == 0
    assert asked == [(People, photos), (Listing, strangers), (["people"], ["strangers"], [0.2, 0.4], 2, 7)]
    assert "Ann/7.jpg" in ended.out
    assert {"20%", "100.00%", "50.00%", "none"} <= set(ended.out.split())


def test_ties_shows_what_became_of_each_kind_of_folder(visage, samples, weights, figures, monkeypatch, tmp_path):
    row = ties.Row("a couple", is_decidable=False, folders=31, asked=17, right=0, wrong=11, nobody=3)
    asked = []

    def measure(people, *, repeats, seed, missed, on_progress):
        asked.append((people, repeats, seed, missed))
        on_progress(1, 1)
        return ties.Result(missed, repeats, seed, [row])

    monkeypatch.setattr(cleaning, "find_faces", lambda *_: ["Ann"])
    monkeypatch.setattr(ties, "measure", measure)
    options = ("--missed", "0.1", "--repeats", "2", "--seed", "7", *WEIGHTS)
    ended = visage("benchmark", "ties", samples / "people", *options, "--output", tmp_path / "output")
    assert (ended.status, asked) == (0, [(["Ann"], 2, 7, 0.1)])
    assert figures(ties.Result)["rows"][0]["wrong"] == 11
    assert {"no", "31", "17", "11", "3"} <= set(ended.out.split())


def test_geometry_shows_each_crop(visage, samples, weights, figures, monkeypatch, tmp_path):
    crop = {"input_size": 160, "padding": 0.35, "stretch": 1.15, "tar_at_far": {"0.01": 0.9, "0.001": 0.8}}
    measured = geometry.Result(7, 6, [crop | {"d_prime": 3.5}])
    asked = []

    def measure(people, embedder, workers, on_step):
        asked.append((people.root, workers))
        return measured

    monkeypatch.setattr(geometry, "measure", measure)
    words = ("benchmark", "geometry", samples / "people", *WEIGHTS, "--workers", "2", "--output", tmp_path / "output")
    ended = visage(*words)
    assert (ended.status, asked) == (0, [(samples / "people", 2)])
    assert figures(geometry.Result) == measured.to_dict()
    assert {"7", "6", "0.35", "1.15", "0.9000", "0.8000", "3.500"} <= set(ended.out.split())


def test_detection_shows_a_row_for_each_detector_and_each_padding(visage, samples, figures, monkeypatch, tmp_path):
    monkeypatch.setattr(benchmark, "_pictures", list)
    paddings = ("--padding", "0", "--padding", "0.3")
    options = ("--detector", "hog", *paddings, "--most", "1", "--output", tmp_path / "output")
    ended = visage("benchmark", "detection", samples / "people", *options)
    assert ended.status == 0
    assert [row["padding"] for row in figures(detection.Result)["rows"]] == [0, 0.3]
    assert {"hog", "0.3", "100.0%"} <= set(re.split(r"[^\w.%]+", ended.out))


def test_a_detector_that_does_not_exist_is_refused(visage, samples):
    ended = visage("benchmark", "detection", samples / "people", "--detector", "haar")
    assert ended.status == 1
    assert "There is no detector haar here, only visage, hog," in ended.err


def test_pictures_without_people_come_from_packages_too(monkeypatch, tmp_path):
    fetched = []
    monkeypatch.setattr(benchmark, "CACHE", tmp_path)
    monkeypatch.setattr(benchmark.samples, "fetch", lambda folder, wanted: fetched.extend(wanted))
    monkeypatch.setattr("evaluation.pictures.complete", lambda folder: [folder])
    assert benchmark._pictures() == [tmp_path / "pictures"]
    assert {sample.member for sample in fetched} >= {"skimage/data/chelsea.png", "skimage/data/rocket.jpg"}
