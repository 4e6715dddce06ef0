"""Imports torchvision, also beside a build of torch that torchvision was not built for.

torchvision's wheels on the registry are built against CUDA. Beside a CPU torch their operators cannot load, and the
import fails because two of them are not even declared. Visage uses neither: declaring them is enough.
"""

from importlib import import_module
from typing import Any

import torch

_DECLARATIONS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

_library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
"""Declarations last as long as this object."""


def require() -> Any:
    """Import torchvision, declaring its operators where its own library does not load."""
    try:
        return import_module("torchvision")
    except RuntimeError as error:
        if "does not exist" not in str(error):
            raise
        for declaration in _DECLARATIONS:
            _library.define(declaration)  # type: ignore[no-untyped-call]
        return import_module("torchvision")


def transforms() -> Any:
    """Return torchvision's transforms, version 2."""
    require()
    return import_module("torchvision.transforms.v2")
