"""Releases on the local AWS: the API calls an alias, which moves on when a release has answered, and back at once."""

import json
import re
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest

from deploy import local, releases, traffic
from deploy.errors import DeployError
from deploy.traffic import Canary, Service, put_live
from model import bundle as bundles
from scripts import stages
from tests.clock import Clock

FUNCTION = "visage-local-api"
ENGINE = "torchscript"


@pytest.fixture(scope="module")
def another(stack, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The version of another model in the bucket of models: the same one, as if trained anew."""
    folder = tmp_path_factory.mktemp("another")
    source = Path(copytree(bundle, folder / "source"))
    (source / bundles.MANIFEST).unlink()
    manifest = replace(bundles.load(str(bundle)).manifest, metrics={"trained": "for a release"})
    written = bundles.write(source, manifest, folder / "bundle")
    version = written.manifest.version
    location = f"s3://{stack.outputs()['ModelBucket']}/models/{version}"
    bundles.publish(written.directory, location, lambda *_: None, stack.target.connect)
    return version


@pytest.fixture(scope="module")
def service(stack):
    """The function of the stack; afterwards it serves what was deployed."""
    with stack.client("lambda") as functions:
        function = functions.get_function_configuration(FunctionName=FUNCTION)
        before = releases.live(functions, FUNCTION).number
        yield Service(stack.target, functions, FUNCTION)
        functions.update_function_configuration(FunctionName=FUNCTION, Environment=_environment(function))
        releases.move(functions, FUNCTION, before)
        releases.prune(functions, FUNCTION, before, 1)


@pytest.fixture(scope="module")
def first(service):
    """The model that was deployed."""
    return releases.published(service.functions, FUNCTION)[0].model


@pytest.fixture(scope="module")
def release(service, stack):
    """Put a model live, as a deployment of it does."""

    def release(version, **options):
        function = service.functions.get_function_configuration(FunctionName=FUNCTION)
        environment = _environment(function)
        environment["Variables"]["VISAGE_MODEL"] = f"s3://{stack.outputs()['ModelBucket']}/models/{version}"
        if function["Environment"] != environment:
            service.functions.update_function_configuration(FunctionName=FUNCTION, Environment=environment)
        return put_live(service, {"version": version, "engine": ENGINE}, from_snapshot=False, **options)

    return release


@pytest.fixture(scope="module")
def number(first, another, release):
    """The number of the release with the other model, which replaced that with the first one."""
    release(first)
    return release(another)


@pytest.fixture
def before(service, number):
    """The release with the first model serves again, by its number: a deployment of the other one has not begun yet."""
    before = releases.former(releases.published(service.functions, FUNCTION), number).number
    releases.move(service.functions, FUNCTION, before)
    return before


@pytest.fixture
def command(stack, visage, monkeypatch):
    """Run a command of `visage` for the tests' local AWS."""
    monkeypatch.setattr(local, "default", lambda _: stack.local)

    def command(name, *words):
        ended = visage(name, "--stage", "local", *words, "--json")
        return json.loads(ended.out) if ended.status == 0 else ended

    return command


def served(stack):
    return stack.get(f"{stack.api}/labels").json()["model"]["version"]


def test_another_model_serves_and_the_one_before_again_without_a_deployment(
    stack, first, another, before, release, command
):
    release(another)
    assert served(stack) == another
    assert command("rollback")["model"] == first
    assert served(stack) == first
    assert command("rollback", "--to", another)["model"] == another
    assert served(stack) == another


def test_the_next_deployment_after_going_back_serves_and_can_be_taken_back_too(
    stack, first, another, before, release, command
):
    for _ in range(2):
        release(another)
        assert served(stack) == another
        assert command("rollback")["model"] == first
        assert served(stack) == first


def test_a_release_that_is_not_there_is_one_sentence(before, command):
    ended = command("rollback", "--to", "77")
    assert ended.status == 1
    assert "There is no release 77. There are: " in ended.err


def test_a_canary_that_answers_gets_all_requests(stack, service, another, number, before, release):
    event = json.loads((Path(__file__).parent.parent / "events" / "http-api.json").read_text())
    clock, seen, steps = Clock(), [], []

    def sleep(seconds):
        """Send the requests that the weights of the alias would: the local AWS ignores them."""
        clock.sleep(seconds)
        live = releases.live(service.functions, FUNCTION)
        seen.append((live.number, live.canary, live.share))
        called = service.functions.invoke(FunctionName=f"{FUNCTION}:{live.canary}", Payload=json.dumps(event))
        called["Payload"].close()

    release(another, canary=Canary(10, 0.5), clock=clock, sleep=sleep, step=_recorded(steps))
    assert seen == [(before, number, 0.1)] * 2
    assert steps[-1] == f"Moving all requests to release {number}: it answered 2 of them, without a fault"
    assert served(stack) == another


def test_a_canary_that_fails_is_taken_back_and_the_former_release_serves(
    stack, service, first, another, before, release
):
    clock = Clock()

    def sleep(seconds):
        clock.sleep(seconds)
        _log_a_fault(service, releases.live(service.functions, FUNCTION).canary)

    with pytest.raises(DeployError, match=r"was taken back: 1 of its \d+ answers had status 503"):
        release(another, canary=Canary(10, 10), clock=clock, sleep=sleep)
    assert releases.live(service.functions, FUNCTION).canary == ""
    assert served(stack) == first


def test_the_status_names_releases_addresses_and_the_last_day(stack, first, another, before, command):
    served(stack)
    found = command("status")
    assert (found["api"], found["site"], found["function"]) == (stack.api, stack.site, FUNCTION)
    assert found["live"]["number"] == before
    assert {first, another} <= {each["model"] for each in found["releases"]}
    assert found["figures"]["calls"] > 0
    assert found["figures"]["p95_ms"] > 0
    assert found["gigabyte_seconds"] > 0


def test_the_status_shows_who_gets_which_share_and_going_back_ends_a_canary(
    service, first, another, number, before, command, visage
):
    releases.move(service.functions, FUNCTION, before, (number, 0.1))
    shown = " ".join(visage("status", "--stage", "local").out.split())
    assert re.search(rf"\b{number}\W+{another}\b", shown)
    assert re.search(r"\b90%\W+20\d\d-\d\d-\d\d \d\d:\d\d\b", shown)
    assert "10% (canary)" in shown
    assert "Last 24 hours: " in shown
    assert command("rollback")["model"] == first
    assert releases.live(service.functions, FUNCTION).canary == ""


def test_a_release_without_its_model_is_not_put_live(stack, first, before, release, monkeypatch):
    monkeypatch.setattr(traffic.answers, "_FUNCTION_SECONDS", 0)
    with pytest.raises(DeployError, match=r"does not work: .*Release \d+ goes on serving all requests"):
        release("000000000000")
    assert served(stack) == first


def test_the_status_of_a_stage_without_a_deployment_is_one_sentence(stack, visage, monkeypatch):
    monkeypatch.setattr(stages, "aws_target", lambda *_, **__: replace(stack.target, stage="prod"))
    for name in ("status", "rollback"):
        ended = visage(name, "--stage", "prod")
        assert ended.status == 1
        assert "Nothing is deployed to stage prod" in ended.err


def _environment(function):
    return json.loads(json.dumps(function["Environment"]))


def _recorded(steps):
    return lambda name: (steps.append(name), nullcontext())[1]


def _log_a_fault(service, number):
    """Write what the function writes when it answers 503; nothing on the local AWS makes this release fail."""
    stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{number}]fault"
    event = {"timestamp": int(time.time() * 1000), "message": json.dumps({"message": "request", "status": 503})}
    with service.target.client("logs") as logs:
        logs.create_log_stream(logGroupName=f"/aws/lambda/{FUNCTION}", logStreamName=stream)
        logs.put_log_events(logGroupName=f"/aws/lambda/{FUNCTION}", logStreamName=stream, logEvents=[event])
