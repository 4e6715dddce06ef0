"""Which package may import which: every import of the product is compared with one table."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from model.settings import ROOT

MAY_IMPORT = {
    "handler": {"api", "model"},
    "api": {"model", "preprocess"},
    "batch": {"model", "preprocess"},
    "preprocess": set(),
    "model": {"preprocess"},
    "dataset": {"preprocess"},
    "training": {"dataset", "model", "preprocess"},
    "collection": {"batch", "dataset", "training", "model", "preprocess"},
    "evaluation": {"collection", "training", "dataset", "model", "preprocess"},
    "deploy": {"batch", "model", "preprocess"},
    "scripts": {
        "api",
        "batch",
        "preprocess",
        "model",
        "dataset",
        "training",
        "collection",
        "evaluation",
        "deploy",
    },
    "bench": {
        "handler",
        "api",
        "batch",
        "preprocess",
        "model",
        "dataset",
        "training",
        "collection",
        "evaluation",
        "deploy",
        "scripts",
    },
}

SHIPPED = ("handler", "api", "batch", "preprocess", "model")
"""What goes to Lambda."""

ONLY_IN = {
    "boto3": {"model/storage.py", "model/uploads.py", "deploy", "scripts", "bench"},
    "botocore": {"model/storage.py", "model/uploads.py", "deploy", "scripts", "bench"},
    "flask": {"api", "handler.py", "collection/sort_page"},
    "werkzeug": {"api", "collection/sort_page"},
    "serverless_wsgi": {"api"},
    "matplotlib": {"evaluation", "bench"},
    "typer": {"scripts"},
    "rich": {"scripts"},
    "pyarrow": {"collection"},
}
"""Libraries that only some files may import."""

SERVING_NEVER_IMPORTS = (
    "facenet_pytorch",
    "torchvision",
    "matplotlib",
    "sklearn",
    "scipy",
    "onnx",
    "requests",
    "rich",
    "typer",
    "jinja2.ext",
    "batch",
)


def files(package: str) -> list[Path]:
    folder = ROOT / package
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [ROOT / f"{package}.py"]


@cache
def nodes(file: Path) -> tuple[ast.AST, ...]:
    """Return all that a file consists of; it is parsed once for all tests."""
    return tuple(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))


@cache
def imported(file: Path) -> frozenset[str]:
    """Return the full name of every module that a file imports, wherever in the file it does so."""
    found: set[str] = set()
    for node in nodes(file):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            found.add(str(node.module))
    return frozenset(found)


def within(file: Path, places: set[str]) -> bool:
    name = file.relative_to(ROOT).as_posix()
    return any(name == place or name.startswith(f"{place}/") for place in places)


def test_every_package_of_the_checkout_is_in_the_table():
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {path.stem for path in ROOT.glob("*.py")}
    assert found == set(MAY_IMPORT)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_those_that_it_may_know(package):
    allowed = MAY_IMPORT[package] | {package}
    strangers = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files(package)
        for name in imported(file)
        if name.partition(".")[0] in MAY_IMPORT and name.partition(".")[0] not in allowed
    }
    assert strangers == set()


def test_what_ships_imports_nothing_that_stays_at_home():
    reachable, seen = list(SHIPPED), set()
    while reachable:
        package = reachable.pop()
        if package not in seen:
            seen.add(package)
            reachable.extend(MAY_IMPORT[package])
    assert seen == set(SHIPPED)


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_only_where_it_belongs(library):
    strangers = {
        str(file.relative_to(ROOT))
        for package in MAY_IMPORT
        for file in files(package)
        if library in {name.partition(".")[0] for name in imported(file)} and not within(file, ONLY_IN[library])
    }
    assert strangers == set()


def test_only_the_settings_read_the_environment():
    """`runtime` sets a variable while it imports a library, and reads none.

    They may do so with `os.environ`, with a function of `os`, or with a name imported from `os`.
    """
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    readers = set()
    for package in MAY_IMPORT:
        for file in files(package):
            for node in nodes(file):
                attribute = isinstance(node, ast.Attribute) and node.attr in names and ast.unparse(node.value) == "os"
                name = isinstance(node, ast.ImportFrom) and node.module == "os" and names & {a.name for a in node.names}
                if attribute or name:
                    readers.add(file.relative_to(ROOT).as_posix())
    assert readers == {"model/settings.py", "preprocess/runtime.py"}


def test_no_function_that_some_systems_lack_is_used():
    """Two files may use them: the settings check that they exist, and the benchmark requires Linux."""
    lacking = {"fcntl", "sched_getaffinity", "fork"}
    allowed = {"model/settings.py": {"sched_getaffinity"}, "bench/memory.py": {"sched_getaffinity"}}
    for package in MAY_IMPORT:
        for file in files(package):
            used = {node.attr for node in nodes(file) if isinstance(node, ast.Attribute)}
            used |= {name.partition(".")[0] for name in imported(file)}
            name = file.relative_to(ROOT).as_posix()
            assert used & lacking <= allowed.get(name, set()), name


def test_the_handler_imports_no_library_of_training():
    loaded = f"import handler, model.recognizer, sys; print([m for m in {SERVING_NEVER_IMPORTS} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
