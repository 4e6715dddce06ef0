"""Our own files that go to AWS Lambda: whole folders, whatever is in them.

serverless.yml, the Dockerfile and .dockerignore have to repeat this list; a test compares them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from model.settings import ROOT

BOOTSTRAP: Final = "bootstrap"
"""Starts the function on the local AWS only, so the image does not need it."""

SHIPPED: Final = ("handler.py", "api", "batch", "model", "preprocess")


def shipped_files(root: Path = ROOT) -> dict[str, bytes]:
    """Return the content of each file of a zip by its path in there, in the order of the paths."""
    paths = (path for name in (BOOTSTRAP, *SHIPPED) for path in _files(root / name))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(paths)}


def _files(path: Path) -> Iterator[Path]:
    """Yield a file, or the files in a folder, without compiled and hidden ones."""
    for file in path.rglob("*") if path.is_dir() else (path,):
        parts = file.relative_to(path.parent).parts
        if file.is_file() and "__pycache__" not in parts and not any(part.startswith(".") for part in parts):
            yield file
