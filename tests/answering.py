"""A model for tests of batches: a photo's bytes say whose faces it has, and which of them nobody knows."""

import numpy as np

from batch.contract import Header
from model.recognizer import Face, Prediction, Recognition
from preprocess.appearance import Appearance, Pose, Quality
from preprocess.detect import Box
from preprocess.errors import NoFaceError, UnreadablePhotoError, UnsupportedFormatError

HEADER = Header("pile", "model-1", "space-1", "2026-11-26T20:00:00+00:00", roster=None, keep_embeddings=True)


class Model:
    """Answers bytes such as `ada ada ?`: a face a word, `?` for somebody unknown. `seen` has what it was asked."""

    def __init__(self, version="model-1", roster=3):
        self.version, self.roster = version, roster
        self.seen = []

    def recognize(self, data):
        self.seen.append(data)
        text = data.decode()
        if text == "broken":
            raise UnreadablePhotoError("The photo is damaged or incomplete and cannot be decoded.")
        if text == "text":
            raise UnsupportedFormatError("This is not a photo.")
        if text == "bug":
            raise ZeroDivisionError
        if not text:
            raise NoFaceError("No face was found in the photo.")
        faces = tuple(face(word) for word in text.split())
        embeddings = np.stack([vector(word) for word in text.split()])
        return Recognition(faces, 640, 480, self.version, {"total": 1.0}, roster=self.roster, embeddings=embeddings)


def face(word):
    known = word != "?"
    box = Box(1, 2, 30, 40, score=0.9, landmarks=((1.0, 2.0),) * 5)
    appearance = Appearance(Pose(0, 0, 0), Quality(30, 10.0, 100.0, 0.1, 0.9), ())
    label, identity = (word, f"id-{word}") if known else (None, None)
    predictions = (Prediction(word, 0.9, False, f"id-{word}"),)
    return Face(box, appearance, label, 0.9, 0.7, 0.6, known, False, identity, predictions)


def vector(word):
    """Return the (512,) embedding of a word: the same for the same word."""
    values = np.random.default_rng(list(word.encode())).normal(size=512)
    return (values / np.linalg.norm(values)).astype(np.float32)
