"""What this project serves, by either engine."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.contestants import NOBODY, Answer, Setup
from model.recognizer import Recognizer
from model.settings import Settings
from preprocess.errors import NoFaceError


class Visage:
    """The bundle behind `handler.lambda_handler`, without the HTTP around it."""

    def __init__(self, setup: Setup, engine: str) -> None:
        settings = replace(Settings.read(), engine=engine)
        self._recognizer = Recognizer.load(str(setup.bundle), settings)

    def learn(self, people: Mapping[str, Sequence[Path]]) -> None:
        """Nothing: the bundle was trained on these people's photos."""

    def answer(self, data: bytes) -> Answer:
        """Return the likeliest person of the most prominent face."""
        try:
            recognition = self._recognizer.recognize(data)
        except NoFaceError:
            return NOBODY
        face = recognition.faces[0]
        stages = {step: ms for step, ms in recognition.timing_ms.items() if step != "total"}
        return Answer(face.predictions[0].label, face.known, len(recognition.faces), stages)


def torchscript(setup: Setup) -> Visage:
    """Return the engine that is the default."""
    return Visage(setup, "torchscript")


def onnx(setup: Setup) -> Visage:
    """Return the engine without torch."""
    return Visage(setup, "onnx")
