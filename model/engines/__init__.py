"""What runs the network of a bundle: TorchScript, or ONNX Runtime, with which nothing of torch is imported.

Both take (N, S, S, 3) uint8 RGB chips and return (N, 512) float32 unit-length embeddings and (N, C) float32 logits.
`model.prefetch` says which one serves.
"""

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Final

import numpy as np

from model import bundle as bundles
from model import prefetch as fetch
from model.bundle import Bundle
from model.gallery import FloatArray
from preprocess.photo import RGBArray

FLOAT32: Final = "float32"
BFLOAT16: Final = "bfloat16"

_DATALESS: Final = "torch._meta_registrations"

ALIKE: Final = 0.999
"""The cosine to float32's embedding under which bfloat16 is not used."""

Answer = tuple[FloatArray, FloatArray]


class Engine(ABC):
    """A network that was loaded from a verified bundle.

    `precision` is what the convolutions compute in, `threads` is how many work on one batch.
    """

    name: ClassVar[str]

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
        """Return the network of a verified bundle, ready to run."""


class TorchScript(Engine):
    """The trace of the network in libtorch, its convolutions fused, in bfloat16 where the answers stay."""

    name = "torchscript"

    def __init__(self, folder: Path) -> None:
        """Load the trace as it is in the file."""
        import torch  # noqa: PLC0415  # a second, which ONNX Runtime spares

        from model.engines import fusion  # noqa: PLC0415

        super().__init__()
        torch.set_num_threads(self.threads)
        self._network = fusion.load(folder / bundles.MODEL)

    @staticmethod
    def prepare() -> None:
        """Import torch; in Lambda, without a third of it.

        That is what operators make of tensors without data, which only compilers and exporters have. It cannot be had
        later, so a process that may go on to train gets it at once.
        """
        # Threads that wait must sleep: where a function has a part of a processor, those that spin use it up. But not
        # at once: the next layer comes within microseconds, and to wake them each time doubles the network's time.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
        if "AWS_LAMBDA_FUNCTION_NAME" in os.environ and "torch" not in sys.modules:
            sys.modules[_DATALESS] = ModuleType(_DATALESS)
        import torch  # noqa: F401, PLC0415

    def run(self, chips: RGBArray) -> Answer:
        """Return embeddings and logits."""
        import torch  # noqa: PLC0415

        with _settled():
            embeddings, logits = self._network(torch.from_numpy(chips))
            return embeddings.numpy(), logits.numpy()

    def fuse(self, chips: RGBArray, precision: str) -> Answer:
        """Fuse the convolutions, to compute in `precision`; return what the network made of the chips before."""
        import torch  # noqa: PLC0415

        from model.engines import fusion  # noqa: PLC0415

        with _settled():
            embeddings, logits = fusion.fuse(self._network, torch.from_numpy(chips), getattr(torch, precision))
            self.precision = precision
            return embeddings.numpy(), logits.numpy()

    @classmethod
    def load(cls, bundle: Bundle) -> "TorchScript":
        """Return the network, in bfloat16 if the processor has it and the answer to a probe stays what it was."""
        from model.engines import fusion  # noqa: PLC0415

        probe = _probe(bundle.manifest.geometry.size)
        if fusion.available() and _computes_bfloat16():
            engine = cls(bundle.directory)
            if _alike(engine.fuse(probe, BFLOAT16), engine.run(probe)):
                return engine
        engine = cls(bundle.directory)
        if fusion.available():
            engine.fuse(probe, FLOAT32)
        return engine


class ONNX(Engine):
    """The network in ONNX Runtime: imported in 0.03 s for 0.7, three quarters as long a chip in float32."""

    name = "onnx"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        library = onnxruntime()
        options = library.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.add_session_config_entry("session.intra_op.spin_duration_us", "50")  # as for TorchScript
        options.enable_mem_pattern = False  # it is no faster, and keeps a plan for every number of chips there ever was
        path = str(folder / bundles.ONNX)
        self._session = library.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    @staticmethod
    def prepare() -> None:
        """Import onnxruntime."""
        onnxruntime()

    def run(self, chips: RGBArray) -> Answer:
        """Return embeddings and logits."""
        embeddings, logits = self._session.run(None, {"chips": chips})
        return embeddings, logits

    @classmethod
    def load(cls, bundle: Bundle) -> "ONNX":
        """Return the network."""
        return cls(bundle.directory)


ENGINES: Final[dict[str, type[Engine]]] = {engine.name: engine for engine in (TorchScript, ONNX)}


def chosen() -> type[Engine]:
    """Return the engine to serve with.

    Raises:
        BundleError: the environment names one that there is not.
    """
    return ENGINES[fetch.engine()]


def onnxruntime() -> Any:
    """Import ONNX Runtime, which would otherwise tell Microsoft what it runs."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    return import_module("onnxruntime")


def threads() -> int:
    """Return how many threads a network gets: `OMP_NUM_THREADS`, else the processors that this process may use."""
    return int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))


@contextmanager
def _settled() -> Iterator[None]:
    """Run a frozen trace without gradients and without the profiling executor.

    That one watches a first call and compiles in the second (150 and 110 ms where the third takes 47), and finds
    nothing to make faster. Without it the first call takes a third longer than the others, and several chips are no
    slower the first time either. (Its own fusion with oneDNN fails on this network: "Cannot access data pointer of
    Tensor that doesn't have storage", torch 2.13. `torch.jit.optimize_for_inference` is slower for one chip.)
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

    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()  # noqa: SLF001
    return bool(fast and torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001


def _alike(expected: Answer, found: Answer) -> bool:
    """Whether another precision gives the same embedding and the same name."""
    same = float((expected[0] * found[0]).sum()) >= ALIKE and expected[1].argmax() == found[1].argmax()
    return bool(same)
