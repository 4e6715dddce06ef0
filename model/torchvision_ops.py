"""Lets `import torchvision` work beside a torch that its compiled operators do not fit.

torchvision's wheels on the registry are built against CUDA. Beside a CPU torch their operators cannot load, and the
import fails because two of them are not even declared. Visage uses none: declaring them is enough. Import this
module before torchvision or facenet_pytorch.
"""

from importlib import import_module

import torch

_DECLARATIONS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

_library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
"""Declarations last as long as this object."""


def declare_missing() -> None:
    """Declare the operators where torchvision's own library does not load; do nothing elsewhere."""
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if "does not exist" not in str(error):
            raise
        for declaration in _DECLARATIONS:
            _library.define(declaration)  # type: ignore[no-untyped-call]


declare_missing()
