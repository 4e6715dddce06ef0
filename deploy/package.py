"""The function as a zip: what serves with ONNX Runtime, its libraries for Lambda's Python, and nothing else.

The model is not in it; it stays in S3. The same inputs give the same bytes, so that AWS takes an unchanged function for
unchanged.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deploy.errors import DeployError
from deploy.local import exclusively
from deploy.steps import Step, silent
from model.settings import ROOT, Settings

PYTHON: Final = "3.12"
"""Lambda's runtime; SnapStart takes this version or a newer one."""

LIMIT: Final = 262_144_000
"""Bytes that a zip may unpack to: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html."""

HOME: Final = Settings.read().cache / "package"

_REQUIREMENTS: Final = ROOT / "requirements" / "lock" / "onnx.txt"
_CODE: Final = ("bootstrap", "handler.py", "api/**/*.py", "model/**/*.py", "preprocess/**/*.py")

_PLATFORMS: Final = ("manylinux2014_x86_64", *(f"manylinux_2_{minor}_x86_64" for minor in range(17, 29)))
"""Wheels up to glibc 2.28. Lambda's Python 3.12 stands on Amazon Linux 2023, which has 2.34."""

_UNUSED: Final = (
    "bin",
    "**/tests",
    "**/*.pyi",
    "**/*.pxd",
    "**/include",
    "numpy/f2py",
    # The C library, which the Python module has within it as well, and what makes and alters networks.
    "onnxruntime/capi/libonnxruntime.so*",
    *(f"onnxruntime/{name}" for name in ("backend", "datasets", "quantization", "tools", "transformers")),
    # onnxruntime asks for these, and imports them in those parts only.
    *("flatbuffers*", "google", "protobuf*"),
    # Every AWS service but S3.
    "botocore/data/[!s]*/",
    "botocore/data/s[!3]*/",
    "botocore/data/s3?*/",
)
"""Of what pip installs, what the function never reads, as patterns of paths."""

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can tell, and every file's in ours."""

_IS_IT: Final = f"""
import platform, sys
sys.exit(not (sys.version.startswith("{PYTHON}.") and sys.platform == "linux" and platform.machine() == "x86_64"))
"""


def build(home: Path = HOME, step: Step = silent) -> Path:
    """Return the zip, made anew where requirements or code changed; `home` keeps it, and the libraries on their own.

    Raises:
        DeployError: a library cannot be had, or the whole is too large for Lambda.
    """
    with exclusively(home / "lock"):
        compiler = interpreter()
        libraries, code = _libraries(home, compiler, step), _code()
        digest = _digest(libraries.name.encode(), *(part for name in code for part in (name.encode(), code[name])))
        archive = home / f"visage-{digest}.zip"
        if not archive.exists():
            with _workshop(home) as workshop:
                ours, unfinished = workshop / "code", workshop / "zip"
                _write(code, ours)
                _compile(ours, compiler)
                _zip([libraries, ours], unfinished)
                check_size(unfinished)
                unfinished.rename(archive)
        _keep_only(home, {libraries, archive})
    return archive


def interpreter() -> Path | None:
    """Return a Python that the zip runs on, None where this machine has none.

    It is looked for under this one's own installation, on PATH, and with pyenv, whose commands on PATH may be there
    and fail.
    """
    name = f"python{PYTHON}"
    pyenv = Settings.read().pyenv
    installed = sorted(pyenv.glob(f"versions/{PYTHON}*/bin/{name}"))
    places = [Path(sys.base_prefix, "bin", name), shutil.which(name), *installed]
    return next((Path(place) for place in places if place and _is_it(place)), None)


def require_interpreter() -> Path:
    """Return a Python that the zip runs on.

    Raises:
        DeployError: this machine has none.
    """
    found = interpreter()
    if found is None:
        raise DeployError(
            f"On the local AWS the zip runs on a Python {PYTHON} for Linux on x86-64, and there is none. "
            f"Install it (`pyenv install {PYTHON}`), or deploy with --engine torchscript."
        )
    return found


def parts(archive: Path) -> dict[str, int]:
    """Return what the zip is made of, and the bytes that each part unpacks to, the largest first.

    A library goes by the name of its folder; "visage" is our own code.
    """
    sizes: Counter[str] = Counter()
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            sizes[_part(info.filename)] += info.file_size
    return dict(sizes.most_common())


def check_size(archive: Path) -> None:
    """See that Lambda will take the zip.

    Raises:
        DeployError: it unpacks to too much.
    """
    sizes = parts(archive)
    total = sum(sizes.values())
    if total > LIMIT:
        largest = ", ".join(f"{name} {_megabytes(size)}" for name, size in list(sizes.items())[:5])
        raise DeployError(
            f"The function unpacks to {_megabytes(total)}; Lambda takes {_megabytes(LIMIT)}. Largest: {largest}."
        )


def _libraries(home: Path, compiler: Path | None, step: Step) -> Path:
    """Return the folder of the libraries, installed first where it is missing."""
    settings = (PYTHON, *_PLATFORMS, *_UNUSED, str(bool(compiler)), _REQUIREMENTS.read_text(encoding="utf-8"))
    folder = home / f"libraries-{_digest(*map(str.encode, settings))}"
    if not folder.exists():
        if compiler is None:
            with step(f"There is no Python {PYTHON} here to compile the function: it will start a second later."):
                pass
        with _workshop(home) as workshop:
            _install(workshop / "libraries")
            _trim(workshop / "libraries")
            _compile(workshop / "libraries", compiler)
            (workshop / "libraries").rename(folder)
    return folder


def _install(folder: Path) -> None:
    """Install wheels for Lambda's Python, which this one need not be."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-warn-conflicts"]
    command += ["--disable-pip-version-check", "--target", str(folder), "--only-binary=:all:"]
    command += ["--implementation", "cp", "--python-version", PYTHON]
    command += [word for platform in _PLATFORMS for word in ("--platform", platform)]
    command += ["--require-hashes", "--no-deps", "--requirement", str(_REQUIREMENTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or ["pip did not say why"]
        raise DeployError(f"The function's libraries cannot be had: {reasons[-1].removeprefix('ERROR: ')}")


def _trim(folder: Path) -> None:
    for path in [path for pattern in _UNUSED for path in folder.glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _compile(folder: Path, compiler: Path | None) -> None:
    """Compile what is in `folder` for its place on Lambda: that cannot write beside the code, and would each time."""
    if compiler is not None:
        command = [str(compiler), "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
        subprocess.run([*command, "-s", folder, "-p", "/var/task", folder], check=True)


def _code() -> dict[str, bytes]:
    """Return our own files by their paths in the zip."""
    paths = sorted(path for pattern in _CODE for path in ROOT.glob(pattern))
    return {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}


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
                info.external_attr = 0o100755 << 16  # bootstrap is to be executed, the others do not mind
                opened.writestr(info, path.read_bytes())


def _keep_only(home: Path, wanted: set[Path]) -> None:
    """Remove what former inputs left, and builds that were killed."""
    for path in {*home.glob("visage-*.zip"), *home.glob("libraries-*"), *home.glob(".unfinished-*")} - wanted:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def _workshop(home: Path) -> Iterator[Path]:
    """Yield an empty folder for what is not finished; it goes, whatever happens."""
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=home) as folder:
        yield Path(folder)


def _is_it(place: str | Path) -> bool:
    try:
        return subprocess.run([place, "-c", _IS_IT], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _part(name: str) -> str:
    first = name.partition("/")[0]
    ours = any(first == pattern.partition("/")[0] for pattern in _CODE)
    return "visage" if ours else re.split(r"[-.]", first)[0]  # numpy, numpy.libs, numpy-2.4.6.dist-info


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:12]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
