"""The face recognisers that are compared, and the interface of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, Self

import numpy as np
import numpy.typing as npt

from preprocess.files import replacing

FloatArray = npt.NDArray[np.floating]

CONTESTANTS: Final = {
    "visage-torchscript": "bench.contestant_visage:torchscript",
    "visage-onnx": "bench.contestant_visage:onnx",
    "plain": "bench.contestant_plain:plain",
    "plain-upsampled": "bench.contestant_plain:upsampled",
    "face_recognition": "bench.contestant_face_recognition:FaceRecognition",
    "facenet-pytorch": "bench.contestant_facenet_pytorch:FacenetPytorch",
}
"""For each name, the function that makes a `Contestant` of a `Setup` and `Settings`. Each has a module of its own, so
that no contestant pays for the imports of another."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The files that a contestant may load: the bundle, its training run, and the pretrained weights.

    `known` is the folder where contestants that compare encodings keep those that they have learned.
    """

    bundle: Path
    run: Path
    weights: Path
    known: Path


@dataclass(frozen=True, slots=True)
class Answer:
    """The most likely name of the most prominent face, whether it counts as known, and the number of faces found.

    `name` is None where no face was found. `known` is always true for contestants without a threshold. `stages` has the
    milliseconds of each stage, for contestants that measure them.
    """

    name: str | None
    known: bool
    faces: int
    stages: Mapping[str, float] = field(default_factory=dict)


NOBODY: Final = Answer(None, known=False, faces=0)
"""No face was found."""


class Contestant(Protocol):
    """Learns people, then names the person in a photo."""

    def learn(self, people: Mapping[str, Sequence[Path]]) -> None:
        """Learn each person's photos, unless that was done before."""

    def answer(self, data: bytes) -> Answer:
        """Return who is in the photo with the bytes `data`."""


@dataclass(frozen=True, slots=True)
class Known:
    """The N faces that a contestant compares with: a name and an encoding, (N, D), for each."""

    names: npt.NDArray[np.str_]
    encodings: FloatArray

    @classmethod
    def learn(
        cls, people: Mapping[str, Sequence[Path]], encoder: Callable[[bytes], FloatArray | None], file: Path
    ) -> Self:
        """Return the encodings of photos in which `encoder` finds a face, from `file` if an earlier call wrote it."""
        if file.exists():
            with np.load(file) as arrays:
                return cls(arrays["names"], arrays["encodings"])
        found = [(name, encoder(photo.read_bytes())) for name, photos in people.items() for photo in photos]
        faces = [(name, encoding) for name, encoding in found if encoding is not None]
        known = cls(np.array([name for name, _ in faces]), np.stack([encoding for _, encoding in faces]))
        with replacing(file) as unfinished, unfinished.open("wb") as arrays:
            np.savez(arrays, names=known.names, encodings=known.encodings)
        return known
