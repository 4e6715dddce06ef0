"""Loading the model in the function: it is loaded once, a failure is a 503, and it is tried again later."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import handler
from api import ModelLoader, load_for_snapshot, load_from_settings
from api.errors import ModelUnavailableError
from model.errors import BundleError, BundleUnavailableError, SnapshotError
from model.settings import Settings
from tests.clock import Clock
from tests.processes import python

TRAINING = ("facenet_pytorch", "torchvision", "matplotlib", "sklearn", "scipy", "rich", "typer")
HEAVY = ("torch", "onnxruntime", "boto3", "requests", "email.mime", "aws_xray_sdk", "pillow_heif")

REQUEST = """
import json, handler
from types import SimpleNamespace
names = "function_name", "memory_limit_in_mb", "invoked_function_arn", "aws_request_id"
context = SimpleNamespace(**dict.fromkeys(names, "x"))
print(json.dumps(handler.lambda_handler({"httpMethod": "GET", "path": "/health"}, context)))
"""


class Storage:
    """A fake storage that fails to load the model a given number of times."""

    def __init__(self, recognizer, *failures):
        self.recognizer = recognizer
        self.failures = list(failures)
        self.loads = 0

    def __call__(self):
        self.loads += 1
        if self.failures:
            raise self.failures.pop(0)
        return self.recognizer


@pytest.fixture
def clock():
    return Clock()


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


@pytest.mark.parametrize("line", ["POST /recognize", "POST /detect", "POST /align", "GET /labels"])
def test_a_model_that_cannot_be_loaded_is_a_503(client, serve, recognizer, failure, line):
    client.handler = serve(Storage(recognizer, failure))
    answer = client.send(*line.split(), b"photo", {"content-type": "image/jpeg"})
    assert (answer.status, answer.problem) == (503, "model-unavailable")
    assert answer.headers["retry-after"] == "5"
    assert str(failure) not in answer.json["detail"]


def test_health_is_a_503_until_the_model_is_loaded(client, serve, clock, recognizer, failure):
    client.handler = serve(Storage(recognizer, failure), clock)
    assert client.get("/health").status == 503
    clock.now += 5
    assert client.get("/health").status == 200


def test_a_request_after_a_failed_load_does_not_try_again_at_once(client, serve, clock, recognizer, failure):
    storage = Storage(recognizer, failure)
    client.handler = serve(storage, clock)
    assert [client.upload(b"photo").status for _ in range(20)] == [503] * 20
    clock.now += 4.5
    assert client.upload(b"photo").status == 503
    assert storage.loads == 1


def test_a_request_tries_again_when_the_wait_is_over(client, serve, clock, recognizer, failure):
    storage = Storage(recognizer, failure, failure)
    client.handler = serve(storage, clock)
    statuses = []
    for seconds in (0, 5, 10, 0):
        clock.now += seconds
        statuses.append(client.upload(b"photo").status)
    assert statuses == [503, 503, 200, 200]
    assert storage.loads == 3


def test_retry_after_is_the_time_that_is_left(client, serve, clock, recognizer, failure):
    client.handler = serve(Storage(recognizer, failure), clock)
    waits = []
    for seconds in (0, 0, 1.5, 3):
        clock.now += seconds
        waits.append(client.get("/health").headers["retry-after"])
    assert waits == ["5", "5", "4", "1"]


@pytest.mark.parametrize(
    ("error", "longest"),
    [(BundleError("altered"), 300), (BundleUnavailableError("no route"), 30), (RuntimeError("torch"), 300)],
    ids=["broken", "unavailable", "unexpected"],
)
def test_the_wait_doubles_up_to_a_ceiling(recognizer, clock, error, longest):
    loader, waits = ModelLoader(Storage(recognizer, *[error] * 12), clock), []
    for _ in range(12):
        with pytest.raises(ModelUnavailableError) as raised:
            loader.get()
        waits.append(raised.value.retry_after_s)
        clock.now += waits[-1]
    assert waits == [min(5 * 2**n, longest) for n in range(12)]
    assert loader.get() is recognizer


def test_a_request_refused_during_the_wait_is_not_logged_as_a_new_failure(client, serve, clock, recognizer, lines):
    client.handler = serve(Storage(recognizer, RuntimeError("torch")), clock)
    for _ in range(3):
        client.get("/health")
    assert [line["message"] for line in lines()] == ["model unavailable", *["request"] * 3]


def test_an_expected_failure_is_logged_in_one_sentence(client, serve, recognizer, lines):
    client.handler = serve(Storage(recognizer, BundleError("The bundle is damaged.")))
    client.get("/health")
    line = lines()[0]
    assert (line["error"], line["reason"]) == ("BundleError", "The bundle is damaged.")
    assert "where" not in line


@pytest.mark.parametrize("error", [RuntimeError("secret"), MemoryError("secret"), KeyError("secret")])
def test_an_unexpected_failure_is_logged_with_its_traceback_and_without_its_text(
    client, serve, recognizer, lines, error
):
    client.handler = serve(Storage(recognizer, error))
    assert client.get("/health").status == 503
    line = lines()[0]
    assert (line["message"], line["error"]) == ("model unavailable", type(error).__name__)
    assert [step for step in line["where"] if "test_loading.py" in step]
    assert "secret" not in json.dumps(lines())


def test_a_scheduled_call_reports_that_the_model_is_not_loaded(client, serve, context, recognizer, failure):
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


def test_a_request_does_not_wait_for_a_load_that_failed_before(recognizer, clock):
    entered, release = threading.Event(), threading.Event()
    storage = Storage(recognizer, BundleError("altered"))

    def load():
        if storage.loads:
            entered.set()
            release.wait(30)
        return storage()

    loader = ModelLoader(load, clock)
    with pytest.raises(ModelUnavailableError):
        loader.get()
    clock.now += 5
    with ThreadPoolExecutor(1) as threads:
        second = threads.submit(loader.get)
        assert entered.wait(30)
        with pytest.raises(ModelUnavailableError):
            loader.get()
        release.set()
        assert second.result(30) is recognizer
    assert loader.get() is recognizer


def test_requests_that_wait_for_the_first_load_share_its_failure(recognizer, clock):
    entered, release = threading.Event(), threading.Event()
    storage = Storage(recognizer, *[BundleError("altered")] * 4)

    def load():
        entered.set()
        release.wait(30)
        return storage()

    loader = ModelLoader(load, clock)
    with ThreadPoolExecutor(4) as threads:
        models = [threads.submit(loader.get) for _ in range(4)]
        assert entered.wait(30)
        release.set()
        assert all(isinstance(model.exception(30), ModelUnavailableError) for model in models)
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
    assert python(script) == "[]"


def test_the_handler_itself_needs_neither_an_engine_nor_aws():
    assert python(f"import handler, sys; print([m for m in {HEAVY} if m in sys.modules])") == "[]"


def test_the_download_of_the_bundle_starts_before_any_slow_import():
    script = """
import sys, model.prefetch
slow = {"flask", "numpy", "PIL", "dlib", "aws_lambda_powertools"}
loaded = []
class Prefetch(model.prefetch.Prefetch):
    def __init__(self, *args):
        loaded.extend(slow.intersection(sys.modules))
        super().__init__(*args)
model.prefetch.Prefetch = Prefetch
import handler
print(loaded)
"""
    *_, loaded = python(script, AWS_LAMBDA_FUNCTION_NAME="visage", VISAGE_MODEL="/nowhere").splitlines()
    assert loaded == "[]"


def test_the_function_starts_in_lambda_without_its_model_and_says_so():
    *log, answer = python(REQUEST, AWS_LAMBDA_FUNCTION_NAME="visage", VISAGE_MODEL="/nowhere").splitlines()
    assert json.loads(log[0])["message"] == "model unavailable"
    assert json.loads(answer)["statusCode"] == 503


NO_MODEL_YET = [
    BundleError("Access is denied."),
    BundleError("No bundle there."),
    BundleUnavailableError("S3 is down."),
]


@pytest.mark.parametrize("reason", NO_MODEL_YET, ids=str)
def test_a_snapshot_waits_for_a_model_that_comes_within_90_seconds(recognizer, clock, reason):
    storage = Storage(recognizer, *[reason] * 45)
    assert load_for_snapshot(storage, clock, clock.sleep) is recognizer
    assert clock() == 1000 + 90


@pytest.mark.parametrize("reason", NO_MODEL_YET, ids=str)
def test_a_snapshot_gives_up_after_90_seconds_with_the_last_reason(recognizer, clock, reason):
    storage = Storage(recognizer, *[BundleError("first")] * 45, reason, BundleError("too many"))
    with pytest.raises(BundleError) as caught:
        load_for_snapshot(storage, clock, clock.sleep)
    assert caught.value is reason
    assert clock() <= 1000 + 90


def test_a_slow_attempt_is_the_last_one_of_a_snapshot(recognizer, clock):
    def load():
        clock.now += 89
        return storage()

    storage = Storage(recognizer, *[BundleUnavailableError("slow")] * 2)
    with pytest.raises(BundleUnavailableError):
        load_for_snapshot(load, clock, clock.sleep)
    assert storage.loads == 1


def test_an_error_that_waiting_cannot_mend_ends_a_snapshot_at_once(recognizer, clock):
    storage = Storage(recognizer, RuntimeError("torch"))
    with pytest.raises(RuntimeError):
        load_for_snapshot(storage, clock, clock.sleep)
    assert clock() == 1000


def test_initialising_for_a_snapshot_fails_without_a_model_and_logs_the_reason(telemetry, lines, recognizer, failure):
    model = ModelLoader(Storage(recognizer, failure))
    with pytest.raises(SnapshotError):
        handler.initialise(model, telemetry, for_snapshot=True)
    (line,) = lines()
    assert (line["message"], line["error"]) == ("model unavailable", type(failure).__name__)


def test_initialising_without_a_snapshot_leaves_the_next_attempt_to_a_request(telemetry, recognizer, failure, clock):
    model = ModelLoader(Storage(recognizer, failure), clock)
    handler.initialise(model, telemetry, for_snapshot=False)
    clock.now += 300
    assert model.get() is recognizer


@pytest.mark.parametrize("location", ["/nowhere", ""])
def test_lambda_takes_no_snapshot_of_a_function_without_its_model(location):
    script = """
import time
now = time.monotonic()
time.monotonic = lambda: now
def sleep(seconds): global now; now += seconds
time.sleep = sleep
try:
    import handler
except Exception as error:
    print(type(error).__name__)
"""
    variables = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "AWS_LAMBDA_FUNCTION_NAME": "visage"}
    *log, error = python(script, **variables, VISAGE_MODEL=location).splitlines()
    assert [json.loads(line)["message"] for line in log] == ["model unavailable"]
    assert error == "SnapshotError"
