"""Makes oneDNN's own operators of a frozen trace's convolutions: weights laid out once, what follows done on the way.

libtorch rearranges a convolution's weights at every call, writes its output, and goes over it again for the sum and for
the ReLU. The operators here, which TorchInductor compiles to (torch/_inductor/mkldnn_lowerings.py), take weights that
were rearranged before, and write once. On one core, a chip takes 35 ms for 39 in float32; in bfloat16, where the
processor multiplies in that, 16.
"""

from typing import Any, Final

import torch

_CONVOLUTION: Final = "aten::_convolution"
_FUSED: Final = "mkldnn::_convolution_pointwise"


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
        weight.toIValue().to(dtype), *map(_integers, shape[:3]), groups.toIValue(), input_size
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


def _integers(value: Any) -> list[int]:
    return [item.toIValue() for item in value.node().inputs()]


def _packed(graph: Any, weights: torch.Tensor) -> Any:
    """Insert a constant that has no storage of torch's kind."""
    constant = graph.insertNode(graph.create("prim::ConstantMKLDNNTensor", 1))
    constant.t_("value", weights)
    return constant.output()


def _no_scalars(graph: Any) -> Any:
    empty = graph.insertNode(graph.create("prim::ListConstruct", [], 1)).output()
    empty.setType(torch._C.ListType(torch._C.OptionalType(torch._C.NumberType.get())))  # noqa: SLF001
    return empty


def _cast(graph: Any, node: Any, dtype: torch.dtype) -> None:
    """Convert the first input of `node` to `dtype`."""
    graph.setInsertPoint(node)
    arguments = [graph.insertConstant(value) for value in (dtype, False, False, None)]
    cast = graph.insertNode(graph.create("aten::to", [next(node.inputs()), *arguments], 1))
    node.replaceInput(0, cast.output())
