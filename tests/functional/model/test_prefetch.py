"""The bundle is fetched beside the imports, and what goes wrong there is told here."""

import os
import subprocess
import sys

import pytest

from model import bundle as bundles
from model.errors import BundleError
from model.prefetch import NETWORKS, SHARED, engine, fetch, place

FETCHED_TWICE = """
from model.prefetch import Prefetch, place
prefetch = Prefetch()
for _ in range(2):
    for bundle in prefetch.fetch(place()):
        print(bundle.manifest.version)
"""

ENDED = """
import os, signal
from model import fetch
fetch.fetch = lambda place: os.kill(os.getpid(), signal.SIGKILL)
prefetch = fetch.Prefetch()
try:
    next(prefetch.fetch("anywhere"))
except fetch.BundleUnavailableError as error:
    print(error)
"""

REFUSED = """
from model.prefetch import BundleError, Prefetch, place
prefetch = Prefetch()
for _ in range(2):
    try:
        next(prefetch.fetch(place()))
    except BundleError as error:
        print(error)
"""


@pytest.fixture
def python(bundle):
    """What runs a script in a process of its own, which has started no thread, and returns the lines it prints."""

    def run(script, **environment):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "VISAGE_MODEL": str(bundle), **environment},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert not done.stderr
        return done.stdout.splitlines()

    return run


@pytest.mark.parametrize("name", NETWORKS)
def test_what_all_engines_share_comes_before_the_network(bundle, tmp_path, monkeypatch, name):
    monkeypatch.setenv("VISAGE_ENGINE", name)
    for file in (*SHARED, bundles.MANIFEST):
        (tmp_path / file).write_bytes((bundle / file).read_bytes())
    arriving = fetch(str(tmp_path))
    assert next(arriving).directory == tmp_path
    with pytest.raises(BundleError, match=NETWORKS[name][0]):
        next(arriving)


def test_a_bundle_fetched_ahead_is_the_same_and_the_next_is_fetched_on_demand(python, bundle):
    version = bundles.load(str(bundle)).manifest.version
    assert python(FETCHED_TWICE) == [version] * 4


def test_what_is_wrong_with_the_bundle_is_told_where_it_is_awaited(python):
    assert python(REFUSED, VISAGE_MODEL="/nowhere") == ["No bundle at /nowhere: it has no manifest.json."] * 2
    assert python(REFUSED, VISAGE_ENGINE="tflite") == ['VISAGE_ENGINE is "tflite"; it may be torchscript or onnx.'] * 2


def test_a_process_that_is_ended_is_not_waited_for(python):
    assert python(ENDED) == ["The process that fetches the bundle ended without it."]


def test_fetching_imports_nothing_that_serves(python):
    heavy = "numpy", "PIL", "dlib", "flask", "torch", "onnxruntime", "boto3"
    assert python(f"import model.prefetch, sys; print([m for m in {heavy} if m in sys.modules])") == ["[]"]


def test_the_environment_must_name_a_bundle_and_may_name_an_engine(monkeypatch):
    monkeypatch.delenv("VISAGE_MODEL", raising=False)
    monkeypatch.delenv("VISAGE_ENGINE", raising=False)
    assert engine() == "torchscript"
    with pytest.raises(BundleError, match="VISAGE_MODEL"):
        place()
