"""Makes the file of a frozen trace smaller and its network faster, with torch's private API.

- `halve` stores the convolutions' weights as float16; they are converted to float32 when the network runs. The file is
  half as large, and a cold start waits half as long for it. The cosine of embeddings of real faces before and after it
  is 0.9999994.
- `load` converts the weights once, while it loads the network, instead of in every call.
- `fuse` replaces each convolution, and the sum and ReLU after it, by one oneDNN operator. On one core, a chip takes
  35 ms instead of 39 ms in float32, and 16 ms in bfloat16 on a processor that has it.

Without fusion, libtorch rearranges a convolution's weights in every call, writes its output, and reads and writes the
output again for the sum and for the ReLU. oneDNN's operators take weights that were rearranged before, and write once.
TorchInductor compiles to the same operators: torch/_inductor/mkldnn_lowerings.py.

No answer depends on the private API. If the conversion fails, `load` returns the plain network. If `fuse` fails, it
raises one of `FAILURES` and may leave the network half changed; the engine then loads the file again without fusion.
If `halve` fails, `visage export` stores the weights as float32.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

import torch

FAILURES: Final = (AttributeError, LookupError, RuntimeError, StopIteration, TypeError, ValueError)
"""The errors of private API that another version of torch has changed or removed."""

Report: TypeAlias = Callable[[str, Exception], None]
"""Takes the name of what failed, without which the network is slower, and the error."""

_CONVOLUTION: Final = "aten::_convolution"
_FUSED: Final = "mkldnn::_convolution_pointwise"


def halve(network: torch.jit.ScriptModule) -> None:
    """Store the weights of a frozen trace's convolutions as float16, in place. They are converted when it runs."""
    graph: Any = network.graph
    for node in graph.findAllNodes(_CONVOLUTION):
        weight = list(node.inputs())[1]
        weight.node().t_("value", weight.toIValue().half())
        weight.setType(torch._C.TensorType.get())  # noqa: SLF001
        _cast(graph, node, torch.float32, position=1)


def log_slower(attempt: str, error: Exception) -> None:
    """Log what failed, without which the network is slower, and the error."""
    import logging  # noqa: PLC0415  # only where something failed

    traceback = error.__traceback__
    while traceback and traceback.tb_next:
        traceback = traceback.tb_next
    where = f"{traceback.tb_frame.f_code.co_name}, line {traceback.tb_lineno}" if traceback else "unknown"
    logging.getLogger(__name__).warning(
        "The network is slower than it could be: %s failed with %s in %s: %s",
        attempt,
        type(error).__name__,
        where,
        error,
    )


def load(file: Path, report: Report = log_slower) -> torch.jit.ScriptModule:
    """Read a frozen trace and convert its float16 weights to float32.

    Reading it by path takes a third of the time of reading it from memory.
    """
    network = _read(file)
    try:
        torch._C._jit_pass_constant_propagation(network.graph)  # noqa: SLF001
    except FAILURES as error:
        report("converting the weights once", error)
        return _read(file)
    return network


def available() -> bool:
    """Whether this build of torch has oneDNN."""
    return bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


def fuse(network: torch.jit.ScriptModule, chips: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Fuse the convolutions of a frozen trace in place; they compute in `dtype`, everything else in float32.

    Returns the network's output for (N, S, S, 3) uint8 RGB `chips` before the fusion: (N, 512) embeddings and (N, C)
    logits. The weights are laid out for chips of that size; a later batch may hold any number of them.

    Raises:
        One of FAILURES: this version of torch does not do it. The network may be half changed.
    """
    graph: Any = network.graph
    convolutions = graph.findAllNodes(_CONVOLUTION)
    *inputs, embeddings, logits = _values(graph, chips)
    for node, value in zip(convolutions, inputs, strict=True):
        _replace(graph, node, value.shape, dtype)
    torch._C._jit_pass_dce(graph)  # noqa: SLF001
    if dtype != torch.float32:
        _cast(graph, graph.findNode(_FUSED), dtype)
        for node in graph.findAllNodes("aten::adaptive_avg_pool2d"):
            _cast(graph, node, torch.float32)
    return embeddings, logits


def _read(file: Path) -> torch.jit.ScriptModule:
    network: torch.jit.ScriptModule = torch.jit.load(file, map_location="cpu")  # type: ignore[no-untyped-call]
    return network.eval()


def _values(graph: Any, chips: torch.Tensor) -> list[torch.Tensor]:
    """Return the input of every convolution, and then the two outputs of the network."""
    watched = graph.copy()
    watched.eraseInput(0)  # the module, whose weights are constants since it was frozen
    inputs = [next(node.inputs()) for node in watched.findAllNodes(_CONVOLUTION)]
    outputs = next(watched.outputs()).node().inputs()
    values = watched.create("prim::ListConstruct", [*inputs, *outputs], 1)
    values.output().setType(torch._C.ListType(torch._C.TensorType.get()))  # noqa: SLF001
    watched.appendNode(values)
    watched.eraseOutput(0)
    watched.registerOutput(values.output())
    run = torch._C._create_function_from_graph("watched", watched)  # noqa: SLF001
    return list(run(chips))


def _replace(graph: Any, node: Any, input_size: torch.Size, dtype: torch.dtype) -> None:
    """Replace `node`, and a sum and a ReLU that alone use its output, by one fused convolution."""
    source, weight, bias, stride, padding, dilation, _, _, groups, *_ = node.inputs()
    total = _only_user(node, "aten::add")
    other = next((value for value in total.inputs() if value.node() != node), None) if total else None
    relu = _only_user(total or node, "aten::relu")
    last = relu or total or node
    graph.setInsertPoint(last)
    shape = [padding, stride, dilation, groups]
    packed = torch.ops.mkldnn._reorder_convolution_weight(  # noqa: SLF001
        weight.toIValue().to(dtype), *(value.toIValue() for value in shape), input_size
    )
    weights = [_packed(graph, packed), graph.insertConstant(bias.toIValue().to(dtype))]
    none, then = graph.insertConstant(None), "relu" if relu else None
    no_scalars = _no_scalars(graph)
    if other is None:
        arguments = [source, *weights, *shape, graph.insertConstant(then or "none"), no_scalars, none]
    else:
        sums = [graph.insertConstant("add"), none, graph.insertConstant(then), no_scalars, none]
        arguments = [source, other, *weights, *shape, *sums]
    fused = graph.insertNode(graph.create(_FUSED, arguments, 1))
    last.output().replaceAllUsesWith(fused.output())


def _only_user(node: Any, kind: str) -> Any:
    """Return the node of this kind that uses the output of `node`, if it is the only user."""
    users = [use.user for use in node.output().uses()]
    return users[0] if len(users) == 1 and users[0].kind() == kind else None


def _packed(graph: Any, weights: torch.Tensor) -> Any:
    """Insert a constant in oneDNN's own layout, which torch cannot read."""
    constant = graph.insertNode(graph.create("prim::ConstantMKLDNNTensor", 1))
    constant.t_("value", weights)
    return constant.output()


def _no_scalars(graph: Any) -> Any:
    empty = graph.insertNode(graph.create("prim::ListConstruct", [], 1)).output()
    empty.setType(torch._C.ListType(torch._C.OptionalType(torch._C.NumberType.get())))  # noqa: SLF001
    return empty


def _cast(graph: Any, node: Any, dtype: torch.dtype, position: int = 0) -> None:
    """Convert one input of `node`, by default the first, to `dtype`."""
    graph.setInsertPoint(node)
    arguments = [graph.insertConstant(value) for value in (dtype, False, False, None)]
    cast = graph.insertNode(graph.create("aten::to", [list(node.inputs())[position], *arguments], 1))
    node.replaceInput(position, cast.output())
