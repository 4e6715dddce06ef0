"""TorchScript: a frozen trace of the network in libtorch.

It uses private API of torch for speed only:

- A stub stands for `torch._meta_registrations` in Lambda: `import torch` takes a third less time.
- `model.engines.fusion` fuses the convolutions; its figures are there.
- `torch.cpu` tells whether the processor computes in bfloat16.
- `torch.jit.optimized_execution` switches the profiling executor off; `_inference` has its figures.

If one of them fails, the network runs without it, and a warning says so.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from model import bundle as bundles
from model.engines.base import BFLOAT16, FLOAT32, Engine, Packaging, random_chip
from preprocess.runtime import WITHOUT_TELEMETRY

if TYPE_CHECKING:
    from model.bundle import Bundle
    from model.engines.base import NetworkOutput
    from model.engines.fusion import Report
    from preprocess.photo import RGBArray

MIN_COSINE: Final = 0.999
"""Fused convolutions are used only if the embedding of a random chip keeps this cosine to the plain network's."""

_META_REGISTRATIONS: Final = "torch._meta_registrations"


class TorchScript(Engine):
    """The trace of the network with fused convolutions, in bfloat16 if the processor has it and no answer changes."""

    name = "torchscript"
    library = "torch"
    files = (bundles.MODEL,)
    requirements = "requirements/lock/torchscript.txt"
    packaging = Packaging.IMAGE
    # OpenMP's waiting threads must sleep: spinning ones use up the part of a processor that a function has. They do
    # not sleep at once: the next layer comes within microseconds, and waking threads for each layer doubles the time.
    environment = WITHOUT_TELEMETRY | {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "10000"}
    precisions = (FLOAT32, BFLOAT16)

    def __init__(self, folder: Path, threads: int, report: "Report | None" = None) -> None:
        """Load the trace as it is in the file; `report` is called with each failure that costs speed."""
        import torch  # noqa: PLC0415  # takes a second that ONNX Runtime must not wait for

        from model.engines import fusion  # noqa: PLC0415

        self.threads = threads
        self._file = folder / bundles.MODEL
        self._report = report or fusion.log_slower
        self._fused = False
        self._profiled = False
        torch.set_num_threads(threads)
        self._network = fusion.load(self._file, self._report)

    @staticmethod
    def prepare(*, in_lambda: bool = False) -> None:
        """Import torch. In Lambda, that takes a third less time, see `_MetaRegistrations`."""
        if in_lambda and "torch" not in sys.modules:
            sys.modules[_META_REGISTRATIONS] = _MetaRegistrations(_META_REGISTRATIONS)
        import torch  # noqa: F401, PLC0415

    @classmethod
    def load(cls, bundle: "Bundle", threads: int) -> "TorchScript":
        """Return the network in the fastest form that answers a random chip as the plain one does.

        It has answered once, so that the next answer takes no longer.
        """
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
        """Fuse the convolutions, which then compute in `precision`; return the network's output before that.

        Raises:
            One of fusion.FAILURES: the fusion failed, and the network must be loaded again.
        """
        import torch  # noqa: PLC0415

        from model.engines import fusion  # noqa: PLC0415

        with self._inference():
            embeddings, logits = fusion.fuse(self._network, torch.from_numpy(chips), getattr(torch, precision))
            self._fused, self.precision = True, precision
            return embeddings.numpy(), logits.numpy()

    def _forward(self, chips: "RGBArray") -> "NetworkOutput":
        import torch  # noqa: PLC0415

        with self._inference():
            embeddings, logits = self._network(torch.from_numpy(chips))
            return embeddings.numpy(), logits.numpy()

    @contextmanager
    def _inference(self) -> Iterator[None]:
        """Run a frozen trace without gradients and without the profiling executor.

        That executor watches the first call and compiles in the second: they take 150 and 110 ms, and the third 47 ms.
        What it compiles is not faster. Without it, the first call takes only a third longer than the others, and a new
        batch size costs nothing extra. (Its own fusion with oneDNN fails on this network: "Cannot access data pointer
        of Tensor that doesn't have storage", torch 2.13. `torch.jit.optimize_for_inference` is slower for one chip.)
        """
        import torch  # noqa: PLC0415

        with torch.inference_mode(), ExitStack() as stack:
            if not self._profiled:
                self._leave_out_profiling(stack)
            yield

    def _leave_out_profiling(self, stack: ExitStack) -> None:
        """Switch the profiling executor off until `stack` ends. Where torch cannot do that any more, leave it on."""
        import torch  # noqa: PLC0415

        from model.engines import fusion  # noqa: PLC0415

        try:
            stack.enter_context(torch.jit.optimized_execution(should_optimize=False))  # type: ignore[attr-defined]
        except fusion.FAILURES as error:
            self._profiled = True
            self._report("switching the profiling executor off", error)


class _MetaRegistrations(ModuleType):
    """A stub for the module `torch._meta_registrations`, which only compilers and exporters need.

    torch imports the module for its effects and uses none of its attributes. If another version of torch does use one,
    the stub loads the real module, and `import torch` takes the usual time. The stub stays in `sys.modules`, so this
    process cannot export a network. A Lambda function never does.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system asks for these
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


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
    """Whether the processor multiplies in bfloat16. On others, bfloat16 is emulated, which is slow."""
    import torch  # noqa: PLC0415

    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()  # noqa: SLF001
    return bool(fast and torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001


def _same_answer(expected: "NetworkOutput", found: "NetworkOutput") -> bool:
    """Whether two outputs for one chip have the same embedding and name the same person."""
    same = float((expected[0] * found[0]).sum()) >= MIN_COSINE and expected[1].argmax() == found[1].argmax()
    return bool(same)


def _first_only(report: "Report") -> "Report":
    """Return a report that passes on the first error only: others often have the same cause."""
    reported = False

    def once(attempt: str, error: Exception) -> None:
        nonlocal reported
        if not reported:
            reported = True
            report(attempt, error)

    return once
