"""facenet-pytorch 2.6.0 as its README uses it: MTCNN at 160 pixels without margin, and InceptionResnetV1."""

import io
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from bench.contestants import NOBODY, Answer, FloatArray, Known, Setup
from evaluation.detectors import mtcnn
from model.settings import Settings
from training import torchvision_ops


class FacenetPytorch:
    """Gives the largest face the name of the nearest embedding of a training photo, by Euclidean distance.

    The weights are the pretrained weights of our training. The README of facenet-pytorch has no threshold.
    """

    def __init__(self, setup: Setup, _: Settings) -> None:
        self._file = setup.known / "facenet-pytorch.npz"
        self._detector = mtcnn(image_size=160, margin=0)
        self._network = package().InceptionResnetV1().eval()
        state = torch.load(setup.weights, weights_only=True)
        self._network.load_state_dict({name: value for name, value in state.items() if not name.startswith("logits.")})

    def learn(self, people: Mapping[str, Sequence[Path]]) -> None:
        """Embed the largest face of every photo."""
        self._known = Known.learn(people, self._embed, self._file)

    def answer(self, data: bytes) -> Answer:
        """Return the person of the nearest embedding; MTCNN returns one face."""
        embedding = self._embed(data)
        if embedding is None:
            return NOBODY
        nearest = int(np.argmin(np.linalg.norm(self._known.encodings - embedding, axis=1)))
        return Answer(str(self._known.names[nearest]), known=True, faces=1)

    def _embed(self, data: bytes) -> FloatArray | None:
        """Return the (512,) embedding of the largest face; None without a face."""
        with torch.no_grad(), Image.open(io.BytesIO(data)) as photo:
            face = self._detector(photo.convert("RGB"))
            if face is None:
                return None
            embedding: FloatArray = self._network(face[None])[0].numpy()
        return embedding


def package() -> Any:
    """Import all of facenet-pytorch, which needs torchvision."""
    torchvision_ops.require()
    return import_module("facenet_pytorch")
