"""The trace of a network: its weights halved in the file, its convolutions fused in memory.

Of a convolution, libtorch rearranges the weights at every call, writes the output, and goes over it again for the sum
and for the ReLU. oneDNN's own operators, which TorchInductor compiles to (torch/_inductor/mkldnn_lowerings.py), take
weights that were rearranged before, and write once. On one core, a chip takes 35 ms for 39 in float32; in bfloat16,
where the processor multiplies in that, 16.
"""

from pathlib import Path
from typing import Any, Final

import torch

_CONVOLUTION: Final = "aten::_convolution"
_FUSED: Final = "mkldnn::_convolution_pointwise"


def halve(network: torch.jit.ScriptModule) -> None:
    """Keep the weights of a frozen trace's convolutions in float16, in place; they are computed with as float32.

    That is half of the file, and of the time that a cold start waits for it. On real faces the embedding keeps a cosine
    of 0.9999994.
    """
    graph: Any = network.graph
    for node in graph.findAllNodes(_CONVOLUTION):
        weight = list(node.inputs())[1]
        weight.node().t_("value", weight.toIValue().half())
        weight.setType(torch._C.TensorType.get())  # noqa: SLF001
        _cast(graph, node, torch.float32, of=1)


def load(file: Path) -> torch.jit.ScriptModule:
    """Read a frozen trace from its path, which takes a third of the time of reading it from memory."""
    network: torch.jit.ScriptModule = torch.jit.load(file, map_location="cpu")  # type: ignore[no-untyped-call]
    torch._C._jit_pass_constant_propagation(network.graph)  # noqa: SLF001  # makes float32 of what was halved
    return network.eval()


def available() -> bool:
    """Whether this build of torch has oneDNN."""
    return bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


def fuse(network: torch.jit.ScriptModule, chips: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Let the convolutions of a frozen trace compute in `dtype` and be fused, in place; around them it stays float32.

    Returns what the network made of (N, S, S, 3) uint8 RGB `chips` before: (N, 512) embeddings and (N, C) logits. The
    weights are laid out for chips of that size, of which there may be any number later.
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


def _values(graph: Any, chips: torch.Tensor) -> list[torch.Tensor]:
    """Return what goes into every convolution, and what comes out of the network at last."""
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
    """Put a fused convolution in the place of `node` and of a sum and a ReLU that only it leads to."""
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
    """Return the node of this kind that takes the output of `node`, if no other does."""
    users = [use.user for use in node.output().uses()]
    return users[0] if len(users) == 1 and users[0].kind() == kind else None


def _packed(graph: Any, weights: torch.Tensor) -> Any:
    """Insert a constant that has no storage of torch's kind."""
    constant = graph.insertNode(graph.create("prim::ConstantMKLDNNTensor", 1))
    constant.t_("value", weights)
    return constant.output()


def _no_scalars(graph: Any) -> Any:
    empty = graph.insertNode(graph.create("prim::ListConstruct", [], 1)).output()
    empty.setType(torch._C.ListType(torch._C.OptionalType(torch._C.NumberType.get())))  # noqa: SLF001
    return empty


def _cast(graph: Any, node: Any, dtype: torch.dtype, of: int = 0) -> None:
    """Convert an input of `node`, by default the first, to `dtype`."""
    graph.setInsertPoint(node)
    arguments = [graph.insertConstant(value) for value in (dtype, False, False, None)]
    cast = graph.insertNode(graph.create("aten::to", [list(node.inputs())[of], *arguments], 1))
    node.replaceInput(of, cast.output())
