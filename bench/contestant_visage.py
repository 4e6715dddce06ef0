"""Our own recogniser, with either engine."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.contestants import NOBODY, Answer, Setup
from model.recognizer import Recognizer
from model.settings import Settings
from preprocess.errors import NoFaceError


class Visage:
    """The bundle as `handler.lambda_handler` serves it, without HTTP."""

    def __init__(self, setup: Setup, settings: Settings, engine: str) -> None:
        self._recognizer = Recognizer.load(str(setup.bundle), replace(settings, engine=engine))

    def learn(self, people: Mapping[str, Sequence[Path]]) -> None:
        """Do nothing: the bundle was trained on these people's photos."""

    def answer(self, data: bytes) -> Answer:
        """Return the most likely person of the most prominent face."""
        try:
            recognition = self._recognizer.recognize(data)
        except NoFaceError:
            return NOBODY
        face = recognition.faces[0]
        stages = {stage: ms for stage, ms in recognition.timing_ms.items() if stage != "total"}
        return Answer(face.predictions[0].label, face.known, len(recognition.faces), stages)


def torchscript(setup: Setup, settings: Settings) -> Visage:
    """Return the default engine."""
    return Visage(setup, settings, "torchscript")


def onnx(setup: Setup, settings: Settings) -> Visage:
    """Return the engine without torch."""
    return Visage(setup, settings, "onnx")
