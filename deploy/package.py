"""The function as a zip: our own code that serves, ONNX Runtime, and the other libraries for Lambda's Python.

The model stays in S3. The same inputs give the same bytes, so that AWS recognises an unchanged function.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from filelock import FileLock

from deploy.encoder import ENCODER, remove_encoder
from deploy.errors import DeployError
from deploy.shipped import BOOTSTRAP, SHIPPED, shipped_files
from deploy.steps import Step, silent
from model.engines import ONNX
from model.settings import ROOT, Settings
from preprocess.temporary import temporary_folder

PYTHON: Final = "3.12"
"""Lambda's runtime. SnapStart needs this version or a newer one."""

LIMIT: Final = 262_144_000
"""Bytes that a zip may unpack to. Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html."""


_PLATFORMS: Final = ("manylinux2014_x86_64", *(f"manylinux_2_{minor}_x86_64" for minor in range(17, 29)))
"""Wheels for glibc up to 2.28. Lambda's Python 3.12 runs on Amazon Linux 2023, which has 2.34."""

_UNUSED: Final = (
    "bin",
    "*.dist-info/RECORD",  # holds the hashes of the files in bin, which name this machine's Python
    "**/tests",
    "**/*.pyi",
    "**/*.pxd",
    "**/include",
    "numpy/f2py",
    # The C library, which is linked into the Python module too, and the tools that make and change networks.
    "onnxruntime/capi/libonnxruntime.so*",
    *(f"onnxruntime/{name}" for name in ("backend", "datasets", "quantization", "tools", "transformers")),
    # Requirements of onnxruntime that only those tools import.
    *("flatbuffers*", "google", "protobuf*"),
    # Every AWS service but S3.
    "botocore/data/[!s]*/",
    "botocore/data/s[!3]*/",
    "botocore/data/s3?*/",
)
"""Patterns of the files that pip installs and the function never reads."""

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can store. All files get it, so that the same content gives the same bytes."""

_CHECK_PYTHON: Final = f"""
import platform, sys
sys.exit(not (sys.version.startswith("{PYTHON}.") and sys.platform == "linux" and platform.machine() == "x86_64"))
"""


def build(settings: Settings, requirements: Path = ROOT / ONNX.requirements, step: Step = silent) -> Path:
    """Return the zip with these requirements, made again where they or our code changed.

    The cache's folder `package` keeps it and, separately, its libraries.

    Raises:
        DeployError: a library cannot be installed, or the zip is too large for Lambda.
    """
    home = settings.cache / "package"
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / "lock"):
        compiler = interpreter(settings)
        libraries, code = _libraries(home, requirements, compiler, step), shipped_files()
        digest = _digest(libraries.name.encode(), *(part for name in code for part in (name.encode(), code[name])))
        archive = home / f"visage-{digest}.zip"
        if not archive.exists():
            with temporary_folder(home) as temporary:
                ours, unfinished = temporary / "code", temporary / "zip"
                _write(code, ours)
                _compile(ours, compiler)
                _zip([libraries, ours], unfinished)
                check_size(unfinished)
                unfinished.rename(archive)
        _remove_all_but(home, {libraries, archive})
    return archive


def interpreter(settings: Settings) -> Path | None:
    """Return a Python that can run the zip, None where this machine has none.

    Looks in this Python's own installation, on PATH, and among pyenv's versions. pyenv's commands on PATH may exist and
    fail, so each is tried.
    """
    name = f"python{PYTHON}"
    on_path = shutil.which(name, path=settings.environment.get("PATH"))
    of_pyenv = sorted(settings.pyenv.glob(f"versions/{PYTHON}*/bin/{name}"))
    candidates = [Path(sys.base_prefix, "bin", name), on_path, *of_pyenv]
    return next((Path(candidate) for candidate in candidates if candidate and _can_run_the_zip(candidate)), None)


def require_interpreter(settings: Settings) -> Path:
    """Return a Python that can run the zip.

    Raises:
        DeployError: this machine has none.
    """
    found = interpreter(settings)
    if found is None:
        raise DeployError(
            f"On the local AWS the zip needs a Python {PYTHON} for Linux on x86-64, and there is none. "
            f"Install it (`pyenv install {PYTHON}`), or deploy with --engine torchscript."
        )
    return found


def parts(archive: Path) -> dict[str, int]:
    """Return the parts of the zip with the bytes that each unpacks to, the largest first.

    A library has the name of its folder; "visage" is our own code.
    """
    sizes: Counter[str] = Counter()
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            sizes[_part(info.filename)] += info.file_size
    return dict(sizes.most_common())


def check_size(archive: Path) -> None:
    """Check that the zip is not too large for Lambda.

    Raises:
        DeployError: it unpacks to more than Lambda allows.
    """
    sizes = parts(archive)
    total = sum(sizes.values())
    if total > LIMIT:
        largest = ", ".join(f"{name} {_megabytes(size)}" for name, size in list(sizes.items())[:5])
        raise DeployError(
            f"The function unpacks to {_megabytes(total)}; Lambda allows {_megabytes(LIMIT)}. Largest: {largest}."
        )


def _libraries(home: Path, requirements: Path, compiler: Path | None, step: Step) -> Path:
    """Return the folder of the libraries; install them where it is missing."""
    settings = (PYTHON, *_PLATFORMS, *_UNUSED, ENCODER, str(bool(compiler)), requirements.read_text(encoding="utf-8"))
    folder = home / f"libraries-{_digest(*map(str.encode, settings))}"
    if not folder.exists():
        if compiler is None:
            with step(f"No Python {PYTHON} found to compile the function: each cold start takes a second longer"):
                pass
        with temporary_folder(home) as temporary:
            _install(requirements, temporary / "libraries")
            _remove_unused(temporary / "libraries")
            remove_encoder(temporary / "libraries")
            _compile(temporary / "libraries", compiler)
            (temporary / "libraries").rename(folder)
    return folder


def _install(requirements: Path, folder: Path) -> None:
    """Install wheels for Lambda's Python, which may be another version than this one."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-warn-conflicts"]
    command += ["--disable-pip-version-check", "--target", str(folder), "--only-binary=:all:"]
    command += ["--implementation", "cp", "--python-version", PYTHON]
    command += [word for platform in _PLATFORMS for word in ("--platform", platform)]
    command += ["--require-hashes", "--no-deps", "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or ["pip gave no reason"]
        raise DeployError(f"The function's libraries cannot be installed: {reasons[-1].removeprefix('ERROR: ')}")


def _remove_unused(folder: Path) -> None:
    for path in [path for pattern in _UNUSED for path in folder.glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _compile(folder: Path, compiler: Path | None) -> None:
    """Compile the modules in `folder` for Lambda, which cannot store compiled modules itself: its disk is read-only."""
    if compiler is not None:
        command = [str(compiler), "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
        command += ["-s", str(folder), "-p", "/var/task", str(folder)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise DeployError(f"The function cannot be compiled: {' '.join(done.stdout.split()) or 'no reason given'}")


def _write(code: dict[str, bytes], folder: Path) -> None:
    for name, content in code.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _zip(folders: Iterable[Path], archive: Path) -> None:
    files = {path.relative_to(folder).as_posix(): path for folder in folders for path in folder.rglob("*")}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, path in sorted(files.items()):
            if path.is_file():
                info = zipfile.ZipInfo(name, _EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = 0o100755 << 16  # only bootstrap is executed
                opened.writestr(info, path.read_bytes())


def _remove_all_but(home: Path, wanted: set[Path]) -> None:
    """Remove earlier results."""
    for path in {*home.glob("visage-*.zip"), *home.glob("libraries-*")} - wanted:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _can_run_the_zip(python: str | Path) -> bool:
    try:
        return subprocess.run([python, "-c", _CHECK_PYTHON], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _part(name: str) -> str:
    first = name.partition("/")[0]
    if first in (BOOTSTRAP, *SHIPPED):
        return "visage"
    return re.split(r"[-.]", first)[0]  # numpy, numpy.libs, numpy-2.4.6.dist-info


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:12]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
