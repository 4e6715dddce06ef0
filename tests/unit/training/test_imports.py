"""The modules that every command imports do not import slow libraries, and the network brings only itself."""

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


def test_a_worker_of_prepare_starts_without_torch():
    code = "import dataset.candidates, training.embedder, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"


def test_the_network_comes_without_the_rest_of_its_package_which_can_still_be_imported():
    code = (
        "import sys, training.embedding_network\n"
        "print([name for name in ('torchvision', 'torch._dynamo', 'facenet_pytorch') if name in sys.modules])\n"
        "from training import inception, torchvision_ops\n"
        "torchvision_ops.require()\n"
        "import facenet_pytorch\n"
        "print(facenet_pytorch.InceptionResnetV1 is inception.InceptionResnetV1, callable(facenet_pytorch.MTCNN))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines() == ["[]", "True True"]
