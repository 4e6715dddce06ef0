"""facenet-pytorch's InceptionResnetV1, imported without the rest of its package.

`import facenet_pytorch` also imports its face detector, torchvision, and through it torch's compiler. Visage needs none
of them for this network, and without them each command and each worker process starts a second earlier.
"""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any, Final

_PACKAGE: Final = "facenet_pytorch"


def _import_network() -> Any:
    """Import the module of the network.

    Python imports a package before a module in it. A package whose own code did not run takes its place meanwhile.

    Raises:
        ModuleNotFoundError: facenet-pytorch is not installed.
    """
    module = f"{_PACKAGE}.models.inception_resnet_v1"
    spec = find_spec(_PACKAGE)
    if spec is None or _PACKAGE in sys.modules:
        return import_module(module)
    sys.modules[_PACKAGE] = module_from_spec(spec)
    try:
        return import_module(module)
    finally:
        del sys.modules[_PACKAGE]


InceptionResnetV1: Final = _import_network().InceptionResnetV1
