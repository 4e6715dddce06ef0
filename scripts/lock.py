"""`make lock`: pins every package that Visage needs, with the packages that these need in turn.

Reads the declared requirements and writes the files of requirements/lock/. One resolution serves Python 3.11 and later
on Linux and macOS; what differs between them has an environment marker. The files for Lambda have no markers, because
pip reads markers for the Python that runs it. pip's configured index is used, and not written into the files.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deploy.package import PYTHON
from model.settings import ROOT
from preprocess.files import write_text

REQUIREMENTS: Final = ROOT / "requirements"
LOCK: Final = REQUIREMENTS / "lock"

FUNCTION: Final = ROOT / "requirements.txt"
EXTRAS: Final = tuple(REQUIREMENTS / f"{name}.txt" for name in ("cli", "train", "deploy", "dev"))

_EVERYWHERE: Final = ("--universal", "--python-version", "3.11")
_LAMBDA: Final = ("--python-version", PYTHON, "--python-platform", "x86_64-manylinux_2_28")
_WITHOUT_HASH: Final = re.compile(r"(torch|torchvision|triton|cuda-.*|nvidia-.*)$")
"""PyTorch and its CUDA libraries: each index has its own builds of one version, so that one hash cannot serve all."""

_HEADER: Final = "# Written by `make lock`. {use}\n"
_PACKAGE: Final = re.compile(r"^[^\s#].*?(?:\n[ \t]+.*)*$", re.MULTILINE)
"""A package in uv's output: its line and the indented lines with its hashes."""

_INDEX: Final = re.compile(r"^(global|:env:)\.index-url='(.+)'$", re.MULTILINE)
"""The address of an index in what pip lists, and whether it comes from a file or from the environment."""


def main() -> None:
    """Write all lock files; exit 1 with uv's message where the requirements contradict each other."""
    parser = argparse.ArgumentParser(prog="make lock", description="Pin every package that Visage needs.")
    parser.add_argument("uv", help="the uv program that resolves the requirements")
    parser.add_argument("--upgrade", action="store_true", help="take the newest releases, not those already locked")
    options = parser.parse_args()
    try:
        lock(options.uv, upgrade=options.upgrade)
    except subprocess.CalledProcessError as error:
        sys.exit(error.stderr)


def lock(uv: str, *, upgrade: bool) -> None:
    """Write every file of requirements/lock/.

    Raises:
        subprocess.CalledProcessError: uv found no solution, or no index.
    """
    with tempfile.TemporaryDirectory() as folder:
        everything, onnx = Path(folder) / "everything.txt", Path(folder) / "onnx.txt"
        packages = resolve(uv, [FUNCTION, *EXTRAS], *_EVERYWHERE, kept=() if upgrade else ("everything", "torch"))
        write_text(everything, "".join(f"{package}\n" for package in packages))
        write_text(onnx, without_torch(FUNCTION))
        same = (*_LAMBDA, "--constraint", everything)
        _write("everything", "What `make setup` installs, besides torch.", hashed(packages))
        _write("torch", "Constraints for installing torch, whose builds differ by index.", unhashed(packages))
        _write("torchscript", "The Lambda image, besides torch.", hashed(resolve(uv, [FUNCTION], *same)))
        _write("onnx", "The Lambda zip.", resolve(uv, [onnx], *same))
    local = resolve(uv, [REQUIREMENTS / "local-aws.txt"], *_EVERYWHERE, kept=() if upgrade else ("local-aws",))
    _write("local-aws", "The local AWS, in an environment of its own.", local)
    for name in ("no-deps", "bench"):
        use = f"The packages of requirements/{name}.txt, installed with --no-deps."
        _write(name, use, resolve(uv, [REQUIREMENTS / f"{name}.txt"], *_EVERYWHERE, "--no-deps"))


def resolve(uv: str, requirements: Sequence[Path], *options: str | Path, kept: Sequence[str] = ()) -> list[str]:
    """Return the packages that satisfy the requirement files, each with its version, marker and hashes.

    Versions of the lock files `kept` are taken where they still satisfy the requirements.
    """
    command = [uv, "pip", "compile", "--no-header", "--no-annotate", "--quiet", "--generate-hashes"]
    command += [*index_options(), *map(str, options)]
    former = [path.read_text(encoding="utf-8") for path in map(lock_file, kept) if path.exists()]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "lock.txt"
        output.write_text("".join(former), encoding="utf-8")
        command += ["--output-file", str(output), *map(str, requirements)]
        subprocess.run(command, capture_output=True, text=True, check=True)
        return _PACKAGE.findall(output.read_text(encoding="utf-8"))


def lock_file(name: str) -> Path:
    """Return the lock file with that name."""
    return LOCK / f"{name}.txt"


def index_options() -> list[str]:
    """Return the options that make uv ask the index that pip is configured to ask, in a file or in the environment."""
    pip = [sys.executable, "-m", "pip", "config", "list"]  # `get` reads only one of pip's files
    listed = subprocess.run(pip, capture_output=True, text=True, check=False).stdout
    found = dict(_INDEX.findall(listed))
    index = found.get(":env:") or found.get("global")
    return ["--default-index", index] if index else []


def hashed(packages: Sequence[str]) -> list[str]:
    """Return the packages of which one file serves everybody."""
    return [package for package in packages if not _WITHOUT_HASH.match(_name(package))]


def unhashed(packages: Sequence[str]) -> list[str]:
    """Return the packages whose builds differ by index, without their hashes."""
    first_lines = (package.partition("\n")[0] for package in packages if _WITHOUT_HASH.match(_name(package)))
    return [line.removesuffix("\\").rstrip() for line in first_lines]


def without_torch(requirements: Path) -> str:
    """Return a requirement file's text without torch."""
    lines = requirements.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("torch=="))


def _name(package: str) -> str:
    return package.partition("==")[0]


def _write(name: str, use: str, packages: Sequence[str]) -> None:
    write_text(lock_file(name), _HEADER.format(use=use) + "".join(f"{package}\n" for package in packages))


if __name__ == "__main__":
    main()
