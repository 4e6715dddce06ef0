"""The engines: each is a library that can run the network of a bundle.

| module | content |
| --- | --- |
| `base` | the interface and the description that every engine has |
| `torchscript`, `onnx` | one engine each |
| `fusion` | what `torchscript` uses to make torch faster |

A new engine is a module in this folder and an entry in `ENGINES`. Deployment, packaging, the download and the API's
schema read the descriptions from there. Importing this package imports no engine's library and no numpy.
"""

from typing import Final

from model.engines.base import BFLOAT16, FLOAT32, INT8, Engine, Packaging
from model.engines.onnx import ONNX
from model.engines.torchscript import TorchScript
from model.errors import BundleError

__all__ = ["BFLOAT16", "ENGINES", "FLOAT32", "INT8", "ONNX", "Engine", "Packaging", "TorchScript", "engine_named"]

ENGINES: Final[dict[str, type[Engine]]] = {engine.name: engine for engine in (TorchScript, ONNX)}
"""Every engine by its name, the default first."""


def engine_named(name: str) -> type[Engine]:
    """Return the engine called `name`.

    Raises:
        BundleError: no engine has that name.
    """
    if name not in ENGINES:
        raise BundleError(f'VISAGE_ENGINE is "{name}"; it may be {" or ".join(ENGINES)}.')
    return ENGINES[name]
