"""TorchScript: a frozen trace of the network in libtorch.

It uses private API of torch for speed only:

- A stub stands for `torch._meta_registrations` in Lambda: `import torch` takes a third less time.
- `model.engines.fusion` fuses the convolutions; its figures are there.
- `torch.cpu` tells whether the processor computes in bfloat16.

Where one of them fails, the network runs as it is in the file, and a warning says so.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from model import bundle as bundles
from model.engines.base import BFLOAT16, FLOAT32, Engine, Packaging, random_chip

if TYPE_CHECKING:
    from model.bundle import Bundle
    from model.engines.base import NetworkOutput
    from model.engines.fusion import Report
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

    def __init__(self, folder: Path, threads: int, report: "Report | None" = None) -> None:
        """Load the trace as it is in the file; `report` is told what fails and costs speed."""
        import torch  # noqa: PLC0415  # takes a second that ONNX Runtime must not wait for

        from model.engines import fusion  # noqa: PLC0415

        self.threads = threads
        self._file = folder / bundles.MODEL
        self._report = report or fusion.log_slower
        self._fused = False
        torch.set_num_threads(threads)
        self._network = fusion.load(self._file, self._report)

    @staticmethod
    def prepare(*, in_lambda: bool = False) -> None:
        """Import torch; in Lambda, without a third of it."""
        if in_lambda and "torch" not in sys.modules:
            sys.modules[_META_REGISTRATIONS] = _MetaRegistrations(_META_REGISTRATIONS)
        import torch  # noqa: F401, PLC0415

    @classmethod
    def load(cls, bundle: "Bundle", threads: int) -> "TorchScript":
        """Return the network, as fast as it gives the same answer to a random chip; it has answered once."""
        from model.engines import fusion  # noqa: PLC0415

        probe = random_chip(bundle.manifest.geometry.size)
        report = _first_only(fusion.log_slower)
        for precision in _precisions(report):
            engine = cls(bundle.directory, threads, report)
            try:
                if _same_answer(engine.fuse(probe, precision), engine._forward(probe)):
                    return engine
            except fusion.FAILURES as error:
                report("fusing its convolutions", error)
        engine = cls(bundle.directory, threads, report)
        engine.run(probe)
        return engine

    def run(self, chips: "RGBArray") -> "NetworkOutput":
        """Return embeddings and logits, see `Engine.run`. A fused network that fails is replaced by the plain one."""
        from model.engines import fusion  # noqa: PLC0415

        try:
            return self._forward(chips)
        except fusion.FAILURES as error:
            if not self._fused:
                raise
            fusion.log_slower("running its fused convolutions", error)
        self._network, self._fused, self.precision = fusion.load(self._file, self._report), False, FLOAT32
        return self._forward(chips)

    def fuse(self, chips: "RGBArray", precision: str) -> "NetworkOutput":
        """Fuse the convolutions, to compute in `precision`; return what the network made of the chips before.

        Raises:
            One of fusion.FAILURES: the network must be loaded again.
        """
        import torch  # noqa: PLC0415

        from model.engines import fusion  # noqa: PLC0415

        with _inference():
            embeddings, logits = fusion.fuse(self._network, torch.from_numpy(chips), getattr(torch, precision))
            self._fused, self.precision = True, precision
            return embeddings.numpy(), logits.numpy()

    def _forward(self, chips: "RGBArray") -> "NetworkOutput":
        import torch  # noqa: PLC0415

        with _inference():
            embeddings, logits = self._network(torch.from_numpy(chips))
            return embeddings.numpy(), logits.numpy()


class _MetaRegistrations(ModuleType):
    """Stands for `torch._meta_registrations`, which only compilers and exporters need, until something is read of it.

    torch imports the module for its effects and reads nothing of it. If a version does read something, the real module
    is loaded then, and `import torch` takes as long as elsewhere. `sys.modules` is changed for the whole process, and
    a process that later exports a network cannot do so. A Lambda function never does.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system asks for these
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


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


def _precisions(report: "Report") -> Iterator[str]:
    """Yield the precisions to try fused convolutions in, the fastest first."""
    from model.engines import fusion  # noqa: PLC0415

    if fusion.available():
        try:
            fast = _computes_bfloat16()
        except fusion.FAILURES as error:
            report("asking for bfloat16", error)
            fast = False
        if fast:
            yield BFLOAT16
        yield FLOAT32


def _computes_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16; elsewhere it is emulated, and slow."""
    import torch  # noqa: PLC0415

    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()  # noqa: SLF001
    return bool(fast and torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001


def _same_answer(expected: "NetworkOutput", found: "NetworkOutput") -> bool:
    """Whether two outputs for one chip have the same embedding and name the same person."""
    same = float((expected[0] * found[0]).sum()) >= MIN_COSINE and expected[1].argmax() == found[1].argmax()
    return bool(same)


def _first_only(report: "Report") -> "Report":
    """Return a report that passes on the first error: those that follow from it say nothing new."""
    reported = False

    def once(attempt: str, error: Exception) -> None:
        nonlocal reported
        if not reported:
            reported = True
            report(attempt, error)

    return once
