"""The model's life in the function: loaded once, missed politely, and tried again."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from api import ModelLoader, load_from_settings
from api.errors import ModelUnavailableError
from model.errors import BundleError, BundleUnavailableError
from model.settings import Settings

TRAINING = ("facenet_pytorch", "torchvision", "matplotlib", "sklearn", "rich", "typer")


REQUEST = """
import json, handler
from types import SimpleNamespace
names = "function_name", "memory_limit_in_mb", "invoked_function_arn", "aws_request_id"
context = SimpleNamespace(**dict.fromkeys(names, "x"))
print(json.dumps(handler.lambda_handler({"httpMethod": "GET", "path": "/health"}, context)))
"""


class Storage:
    """Fails to give the model as often as it is told to."""

    def __init__(self, recognizer, *failures):
        self.recognizer = recognizer
        self.failures = list(failures)
        self.loads = 0

    def __call__(self):
        self.loads += 1
        if self.failures:
            raise self.failures.pop(0)
        return self.recognizer


@pytest.fixture(params=[BundleError("altered"), BundleUnavailableError("no route to S3"), RuntimeError("torch")])
def failure(request):
    return request.param


def test_a_model_is_loaded_once(client, serve, recognizer):
    storage = Storage(recognizer)
    client.handler = serve(storage)
    assert [client.get("/health").status, client.upload(b"photo").status, storage.loads] == [200, 200, 1]


def test_nothing_is_loaded_before_it_is_needed(client, serve, recognizer):
    storage = Storage(recognizer)
    client.handler = serve(storage)
    assert client.get("/openapi.json").status == 200
    assert storage.loads == 0


def test_a_request_that_is_wrong_anyway_needs_no_model(client, serve, recognizer):
    storage = Storage(recognizer)
    client.handler = serve(storage)
    assert client.post("/recognize").status == 400
    assert storage.loads == 0


@pytest.mark.parametrize("line", ["POST /recognize", "POST /align", "GET /labels"])
def test_a_model_that_cannot_be_loaded_is_a_503(client, serve, recognizer, failure, line):
    client.handler = serve(Storage(recognizer, failure))
    answer = client.send(*line.split(), b"photo", {"content-type": "image/jpeg"})
    assert (answer.status, answer.problem) == (503, "model-unavailable")
    assert answer.headers["retry-after"] == "5"
    assert str(failure) not in answer.json["detail"]


def test_health_is_a_503_until_the_model_is_loaded(client, serve, recognizer, failure):
    client.handler = serve(Storage(recognizer, failure))
    assert [client.get("/health").status, client.get("/health").status] == [503, 200]


def test_a_request_after_a_failed_load_tries_again(client, serve, recognizer, failure):
    storage = Storage(recognizer, failure, failure)
    client.handler = serve(storage)
    assert [client.upload(b"photo").status for _ in range(4)] == [503, 503, 200, 200]
    assert storage.loads == 3


def test_a_scheduled_call_tells_that_the_model_is_not_loaded(client, serve, context, recognizer, failure):
    client.handler = serve(Storage(recognizer, failure))
    assert client.handler({"source": "aws.events"}, context) == {"warm": False}


def test_requests_at_the_same_time_share_one_load(recognizer):
    entered, release = threading.Event(), threading.Event()
    storage = Storage(recognizer)

    def load():
        entered.set()
        release.wait(5)
        return storage()

    loader = ModelLoader(load)
    with ThreadPoolExecutor(4) as threads:
        models = [threads.submit(loader.get) for _ in range(4)]
        assert entered.wait(5)
        release.set()
        assert {id(model.result(5)) for model in models} == {id(recognizer)}
    assert storage.loads == 1


def test_the_location_of_the_model_must_be_named():
    with pytest.raises(BundleError, match="VISAGE_MODEL"):
        load_from_settings(Settings.read({}))


def test_a_location_without_a_model_is_unavailable(tmp_path):
    settings = Settings.read({"VISAGE_MODEL": str(tmp_path / "nothing")})
    with pytest.raises(ModelUnavailableError):
        ModelLoader(lambda: load_from_settings(settings)).get()


def test_the_handler_imports_nothing_of_training():
    script = f"import handler, model.recognizer, sys; print([m for m in {TRAINING} if m in sys.modules])"
    assert _python(script) == "[]"


def test_the_handler_itself_needs_neither_an_engine_nor_aws():
    heavy = "torch", "onnxruntime", "boto3", "requests", "email.mime", "aws_xray_sdk"
    assert _python(f"import handler, sys; print([m for m in {heavy} if m in sys.modules])") == "[]"


@pytest.mark.parametrize("imported", ["handler", "model.recognizer, boto3.s3.transfer"])
def test_imports_take_less_than_half_the_time_of_torch(imported):
    # They take turns, and the quickest counts: what else the machine does only ever makes one slower.
    script = "import numpy, time; began = time.perf_counter(); import {}; print(time.perf_counter() - began)"
    seconds = [[float(_python(script.format(names))) for names in (imported, "torch")] for _ in range(3)]
    ours, torch = np.min(seconds, axis=0)
    assert ours < 0.5 * torch


def test_the_function_starts_in_lambda_without_its_model_and_says_so():
    *log, answer = _python(REQUEST, AWS_LAMBDA_FUNCTION_NAME="visage", VISAGE_MODEL="/nowhere").splitlines()
    assert json.loads(log[0])["message"] == "model unavailable"
    assert json.loads(answer)["statusCode"] == 503


def _python(script, **environment):
    """Run `script` in an interpreter of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()
