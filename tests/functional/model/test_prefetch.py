"""The bundle is downloaded in another process during the imports, and its errors are raised in this one."""

import os
import subprocess
import sys

import pytest

from model import bundle as bundles
from model.engines import ENGINES
from model.errors import BundleError
from model.prefetch import SHARED, bundle_location, download
from model.settings import Settings

FETCHED_TWICE = """
from model.prefetch import Prefetch
from model.settings import Settings
settings = Settings.read()
prefetch = Prefetch(settings)
for _ in range(2):
    with prefetch.download(settings.location, settings.engine) as parts:
        for bundle in parts:
            print(bundle.manifest.version)
"""

ENDED = """
import os, signal
from model import bundle, prefetch
from model.settings import Settings
bundle.load_parts = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
settings = Settings.read()
ahead = prefetch.Prefetch(settings)
try:
    with ahead.download(settings.location, settings.engine) as parts:
        next(parts)
except prefetch.BundleUnavailableError as error:
    print(error)
"""

REFUSED = """
from model.prefetch import BundleError, Prefetch
from model.settings import Settings
settings = Settings.read()
prefetch = Prefetch(settings)
for _ in range(2):
    try:
        with prefetch.download(settings.location, settings.engine) as parts:
            next(parts)
    except BundleError as error:
        print(error)
"""

LEFT = """
import os, time
from model.prefetch import BundleError, Prefetch
from model.settings import Settings

def children():
    with open(f"/proc/{os.getpid()}/task/{os.getpid()}/children") as file:
        return file.read().split()

settings = Settings.read()
"""

LOADED = (
    LEFT
    + """
from model.recognizer import Recognizer
prefetch = Prefetch(settings)
print(len(children()))
try:
    print(Recognizer.load(settings.location, settings, prefetch.download).version)
except BundleError as error:
    print(error)
print(children())
"""
)

ABANDONED = (
    LEFT
    + """
prefetch = Prefetch(settings)
with prefetch.download(settings.location, settings.engine) as parts:
    next(parts)
print(children())
prefetch = Prefetch(settings)
with prefetch.download(settings.location, settings.engine):
    pass
print(children())
prefetch = Prefetch(settings)
try:
    with prefetch.download(settings.location, settings.engine):
        raise KeyError
except KeyError:
    print(children())
"""
)

HANGING = (
    LEFT
    + """
from model import bundle
bundle.load_parts = lambda *_, **__: time.sleep(60)
began = time.monotonic()
prefetch = Prefetch(settings, limit_seconds=0.2)
try:
    with prefetch.download(settings.location, settings.engine) as parts:
        next(parts)
except BundleError as error:
    print(error)
print(children(), time.monotonic() - began < 30)
"""
)

ANOTHER = (
    LEFT
    + """
import sys
prefetch = Prefetch(settings)
try:
    with prefetch.download("/another", settings.engine) as parts:
        next(parts)
except BundleError as error:
    print(error)
print(children())
with prefetch.download(settings.location, settings.engine) as parts:
    print([bundle.manifest.version for bundle in parts])
"""
)

ELSEWHERE = (
    LEFT
    + """
del os.fork
prefetch = Prefetch(Settings.read({"VISAGE_MODEL": settings.location}))
print(children())
with prefetch.download(settings.location, settings.engine) as parts:
    print([bundle.manifest.version for bundle in parts])
"""
)


@pytest.fixture
def python(bundle):
    """Run a script in a new process, which has not started a thread, and return the lines that it prints."""

    def run(script, **environment):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "AWS_LAMBDA_FUNCTION_NAME": "visage", "VISAGE_MODEL": str(bundle), **environment},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert not done.stderr
        return done.stdout.splitlines()

    return run


@pytest.mark.parametrize("name", ENGINES)
def test_the_files_that_all_engines_share_are_downloaded_before_the_network(bundle, tmp_path, name):
    for file in (ENGINES[name].gallery, *SHARED, bundles.MANIFEST):
        (tmp_path / file).write_bytes((bundle / file).read_bytes())
    with download(str(tmp_path), name) as parts:
        assert next(parts).directory == tmp_path
        with pytest.raises(BundleError, match=ENGINES[name].files[0]):
            next(parts)


def test_a_bundle_fetched_ahead_is_the_same_and_the_next_is_fetched_on_demand(python, bundle):
    version = bundles.load(str(bundle)).manifest.version
    assert python(FETCHED_TWICE) == [version] * 4


def test_an_error_of_the_bundle_is_raised_where_it_is_awaited(python):
    assert python(REFUSED, VISAGE_MODEL="/nowhere") == ["No bundle at /nowhere: it has no manifest.json."] * 2
    assert python(REFUSED, VISAGE_ENGINE="tflite") == ['VISAGE_ENGINE is "tflite"; it may be torchscript or onnx.'] * 2


def test_a_process_that_is_ended_is_not_waited_for(python):
    assert python(ENDED) == ["The process that downloads the bundle ended without it."]


def test_no_child_process_is_left_after_a_load(python, bundle):
    version = bundles.load(str(bundle)).manifest.version
    assert python(LOADED) == ["1", version, "[]"]


def test_no_child_process_is_left_after_a_failed_load(python, tmp_path):
    assert python(LOADED, VISAGE_MODEL=str(tmp_path))[::2] == ["1", "[]"]
    assert python(LOADED, VISAGE_ENGINE="tflite")[::2] == ["0", "[]"]


def test_no_child_process_is_left_after_an_abandoned_load(python):
    assert python(ABANDONED) == ["[]"] * 3


def test_a_download_that_hangs_is_killed_at_its_limit(python):
    assert python(HANGING) == ["The process that downloads the bundle was too slow.", "[] True"]


def test_another_location_is_not_answered_with_the_download_that_has_begun(python, bundle):
    version = bundles.load(str(bundle)).manifest.version
    assert python(ANOTHER) == ["No bundle at /another: it has no manifest.json.", "[]", f"['{version}', '{version}']"]


def test_outside_of_lambda_there_is_no_child_process(python, bundle):
    version = bundles.load(str(bundle)).manifest.version
    assert python(ELSEWHERE) == ["[]", f"['{version}', '{version}']"]


def test_the_download_process_imports_no_serving_code(python):
    heavy = "numpy", "PIL", "dlib", "flask", "torch", "onnxruntime", "boto3"
    assert python(f"import model.prefetch, sys; print([m for m in {heavy} if m in sys.modules])") == ["[]"]


def test_the_environment_must_name_a_bundle():
    with pytest.raises(BundleError, match="VISAGE_MODEL"):
        bundle_location(Settings.read({}))
