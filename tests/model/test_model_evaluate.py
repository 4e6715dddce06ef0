"""The figures that verdicts add up to, worked out by hand."""

import json

import numpy as np
import pytest

from model.evaluate import CONFUSION, NOBODY, REPORT, Evaluation, Probe, Verdict, evaluate
from model.recognizer import Face, Prediction, Recognition
from preprocess import Box, NoFaceError

VERDICTS = [
    Verdict("1", "Ann", "Ann", "Ann", 0.9),
    Verdict("2", "Ann", None, "Ann", 0.4),  # taken for a stranger
    Verdict("3", "Bob", "Ann", "Ann", 0.8),
    Verdict("4", "Bob", "Bob", "Bob", 0.9),
    Verdict("5", None, None, "Bob", 0.2),
    Verdict("6", None, "Bob", "Bob", 0.7),
    Verdict("7", "Bob", problem="No face was found."),
]


@pytest.fixture
def evaluation():
    return Evaluation("0123", ("Ann", "Bob", "Cid"), VERDICTS)


def test_shares_are_of_photos_with_a_face(evaluation):
    figures = evaluation.to_dict()
    assert (figures["photos"], figures["with_a_face"]) == (7, 6)
    assert (figures["known"]["photos"], figures["known"]["accuracy"], figures["known"]["recognised"]) == (
        4,
        0.75,
        0.5,
    )
    assert figures["strangers"] == {"photos": 2, "taken_for_somebody": 0.5}


def test_a_face_taken_for_nobody_counts_against_recall_alone(evaluation):
    assert evaluation.to_dict()["known"]["people"] == {
        "Ann": {"precision": 0.5, "recall": 0.5, "photos": 2},
        "Bob": {"precision": 1.0, "recall": 0.5, "photos": 2},
    }


def test_confusion_has_a_row_for_everybody_who_was_shown(evaluation):
    counts, rows, columns = evaluation.confusion()
    assert (rows, columns) == (["Ann", "Bob", NOBODY], ["Ann", "Bob", "Cid", NOBODY])
    np.testing.assert_array_equal(counts, [[1, 0, 0, 1], [1, 1, 0, 0], [0, 1, 0, 1]])


@pytest.mark.parametrize("verdicts", [[], VERDICTS[4:6], VERDICTS[6:]], ids=["none", "strangers", "no face"])
def test_without_known_faces_there_are_no_shares(verdicts):
    known = Evaluation("0123", ("Ann", "Bob"), verdicts).to_dict()["known"]
    assert known == {"photos": 0, "accuracy": None, "recognised": None, "people": {}}


def test_figures_and_picture_are_written(evaluation, tmp_path):
    evaluation.write(tmp_path / "new")
    assert json.loads((tmp_path / "new" / REPORT).read_text(encoding="utf-8")) == evaluation.to_dict()
    assert (tmp_path / "new" / CONFUSION).read_bytes().startswith(b"\x89PNG")


def test_figures_are_written_when_no_photo_has_a_face(tmp_path):
    Evaluation("0123", ("Ann", "Bob"), VERDICTS[6:]).write(tmp_path)


class Stub:
    """A recognizer that takes every photo for Ann's, and finds no face in an empty one."""

    version, labels = "0123", ("Ann", "Bob")

    def recognize(self, data):
        if not data:
            raise NoFaceError("No face was found.")
        ann = Prediction("Ann", 0.9)
        return Recognition((Face(Box(0, 0, 9, 9, 1), None, 0.9, 0.5, False, (ann,)),), 9, 9, "0123", {})


def test_every_probe_gets_a_verdict_or_a_problem(tmp_path):
    photo, empty = tmp_path / "photo", tmp_path / "empty"
    photo.write_bytes(b"photo")
    empty.touch()
    told = []
    done = evaluate(Stub(), [Probe(photo, "Ann"), Probe(empty, None)], lambda *what: told.append(what))
    assert done.verdicts == [
        Verdict(str(photo), "Ann", None, "Ann", 0.5),
        Verdict(str(empty), None, problem="No face was found."),
    ]
    assert told == [(1, 2), (2, 2)]
