"""The interface of engines: each runs a bundle's network with one library, and describes itself for deployment."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

from model.manifest import GALLERY

if TYPE_CHECKING:
    from model.bundle import Bundle
    from model.cohort import FloatArray
    from preprocess.photo import RGBArray

    NetworkOutput: TypeAlias = tuple[FloatArray, FloatArray]

FLOAT32: Final = "float32"
BFLOAT16: Final = "bfloat16"
INT8: Final = "int8"


class Packaging(StrEnum):
    """How a function is deployed on AWS."""

    IMAGE = "image"
    ZIP = "zip"


class Engine(ABC):
    """A network loaded from a verified bundle.

    `precision` is the number format of its convolutions. `threads` is how many threads work on one batch.

    The attributes of the class describe the engine. Code can read them without importing the library.

    | attribute | meaning |
    | --- | --- |
    | `name` | its name in `VISAGE_ENGINE`, on the command line and in the API |
    | `library` | the package that it runs on |
    | `files` | the files of a bundle that it reads |
    | `gallery` | the file of a bundle that has the prototypes for its embeddings |
    | `requirements` | the lock file of the deployed function's packages, relative to the checkout |
    | `packaging` | whether AWS gets a container image or a zip |
    | `snapshot` | whether AWS starts the function from a snapshot (SnapStart) |
    | `environment` | variables that the deployed function needs: the library reads them when it is loaded |
    | `precisions` | the number formats that `precision` may be |
    """

    name: ClassVar[str]
    library: ClassVar[str]
    files: ClassVar[tuple[str, ...]]
    gallery: ClassVar[str] = GALLERY
    requirements: ClassVar[str]
    packaging: ClassVar[Packaging]
    snapshot: ClassVar[bool] = False
    environment: ClassVar[Mapping[str, str]] = {}
    precisions: ClassVar[tuple[str, ...]] = (FLOAT32,)

    precision: str = FLOAT32
    threads: int

    @abstractmethod
    def __init__(self, folder: Path, threads: int) -> None:
        """Load the network from the engine's files in `folder` without changing it."""

    @staticmethod
    @abstractmethod
    def prepare(*, in_lambda: bool = False) -> None:
        """Import the library. This takes most of a cold start, and does not need the bundle."""

    @classmethod
    @abstractmethod
    def load(cls, bundle: "Bundle", threads: int) -> "Engine":
        """Return the network of a verified bundle. It has answered once, so that the next answer takes no longer."""

    @abstractmethod
    def run(self, chips: "RGBArray") -> "NetworkOutput":
        """Return (N, 512) float32 unit-length embeddings and (N, C) float32 logits of (N, S, S, 3) uint8 RGB chips."""


def random_chip(size: int) -> "RGBArray":
    """Return a chip of noise, (1, size, size, 3) uint8, to test a network with. It is the same every time."""
    import numpy as np  # noqa: PLC0415  # reading the description of an engine must not import numpy

    return np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
