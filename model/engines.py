"""What runs the network of a bundle: TorchScript, or ONNX Runtime, with which nothing of torch is imported.

Both take (N, S, S, 3) uint8 RGB chips and return (N, 512) float32 unit-length embeddings and (N, C) float32 logits.
`VISAGE_ENGINE` names the one that serves.
"""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from model import bundle as bundles
from model.bundle import Bundle
from model.errors import BundleError
from model.gallery import FloatArray
from preprocess import RGBArray

if TYPE_CHECKING:
    import torch

FLOAT32: Final = "float32"
BFLOAT16: Final = "bfloat16"

ALIKE: Final = 0.999
"""The cosine to float32's embedding under which bfloat16 is not used."""

Answer = tuple[FloatArray, FloatArray]


class Engine(ABC):
    """A network that was loaded from a verified bundle.

    `files` are those of the bundle that it reads, `precision` is what the convolutions compute in, `threads` is how
    many work on one batch.
    """

    name: ClassVar[str]
    files: ClassVar[tuple[str, ...]]

    precision: str = FLOAT32

    def __init__(self) -> None:
        self.threads = threads()

    @staticmethod
    @abstractmethod
    def prepare() -> None:
        """Import the library, which takes the longer part of a cold start and needs no bundle."""

    @abstractmethod
    def run(self, chips: RGBArray) -> Answer:
        """Return the (N, 512) embeddings and (N, C) logits of (N, S, S, 3) uint8 RGB chips."""

    @classmethod
    @abstractmethod
    def load(cls, bundle: Bundle) -> "Engine":
        """Return the network of a verified bundle, warmed up: the first photo takes as long as the second."""


class TorchScript(Engine):
    """The trace of the network in libtorch, in bfloat16 where the processor computes in it and the answers stay."""

    name = "torchscript"
    files = (bundles.MODEL,)

    def __init__(self, folder: Path, precision: str = FLOAT32) -> None:
        import torch  # noqa: PLC0415  # a second, which ONNX Runtime spares

        super().__init__()
        self.precision = precision
        torch.set_num_threads(self.threads)
        # From its path: that is read in 0.1 s, and what was read into memory before in 0.3 s.
        network: torch.jit.ScriptModule = torch.jit.load(folder / bundles.MODEL)  # type: ignore[no-untyped-call]
        if precision == BFLOAT16:
            _lower(network.graph)
        self._network = network.eval()

    @staticmethod
    def prepare() -> None:
        """Import torch."""
        import torch  # noqa: F401, PLC0415

    def run(self, chips: RGBArray) -> Answer:
        """Return embeddings and logits."""
        import torch  # noqa: PLC0415

        with _settled():
            embeddings, logits = self._network(torch.from_numpy(chips))
            return embeddings.numpy(), logits.numpy()

    @classmethod
    def load(cls, bundle: Bundle) -> "TorchScript":
        """Return the network, in the faster of the precisions that give its answers."""
        plain = cls(bundle.directory)
        probe = _probe(bundle.manifest.geometry.size)
        plain.run(probe)
        if not _computes_bfloat16():
            return plain
        lowered = cls(bundle.directory, BFLOAT16)
        lowered.run(probe)
        return lowered if _agree(plain, lowered, probe) else plain


class ONNX(Engine):
    """The network in ONNX Runtime: imported in 0.03 s where torch takes 1.2, it takes three quarters as long a chip."""

    name = "onnx"
    files = (bundles.ONNX, bundles.ONNX_WEIGHTS)

    def __init__(self, folder: Path) -> None:
        import onnxruntime  # noqa: PLC0415

        super().__init__()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        path = str(folder / bundles.ONNX)
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    @staticmethod
    def prepare() -> None:
        """Import onnxruntime."""
        import onnxruntime  # noqa: F401, PLC0415

    def run(self, chips: RGBArray) -> Answer:
        """Return embeddings and logits."""
        embeddings, logits = self._session.run(None, {"chips": chips})
        return embeddings, logits

    @classmethod
    def load(cls, bundle: Bundle) -> "ONNX":
        """Return the network."""
        engine = cls(bundle.directory)
        engine.run(_probe(bundle.manifest.geometry.size))
        return engine


ENGINES: Final[dict[str, type[Engine]]] = {engine.name: engine for engine in (TorchScript, ONNX)}


def chosen() -> type[Engine]:
    """Return the engine that `VISAGE_ENGINE` names, by default TorchScript.

    Raises:
        BundleError: it names none.
    """
    name = os.environ.get("VISAGE_ENGINE") or TorchScript.name
    if name not in ENGINES:
        raise BundleError(f'VISAGE_ENGINE is "{name}"; it may be {" or ".join(ENGINES)}.')
    return ENGINES[name]


def threads() -> int:
    """Return how many threads a network gets: `OMP_NUM_THREADS`, else the processors that this process may use."""
    return int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))


@contextmanager
def _settled() -> Iterator[None]:
    """Run a frozen trace without gradients and without the profiling executor.

    That one watches a first call and compiles in the second (150 and 110 ms where the third takes 47), and finds
    nothing to make faster: export folded and froze the convolutions. Without it the first call takes 65 and the second
    50; after that one, several chips are no slower the first time either. (oneDNN's fusion would find something, but
    fails on this network: "Cannot access data pointer of Tensor that doesn't have storage", torch 2.13.
    `torch.jit.optimize_for_inference` is slower for one chip.)
    """
    import torch  # noqa: PLC0415

    with torch.inference_mode(), torch.jit.optimized_execution(should_optimize=False):  # type: ignore[attr-defined]
        yield


def _probe(size: int) -> RGBArray:
    """Return (1, size, size, 3): a chip with bright and dark, up and down."""
    return np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)


def _computes_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16; elsewhere it is emulated, and slow."""
    import torch  # noqa: PLC0415

    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())  # noqa: SLF001


def _agree(plain: Engine, other: Engine, probe: RGBArray) -> bool:
    """Whether another precision gives the same answer, sooner."""
    (embedding, logits), usual = _timed(plain, probe)
    (found, named), taken = _timed(other, probe)
    same = float((embedding * found).sum()) >= ALIKE and logits.argmax() == named.argmax()
    return bool(same and taken < usual)


def _timed(engine: Engine, chips: RGBArray) -> tuple[Answer, float]:
    began = time.perf_counter()
    answer = engine.run(chips)
    return answer, time.perf_counter() - began


def _lower(graph: Any) -> None:
    """Make the convolutions of a frozen trace compute in bfloat16, and what follows their pooling in float32 again."""
    import torch  # noqa: PLC0415

    convolutions = graph.findAllNodes("aten::_convolution")
    for node in convolutions:
        for constant in list(node.inputs())[1:3]:
            constant.node().t_("value", constant.toIValue().to(torch.bfloat16))
            constant.setType(torch._C.TensorType.get())  # noqa: SLF001
        node.output().setType(torch._C.TensorType.get())  # noqa: SLF001
    _cast(graph, convolutions[0], torch.bfloat16)
    for node in graph.findAllNodes("aten::adaptive_avg_pool2d"):
        _cast(graph, node, torch.float32)


def _cast(graph: Any, node: Any, dtype: "torch.dtype") -> None:
    """Convert the first input of `node` to `dtype`."""
    graph.setInsertPoint(node)
    arguments = [graph.insertConstant(value) for value in (dtype, False, False, None)]
    cast = graph.create("aten::to", [next(node.inputs()), *arguments], 1)
    graph.insertNode(cast)
    node.replaceInput(0, cast.output())
