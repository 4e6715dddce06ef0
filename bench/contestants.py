"""The ways of answering "who is in this photo?" that are compared, and what each of them must be able to do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, Self

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]

CONTESTANTS: Final = {
    "visage-torchscript": "bench.contestant_visage:torchscript",
    "visage-onnx": "bench.contestant_visage:onnx",
    "plain": "bench.contestant_plain:plain",
    "plain-upsampled": "bench.contestant_plain:upsampled",
    "face_recognition": "bench.contestant_face_recognition:FaceRecognition",
    "facenet-pytorch": "bench.contestant_facenet_pytorch:FacenetPytorch",
}
"""By its name, what makes a `Contestant` of a `Setup`; each in a module of its own, so that none pays for another's
imports."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a contestant may load: the bundle, the run that it was exported from, and the weights that began with.

    `known` is the folder where contestants that know people by encodings keep those that they have learned.
    """

    bundle: Path
    run: Path
    weights: Path
    known: Path


@dataclass(frozen=True, slots=True)
class Answer:
    """Who the most prominent face is likeliest to be, whether it is surely them, and how many faces were found.

    `name` is None where no face was found. `known` is true wherever a contestant has no threshold. `stages` are the
    milliseconds of each step, for those that tell.
    """

    name: str | None
    known: bool
    faces: int
    stages: Mapping[str, float] = field(default_factory=dict)


NOBODY: Final = Answer(None, known=False, faces=0)
"""No face was found."""


class Contestant(Protocol):
    """Learns people, then names them."""

    def learn(self, people: Mapping[str, Sequence[Path]]) -> None:
        """Take in each person's photos; who was trained on them, or has learned them before, has nothing to do."""

    def answer(self, data: bytes) -> Answer:
        """Say who is in the photo `data`."""


@dataclass(frozen=True, slots=True)
class Known:
    """The faces that a contestant compares with: `names` of N people, and their `encodings`, (N, D)."""

    names: npt.NDArray[np.str_]
    encodings: FloatArray

    @classmethod
    def learn(
        cls, people: Mapping[str, Sequence[Path]], encoder: Callable[[bytes], FloatArray | None], file: Path
    ) -> Self:
        """Return the encoding of the face in every photo in which `encoder` finds one; `file` keeps them."""
        if file.exists():
            with np.load(file) as arrays:
                return cls(arrays["names"], arrays["encodings"])
        found = [(name, encoder(photo.read_bytes())) for name, photos in people.items() for photo in photos]
        faces = [(name, encoding) for name, encoding in found if encoding is not None]
        known = cls(np.array([name for name, _ in faces]), np.stack([encoding for _, encoding in faces]))
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, names=known.names, encodings=known.encodings)
        return known
