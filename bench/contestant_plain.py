"""The plain version of our pipeline: the photo in full size, dlib's own detector, the network as it was trained."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import dlib
import torch

from bench.contestant_facenet_pytorch import package
from bench.contestants import NOBODY, Answer, Setup
from model.settings import Settings
from preprocess.align import Aligner, predictor_file
from preprocess.detect import Box, prominence
from preprocess.geometry import Geometry
from preprocess.photo import FULL_SIZE, Photo
from training.network import VisageNetwork


class Plain:
    """dlib's detector on every pixel of the photo, doubled `upsample` times, and the eager network."""

    def __init__(self, setup: Setup, upsample: int) -> None:
        package()  # `training.network` imports only the network from it; the plain version imports all
        # run.json is read without training.run, whose imports would count as this contestant's memory.
        description = json.loads((setup.run / "run.json").read_text(encoding="utf-8"))
        recipe = description["recipe"]
        self._labels = description["labels"]
        self._geometry = Geometry(**description["geometry"])
        self._network = VisageNetwork(len(self._labels), recipe["fine_tuned_layers"], recipe["input_size"]).eval()
        self._network.load_state_dict(torch.load(setup.run / "network.pt", weights_only=True))
        self._aligner = Aligner(predictor_file())
        self._detector = dlib.get_frontal_face_detector()
        self._upsample = upsample

    def learn(self, people: Mapping[str, Sequence[Path]]) -> None:
        """Do nothing: the network was trained on these people's photos."""

    def answer(self, data: bytes) -> Answer:
        """Return the person with the largest logit for the most prominent face."""
        photo = Photo(data, size=FULL_SIZE)  # no photo has a longer side, so that it is decoded in full size
        boxes = self._detect(photo)
        if not boxes:
            return NOBODY
        face = max(boxes, key=lambda box: prominence(box, photo.width, photo.height))
        chip = torch.from_numpy(self._aligner.align(photo, face, self._geometry))
        with torch.inference_mode():
            _, logits = self._network(chip[None])
        return Answer(self._labels[int(logits.argmax())], known=True, faces=len(boxes))

    def _detect(self, photo: Photo) -> list[Box]:
        rectangles, scores, _ = self._detector.run(photo.pixels(), self._upsample)
        return [
            Box(rectangle.left(), rectangle.top(), rectangle.width(), rectangle.height(), score)
            for rectangle, score in zip(rectangles, scores, strict=True)
        ]


def plain(setup: Setup, _: Settings) -> Plain:
    """Return the pipeline that detects faces at the photo's own size."""
    return Plain(setup, upsample=0)


def upsampled(setup: Setup, _: Settings) -> Plain:
    """Return the pipeline that doubles the photo first, as dlib's examples advise for small faces."""
    return Plain(setup, upsample=1)
