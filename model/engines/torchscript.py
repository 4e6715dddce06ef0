"""TorchScript: a frozen trace of the network in libtorch."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from model import bundle as bundles
from model.engines.base import BFLOAT16, FLOAT32, Engine, Packaging, random_chip

if TYPE_CHECKING:
    from model.bundle import Bundle
    from model.engines.base import NetworkOutput
    from preprocess.photo import RGBArray

MIN_COSINE: Final = 0.999
"""Fused convolutions are used only if the embedding of a random chip keeps this cosine to the plain network's."""

_META_REGISTRATIONS: Final = "torch._meta_registrations"


class TorchScript(Engine):
    """The trace of the network, its convolutions fused, in bfloat16 where the processor has it and the answers stay."""

    name = "torchscript"
    library = "torch"
    files = (bundles.MODEL,)
    requirements = "requirements/lock/torchscript.txt"
    packaging = Packaging.IMAGE
    # OpenMP's waiting threads must sleep: spinning ones use up the part of a processor that a function has. They do
    # not sleep at once: the next layer comes within microseconds, and waking threads for each layer doubles the time.
    environment = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "10000"}  # noqa: RUF012  # ClassVar in the base
    precisions = (FLOAT32, BFLOAT16)

    def __init__(self, folder: Path, threads: int) -> None:
        """Load the trace as it is in the file."""
        import torch  # noqa: PLC0415  # takes a second that ONNX Runtime must not wait for

        from model.engines import fusion  # noqa: PLC0415

        self.threads = threads
        torch.set_num_threads(threads)
        self._network = fusion.load(folder / bundles.MODEL)

    @staticmethod
    def prepare(*, in_lambda: bool = False) -> None:
        """Import torch; in Lambda, without a third of it."""
        if in_lambda and "torch" not in sys.modules:
            sys.modules[_META_REGISTRATIONS] = ModuleType(_META_REGISTRATIONS)
        import torch  # noqa: F401, PLC0415

    @classmethod
    def load(cls, bundle: "Bundle", threads: int) -> "TorchScript":
        """Return the network, in bfloat16 if the processor has it and the answer to a random chip stays the same."""
        from model.engines import fusion  # noqa: PLC0415

        probe = random_chip(bundle.manifest.geometry.size)
        if fusion.available() and _computes_bfloat16():
            engine = cls(bundle.directory, threads)
            if _same_answer(engine.fuse(probe, BFLOAT16), engine.run(probe)):
                return engine
        engine = cls(bundle.directory, threads)
        if fusion.available():
            engine.fuse(probe, FLOAT32)
        return engine

    def run(self, chips: "RGBArray") -> "NetworkOutput":
        """Return embeddings and logits, see `Engine.run`."""
        import torch  # noqa: PLC0415

        with _inference():
            embeddings, logits = self._network(torch.from_numpy(chips))
            return embeddings.numpy(), logits.numpy()

    def fuse(self, chips: "RGBArray", precision: str) -> "NetworkOutput":
        """Fuse the convolutions, to compute in `precision`; return what the network made of the chips before."""
        import torch  # noqa: PLC0415

        from model.engines import fusion  # noqa: PLC0415

        with _inference():
            embeddings, logits = fusion.fuse(self._network, torch.from_numpy(chips), getattr(torch, precision))
            self.precision = precision
            return embeddings.numpy(), logits.numpy()


@contextmanager
def _inference() -> Iterator[None]:
    """Run a frozen trace without gradients and without the profiling executor.

    That executor watches the first call and compiles in the second: they take 150 and 110 ms, and the third 47 ms.
    What it compiles is not faster. Without it, the first call takes only a third longer than the others, and a new
    batch size costs nothing extra. (Its own fusion with oneDNN fails on this network: "Cannot access data pointer of
    Tensor that doesn't have storage", torch 2.13. `torch.jit.optimize_for_inference` is slower for one chip.)
    """
    import torch  # noqa: PLC0415

    with torch.inference_mode(), torch.jit.optimized_execution(should_optimize=False):  # type: ignore[attr-defined]
        yield


def _computes_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16; elsewhere it is emulated, and slow."""
    import torch  # noqa: PLC0415

    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()  # noqa: SLF001
    return bool(fast and torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001


def _same_answer(expected: "NetworkOutput", found: "NetworkOutput") -> bool:
    """Whether two outputs for one chip have the same embedding and name the same person."""
    same = float((expected[0] * found[0]).sum()) >= MIN_COSINE and expected[1].argmax() == found[1].argmax()
    return bool(same)
