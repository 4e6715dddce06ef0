"""Lays out what is deployed: the very zip, and the image as the Dockerfile makes it."""

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from deploy import package
from deploy.shipped import shipped_files
from model.engines import ONNX, TorchScript
from model.settings import ROOT
from scripts.console import SETTINGS
from tests.jail.jail import Deployment

_DOCKERFILE = ROOT / "Dockerfile"
_LOCKED = re.compile(r"^([\w.-]+)==", re.MULTILINE)


def of_zip(home: Path) -> Deployment:
    """Unpack the zip as Lambda does.

    Raises:
        DeployError: this machine has no Python that can run it.
    """
    python = package.require_interpreter(SETTINGS)
    with zipfile.ZipFile(package.build(SETTINGS)) as opened:
        for info in opened.infolist():
            opened.extract(info, home)
            (home / info.filename).chmod(info.external_attr >> 16)
    _open_folders(home)
    # The zip contains every package: use no other ones that this Python has.
    return Deployment(ONNX.name, home, _prefix(python), (f"/var/lang/bin/{python.name}", "-E", "-s", "-S"))


def of_image(home: Path) -> Deployment:
    """Copy our code, readable for its owner only, and do with it what the Dockerfile does.

    There is no Docker here, and no PyTorch for Lambda's Python on this machine: the libraries are those of this
    checkout, which are of the same lock files, on this checkout's Python.
    """
    text = _DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    copied = tuple(re.findall(r"^COPY (\S+) \S+$", text, re.MULTILINE))
    for name, content in shipped_files().items():
        if name.partition("/")[0] in copied:
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_bytes(content)
            (home / name).chmod(0o600)
    for folder in filter(Path.is_dir, home.rglob("*")):
        folder.chmod(0o700)
    for command in re.findall(r"^RUN ((?:python|chmod) .*)$", text, re.MULTILINE):
        subprocess.run(command.replace("python", sys.executable, 1), shell=True, cwd=home, check=True)  # noqa: S602
    home.chmod(0o755)
    python = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
    site_packages = f"/var/lang/lib/{python.name}/site-packages"
    command = ("/usr/bin/env", f"PYTHONPATH={site_packages}", f"/var/lang/bin/{python.name}", "-s", "-S")
    return Deployment(TorchScript.name, home, _prefix(python), command, site_packages, tuple(_libraries()))


def _prefix(python: Path) -> Path:
    """Return the folder of a Python's installation, which holds `bin` and `lib`."""
    return python.resolve().parent.parent


def _open_folders(home: Path) -> None:
    """Let everybody open the folders, which a zip does not list."""
    for folder in (home, *filter(Path.is_dir, home.rglob("*"))):
        folder.chmod(0o755)


def _libraries() -> Iterator[Path]:
    """Yield the files and folders that the image's packages have in this checkout's site-packages."""
    locked = _LOCKED.findall((ROOT / TorchScript.requirements).read_text(encoding="utf-8"))
    found = {}
    for name in (*locked, TorchScript.library):
        installed = distribution(name)
        tops = {file.parts[0] for file in installed.files or () if file.parts[0] not in ("..", "__pycache__")}
        found |= {top: Path(str(installed.locate_file(top))) for top in tops}
    yield from found.values()
