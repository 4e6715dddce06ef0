"""The modules that every command imports do not import slow libraries."""

import subprocess
import sys

import pytest

from model.settings import ROOT

SLOW = {"torch", "torchvision", "facenet_pytorch", "numpy", "scipy", "sklearn", "matplotlib", "onnx", "dlib", "PIL"}


@pytest.mark.parametrize("module", ["training.recipe", "training.run", "training.observer", "training.errors"])
def test_a_light_module_imports_no_slow_library(module):
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert set(done.stdout.split()) & SLOW == set()
