"""The contestants that are not ours, with stand-ins for their libraries, and the boxes that their detector keeps."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from bench.contestant_face_recognition import FaceRecognition, _resource_filename
from bench.contestants import NOBODY, Answer, Setup
from evaluation.detectors import _nms
from model.settings import Settings

ANN, BOB, STRANGER = np.zeros(128), np.full(128, 0.2), np.full(128, 0.1)


@pytest.fixture
def setup(tmp_path):
    return Setup(*[tmp_path] * 4)


@pytest.fixture
def photos(tmp_path):
    """Write photos: for the stand-in below, a photo is a list of faces, each a name and the side of its square."""

    def write(name, *faces):
        path = tmp_path / name
        path.write_text("\n".join(f"{person} {side}" for person, side in faces))
        return path

    return write


@pytest.fixture
def face_recognition(monkeypatch):
    """A stand-in for the library: it finds the faces that the text of a photo lists, in any order but by size."""
    library = ModuleType("face_recognition")
    encodings = {"Ann": ANN, "Bob": BOB, "Cid": STRANGER}

    def load_image_file(file):
        return [(name, int(side)) for name, side in map(str.split, file.read().decode().splitlines())]

    def face_locations(image):
        return [(0, side, side, 0) for _, side in image]

    def face_encodings(image, locations):
        names = {side: name for name, side in image}
        return [encodings[names[right]] for _, right, _, _ in locations]

    def face_distance(known, encoding):
        return np.linalg.norm(known - encoding, axis=1)

    def compare_faces(known, encoding):
        return list(face_distance(known, encoding) <= 0.6)

    for function in (load_image_file, face_locations, face_encodings, face_distance, compare_faces):
        setattr(library, function.__name__, function)
    monkeypatch.setitem(sys.modules, "face_recognition", library)
    monkeypatch.setitem(sys.modules, "pkg_resources", None)  # gone after the test, with what the contestant puts there


def test_face_recognition_names_the_largest_face_by_its_nearest_photo(face_recognition, setup, photos):
    people = {"Ann": [photos("ann", ("Bob", 10), ("Ann", 50))], "Bob": [photos("bob", ("Bob", 30)), photos("empty")]}
    contestant = FaceRecognition(setup, Settings.read({}))
    contestant.learn(people)
    assert contestant.answer(photos("both", ("Ann", 20), ("Bob", 90)).read_bytes()) == Answer(
        "Bob", known=True, faces=2
    )
    assert contestant.answer(photos("nobody").read_bytes()) == NOBODY
    again = FaceRecognition(setup, Settings.read({}))
    again.learn({})
    assert again.answer(photos("ann alone", ("Ann", 20)).read_bytes()) == Answer("Ann", known=True, faces=1)


def test_a_face_beyond_the_tolerance_of_face_recognition_is_not_known(face_recognition, setup, photos):
    contestant = FaceRecognition(setup, Settings.read({}))
    contestant.learn({"Ann": [photos("ann", ("Ann", 50))]})
    answer = contestant.answer(photos("cid", ("Cid", 20)).read_bytes())
    assert (answer.name, answer.known) == ("Ann", False)


def test_the_models_of_face_recognition_are_found_without_pkg_resources():
    assert _resource_filename("json", "decoder.py").endswith("json/decoder.py")
    with pytest.raises(FileNotFoundError, match="nowhere is not installed; run `make bench`"):
        _resource_filename("nowhere", "model.dat")


def test_of_boxes_that_overlap_too_much_the_best_is_kept():
    boxes = torch.tensor([[0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30], [0, 0, 10, 5.2]])
    assert _nms(boxes, torch.tensor([0.8, 0.9, 0.7, 0.95]), 0.5).tolist() == [3, 1, 2]
    assert _nms(boxes, torch.tensor([0.8, 0.9, 0.7, 0.6]), 0.5).tolist() == [1, 2, 3]
    assert _nms(torch.zeros(0, 4), torch.zeros(0), 0.5).tolist() == []
