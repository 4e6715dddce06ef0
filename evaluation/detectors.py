"""The detectors that docs/detection.md compares, each as a function from a photo to its faces on one thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Final

import dlib
import numpy as np
import torch
from PIL import Image

from dataset import centerface
from evaluation import blazeface
from evaluation.blazeface import VARIANTS, BlazeFace
from evaluation.hog import Hog
from evaluation.rectangles import Rectangle
from preprocess.centerface import CenterFace
from preprocess.detect import Detector
from preprocess.photo import FULL_SIZE, Photo
from training import torchvision_ops

Detect = Callable[[Photo], Sequence[Rectangle]]

OURS: Final = "visage"
"""The detector as Visage uses it."""

MTCNN_SIZES: Final = (320, 640)
CENTERFACE_SIZES: Final = (256, 320, 416, 480, 640)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A detector and the long side in pixels to which it scales a photo, or None if it chooses by itself."""

    detector: str
    size: int | None = None

    @property
    def name(self) -> str:
        """The candidate in one word or two."""
        return f"{self.detector} {self.size}" if self.size else self.detector


def full_size_hog() -> Detect:
    """Return dlib's detector as its examples use it: on every pixel, in color, doubled once."""
    detector = dlib.get_frontal_face_detector()

    def detect(photo: Photo) -> list[Rectangle]:
        found, scores, _ = detector.run(photo.pixels(), 1, 0.0)
        boxes = ((box.left(), box.top(), box.width(), box.height()) for box in found)
        return [Rectangle(*box, score) for box, score in zip(boxes, scores, strict=True)]

    return detect


def mtcnn(**options: Any) -> Any:
    """Return facenet-pytorch's detector; `_nms` replaces torchvision's operator where that cannot load."""
    torchvision_ops.require()
    library: Any = import_module("torchvision.ops.boxes")
    try:
        library.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except RuntimeError:
        library.nms = _nms
    return import_module("facenet_pytorch").MTCNN(**options)


def mtcnn_at(size: int = FULL_SIZE, sure: float = 0.9) -> Detect:
    """Return a function that finds the faces to which MTCNN gives a probability of `sure` or more."""
    detector = mtcnn(keep_all=True, device="cpu")

    def detect(photo: Photo) -> list[Rectangle]:
        scale = min(1.0, size / max(photo.width, photo.height))
        image = Image.fromarray(photo.pixels(scale))
        image = image.resize((max(1, round(photo.width * scale)), max(1, round(photo.height * scale))))
        with torch.no_grad():
            corners, probabilities = detector.detect(image)
        found = zip(corners, probabilities, strict=True) if corners is not None else ()
        return [
            Rectangle(left / scale, top / scale, (right - left) / scale, (bottom - top) / scale, float(probability))
            for (left, top, right, bottom), probability in found
            if probability >= sure
        ]

    return detect


def ours() -> Detect:
    """Return the detector as Visage uses it."""
    detector = Detector(centerface.network())

    def detect(photo: Photo) -> list[Rectangle]:
        return [Rectangle(box.left, box.top, box.width, box.height, box.score) for box in detector.detect(photo)]

    return detect


def centerface_at(size: int) -> Detect:
    """Return CenterFace alone, one look at the photo at `size` pixels."""
    network = CenterFace(centerface.network())

    def detect(photo: Photo) -> list[Rectangle]:
        pixels = photo.pixels(size / max(photo.width, photo.height))
        found = network.find(pixels, size)
        boxes = (found.boxes * (photo.width / pixels.shape[1])).tolist()
        return [Rectangle(x, y, w, h, float(score)) for (x, y, w, h), score in zip(boxes, found.scores, strict=True)]

    return detect


def candidates() -> dict[Candidate, Callable[[], Detect]]:
    """Return what loads each detector. BlazeFace is not among them if its packages are not installed."""
    found: dict[Candidate, Callable[[], Detect]] = {Candidate(OURS): ours, Candidate("hog"): Hog}
    found |= {Candidate("centerface", size): partial(centerface_at, size) for size in CENTERFACE_SIZES}
    found |= {Candidate("mtcnn", size): partial(mtcnn_at, size) for size in MTCNN_SIZES}
    if blazeface.is_installed():
        found |= {Candidate("blazeface", size): partial(BlazeFace, size) for size in VARIANTS}
    return found


def _nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Return the indices of (N, 4) boxes that greedy non-maximum suppression keeps, as torchvision.ops.nms does."""
    left, top, right, bottom = boxes.numpy().T
    areas = (right - left) * (bottom - top)
    order = scores.argsort(descending=True).numpy()
    kept = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(int(best))
        width = np.minimum(right[best], right[order]) - np.maximum(left[best], left[order])
        height = np.minimum(bottom[best], bottom[order]) - np.maximum(top[best], top[order])
        overlap = width.clip(0) * height.clip(0)
        order = order[overlap <= iou_threshold * (areas[best] + areas[order] - overlap)]
    return torch.tensor(kept, dtype=torch.int64)
