"""Deployment, packaging, download and schema read everything about an engine from its class."""

import json
import re
import subprocess
import sys

import pytest

from model.bundle import FILES
from model.engines import ENGINES, FLOAT32, Packaging, engine_named
from model.errors import BundleError
from model.settings import ROOT, Settings

FAKE = """
import json
from model.engines import ENGINES, Engine, Packaging, engine_named

class Fake(Engine):
    name, library, files = "fake", "fakelib", ("model.onnx",)
    requirements, packaging, precisions = "requirements/fake.txt", Packaging.ZIP, ("int4",)

ENGINES["fake"] = Fake
from api.schemas import SCHEMAS
from deploy.stack import Engine as Choice
from model import prefetch
schema = SCHEMAS["Engine"]["properties"]
print(json.dumps({
    "names": schema["name"]["enum"],
    "precisions": schema["precision"]["enum"],
    "choices": [choice.value for choice in Choice],
    "files": prefetch._parts("fake")[-1],
}))
"""

LIGHT = """
import sys
import model.engines
heavy = "numpy", "PIL", "torch", "onnxruntime", "boto3", "dlib", "logging"
print([name for name in heavy if name in sys.modules])
"""


def python(script):
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(params=ENGINES.values(), ids=ENGINES)
def engine(request):
    return request.param


def test_an_engine_is_found_by_its_name(engine):
    assert engine_named(engine.name) is engine


def test_an_unknown_engine_is_an_error_that_names_the_others():
    with pytest.raises(BundleError, match=r'"tensorflow".*torchscript or onnx'):
        engine_named("tensorflow")


def test_the_default_engine_is_the_first():
    assert Settings.read({}).engine == next(iter(ENGINES))


def test_an_engine_reads_files_that_bundles_have(engine):
    assert set(engine.files) <= FILES


def test_an_engine_names_a_requirements_file_that_pins_its_library(engine):
    """torch is pinned beside it, because its builds differ by index and pip takes hashes for all of a file or none."""
    lock = ROOT / engine.requirements
    assert lock == ROOT / "requirements" / "lock" / f"{engine.name}.txt"
    pinned = lock.read_text(encoding="utf-8") + (lock.parent / "torch.txt").read_text(encoding="utf-8")
    assert f"\n{engine.library}==" in pinned


def test_every_engine_computes_in_float32(engine):
    assert FLOAT32 in engine.precisions
    assert engine.packaging in Packaging


def test_the_deployed_function_has_the_variables_that_each_engine_needs(engine):
    text = (ROOT / "serverless.yml").read_text(encoding="utf-8")
    (block,) = re.findall(r"^  environment:\n((?:    .*\n)+)", text, re.MULTILINE)
    deployed = dict(re.findall(r"^ +(\w+): '?(.*?)'?$", block, re.MULTILINE))
    assert engine.environment.items() <= deployed.items()


def test_adding_an_engine_touches_no_other_folder():
    found = json.loads(python(FAKE))
    assert found["names"] == [*ENGINES, "fake"]
    assert found["choices"] == [*ENGINES, "fake"]
    assert found["precisions"][-1] == "int4"
    assert found["files"] == ["model.onnx"]


def test_reading_the_descriptions_imports_nothing_heavy():
    assert python(LIGHT) == "[]"
