"""The zip of the function: its content, that it runs without other packages, and why it may not be made."""

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from deploy import encoder, package
from deploy.errors import DeployError
from model.engines import ONNX
from model.settings import ROOT, Settings
from scripts.console import SETTINGS
from scripts.lock import _PACKAGE

FEW = ("awslambdaric", "flask", "markupsafe", "pillow")

SERVE = """
import sys; sys.path.insert(0, "")
import handler, model.recognizer, pillow_heif, awslambdaric.bootstrap
from preprocess.runtime import onnxruntime
onnxruntime()
from preprocess.photo import Photo
print(*Photo(open("../photo.heic", "rb").read()).pixels(1)[32, 32])
import boto3; boto3.client("s3", region_name="us-east-1")
from boto3.s3.transfer import create_transfer_manager
from botocore.exceptions import ClientError
print(*sorted({"torch", "dlib", "onnxruntime"} & set(sys.modules)))
"""


@pytest.fixture(scope="module")
def archive():
    """The zip as it is deployed."""
    return package.build(SETTINGS)


@pytest.fixture(scope="module")
def names(archive):
    with zipfile.ZipFile(archive) as opened:
        return opened.namelist()


@pytest.fixture(scope="module")
def python():
    return package.interpreter(SETTINGS) or pytest.skip(
        f"no Python {package.PYTHON} for Linux on x86-64 to run the zip"
    )


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Requirements of some of the zip's libraries: in Python and in C, with programs of their own and without."""
    packages = _PACKAGE.findall((ROOT / ONNX.requirements).read_text(encoding="utf-8"))
    file = tmp_path_factory.mktemp("requirements") / "few.txt"
    file.write_text("\n".join(package for package in packages if package.partition("==")[0] in FEW))
    return file


@pytest.fixture(scope="module")
def small(few, tmp_path_factory):
    """A zip with these few libraries, which takes less time."""
    return package.build(replace(SETTINGS, cache=tmp_path_factory.mktemp("small")), few)


@pytest.fixture
def home(small, tmp_path):
    """The folder with a copy of what `build` keeps beside the small zip, in a cache of its own."""
    return Path(shutil.copytree(small.parent, tmp_path / "package", copy_function=os.link))


@pytest.fixture
def settings(tmp_path):
    """Settings with a cache of their own, the parent of `home`."""
    return replace(SETTINGS, cache=tmp_path)


@pytest.fixture
def no_registry(monkeypatch, tmp_path):
    """Configure pip so that it finds no package."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")


def test_it_unpacks_to_less_than_160_megabytes(archive):
    assert sum(package.parts(archive).values()) < 160e6


def test_it_decodes_heic_and_has_no_encoder_for_it(names):
    assert any(name.startswith("pillow_heif.libs/libheif-") for name in names)
    assert not any("x265" in name for name in names)


@pytest.mark.parametrize("broken", ["/nowhere/patchelf", "/bin/false"])
def test_without_patchelf_the_encoder_stays_beside_its_user(monkeypatch, tmp_path, broken):
    monkeypatch.setattr(encoder, "_PATCHELF", broken)
    files = [tmp_path / "pillow_heif.libs" / name for name in ("libheif-1.so", "libx265-2.so")]
    files[0].parent.mkdir()
    for file in files:
        file.write_bytes(b"\0x265_encode\0")
    encoder.remove_encoder(tmp_path)
    assert [file.read_bytes() for file in files] == [b"\0x265_encode\0"] * 2


def test_the_zip_contains_what_serving_needs_and_no_torch(names):
    wanted = {"bootstrap", "handler.py", "api/app.py", "model/recognizer.py", "preprocess/align.py"}
    assert wanted | {"onnxruntime/__init__.py", "awslambdaric/__main__.py"} <= set(names)
    assert not {name.partition("/")[0] for name in names} & {"torch", "scripts", "tests", "google"}
    services = {name.split("/")[2] for name in names if name.startswith("botocore/data/")}
    assert {"s3", "endpoints.json"} <= services
    assert not {"ec2", "s3control", "sts"} & services


def test_its_bootstrap_can_be_executed_and_its_modules_are_compiled(archive, names, python):
    with zipfile.ZipFile(archive) as opened:
        assert opened.getinfo("bootstrap").external_attr >> 16 & 0o111
    assert {"__pycache__/handler.cpython-312.pyc", "flask/__pycache__/app.cpython-312.pyc"} <= set(names)


def test_every_file_can_be_read_by_any_user_whatever_this_users_umask(archive):
    with zipfile.ZipFile(archive) as opened:
        unreadable = [info.filename for info in opened.infolist() if info.external_attr >> 16 & 0o444 != 0o444]
    assert unreadable == []


def test_it_serves_from_a_python_that_has_nothing_installed(archive, python, tmp_path):
    task, home = tmp_path / "task", tmp_path / "home"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(task)
    pillow_heif.from_pillow(Image.new("RGB", (64, 64), "navy")).save(tmp_path / "photo.heic", quality=100)
    before = set(task.rglob("*"))
    environment = {"HOME": str(home), "VISAGE_ENGINE": "onnx", **ONNX.environment}
    command = [python, "-E", "-s", "-S", "-c", SERVE]
    done = subprocess.run(command, cwd=task, env=environment, capture_output=True, text=True, check=True)
    navy, libraries = done.stdout.splitlines()
    assert np.array(navy.split(), int) == pytest.approx(np.array([0, 0, 128]), abs=3)  # HEIC is lossy
    assert libraries == "dlib onnxruntime"
    assert done.stderr == ""
    assert set(task.rglob("*")) == before  # nothing had still to be compiled
    assert not home.exists()


def test_the_same_inputs_give_the_same_bytes(small, few, settings):
    again = package.build(settings, few)
    with zipfile.ZipFile(small) as opened:
        assert {"handler.py", "flask/app.py", "PIL/Image.py", "awslambdaric/__main__.py"} <= set(opened.namelist())
    assert again.name == small.name
    assert again.read_bytes() == small.read_bytes()


def test_an_unchanged_zip_is_not_built_again(small, few, home, settings, monkeypatch):
    monkeypatch.setattr(package, "temporary_folder", None)
    assert package.build(settings, few) == home / small.name


def test_changed_code_makes_another_zip_of_the_same_libraries(small, few, home, settings, monkeypatch):
    code = package.shipped_files() | {"handler.py": b"changed = True\n"}
    monkeypatch.setattr(package, "shipped_files", lambda: code)
    monkeypatch.setattr(package, "_install", None)
    changed = package.build(settings, few)
    assert changed.name != small.name
    with zipfile.ZipFile(changed) as opened:
        assert opened.read("handler.py") == b"changed = True\n"
    assert not (home / small.name).exists()


def test_an_interruption_leaves_nothing_half_done(few, home, settings, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    next(home.glob("visage-*.zip")).unlink()
    before = sorted(home.iterdir())
    monkeypatch.setattr(package, "_zip", interrupt)
    with pytest.raises(KeyboardInterrupt):
        package.build(settings, few)
    assert sorted(home.iterdir()) == before


@pytest.mark.usefixtures("no_registry")
def test_a_library_that_cannot_be_installed_is_reported_by_name(settings):
    reason = r"^The function's libraries cannot be installed: No matching distribution .*=="
    with pytest.raises(DeployError, match=reason):
        package.build(settings)


def test_too_large_a_zip_is_one_sentence_with_its_largest_parts(archive, monkeypatch):
    monkeypatch.setattr(package, "LIMIT", 100_000_000)
    with pytest.raises(DeployError, match=r"Lambda allows 100 MB\. Largest: .*onnxruntime \d\d MB"):
        package.check_size(archive)


def test_an_interpreter_that_fails_to_run_is_not_used(monkeypatch, tmp_path):
    shim = tmp_path / f"python{package.PYTHON}"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    settings = Settings.read()
    assert package.interpreter(settings) is None
    with pytest.raises(DeployError, match=r"there is none\. Install it .*--engine torchscript"):
        package.require_interpreter(settings)
