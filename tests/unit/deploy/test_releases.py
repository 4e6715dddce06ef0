"""Releases: what serves, what served before, how a canary is watched, and which ones are deleted."""

import io
import json
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from deploy import releases
from deploy.errors import DeployError
from deploy.releases import Live, Release
from deploy.traffic import Canary, Service, keep_warm, put_live, roll_back
from tests.clock import Clock

NAME = "visage-dev-onnx"


def refused(code, message="Because."):
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


class ResourceConflictError(Exception):
    pass


class NoProvisionedError(Exception):
    pass


class Functions:
    """A fake client of Lambda with one function, whose releases answer with their model."""

    exceptions = SimpleNamespace(
        ClientError=ClientError,
        ResourceConflictException=ResourceConflictError,
        ProvisionedConcurrencyConfigNotFoundException=NoProvisionedError,
    )

    def __init__(self):
        self.model, self.access = "model-1", "none"
        self.versions, self.weights, self.serving, self.moves = {}, {}, "$LATEST", []
        self.since, self.silent, self.used_by_others, self.expired, self.warm = "", set(), set(), False, None

    def get_alias(self, FunctionName, Name):  # noqa: N803  # boto3's names
        assert (FunctionName, Name) == (NAME, "live")
        routing = {"RoutingConfig": {"AdditionalVersionWeights": self.weights}} if self.weights else {}
        return {"FunctionVersion": self.serving, "Description": self.since, **routing}

    def update_alias(self, FunctionVersion, Description, RoutingConfig, **_):  # noqa: N803
        if self.expired:
            raise refused("ExpiredToken")
        self.serving, self.since = FunctionVersion, Description
        self.weights = RoutingConfig["AdditionalVersionWeights"]
        self.moves.append((self.serving, dict(self.weights)))

    def publish_version(self, FunctionName, Description=""):  # noqa: N803
        newest = max(self.versions, key=int, default="0")
        if newest != "0" and self._settings(self.versions[newest]) == (self.model, self.access):
            return self.versions[newest]
        number = str(int(newest) + 1)
        variables = {"VISAGE_MODEL": f"s3://b/models/{self.model}", "VISAGE_ENGINE": "onnx", "VISAGE_AUTH": self.access}
        self.versions[number] = {
            "Version": number,
            "Description": Description,
            "LastModified": "2026-11-26T12:00:00.000+0000",
            "Environment": {"Variables": variables},
        }
        return self.versions[number]

    @staticmethod
    def _settings(version):
        variables = version["Environment"]["Variables"]
        return variables["VISAGE_MODEL"].rpartition("/")[2], variables["VISAGE_AUTH"]

    def get_paginator(self, _):
        latest = {"Version": "$LATEST"}
        halves = [latest, *self.versions.values()][:2], [latest, *self.versions.values()][2:]
        return SimpleNamespace(paginate=lambda **_: [{"Versions": half} for half in halves])

    def delete_function(self, FunctionName, Qualifier):  # noqa: N803
        if Qualifier in self.used_by_others:
            raise ResourceConflictError
        del self.versions[Qualifier]

    def get_function_configuration(self, FunctionName):  # noqa: N803
        return {"State": "Failed" if FunctionName.rpartition(":")[2] in self.silent else "Active"}

    def invoke(self, FunctionName, Payload):  # noqa: N803
        model, _ = self._settings(self.versions[FunctionName.rpartition(":")[2]])
        answer = {"warm": True, "was_warm": True, "version": model, "engine": "onnx"}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def put_provisioned_concurrency_config(self, ProvisionedConcurrentExecutions, **_):  # noqa: N803
        self.warm = {"Status": "IN_PROGRESS", "wanted": ProvisionedConcurrentExecutions}

    def get_provisioned_concurrency_config(self, **_):
        now, self.warm = self.warm, {**self.warm, "Status": self.warm.get("next", "READY"), "StatusReason": "No room"}
        return now

    def delete_provisioned_concurrency_config(self, **_):
        if self.warm is None:
            raise NoProvisionedError
        self.warm = None


class Target:
    """A fake target: its log has these lines, and its metrics this many errors."""

    stage, region = "dev", "eu-central-1"

    def __init__(self):
        self.lines, self.errors, self.asked = [], 0, []

    @contextmanager
    def client(self, service):
        yield {"logs": self, "cloudwatch": self}[service]

    def get_paginator(self, _):
        return self

    def paginate(self, **asked):
        self.asked.append(asked)
        here, elsewhere = f"{asked['logStreamNamePrefix']}abc", "2026/11/26/[1]abc"
        events = [{"message": line, "logStreamName": here} for line in self.lines]
        return [{"events": [*events, {"message": request(500), "logStreamName": elsewhere}]}]

    def get_metric_statistics(self, Dimensions, **_):  # noqa: N803
        assert {"Name": "ExecutedVersion", "Value": "2"} in Dimensions
        return {"Datapoints": [{"Sum": float(self.errors)}]}


@pytest.fixture
def service():
    return Service(Target(), Functions(), NAME)


@pytest.fixture
def deploy(service):
    """Put a model live, as a deployment does."""

    def deploy(model, access="none", **options):
        service.functions.model, service.functions.access = model, access
        wanted = {"version": model, "engine": "onnx"}
        return put_live(service, wanted, from_snapshot=True, **options)

    return deploy


def serving(service):
    live = releases.live(service.functions, NAME)
    return live.number, live.canary


def request(status):
    return json.dumps({"level": "INFO", "message": "request", "status": status})


def test_before_the_first_deployment_has_ended_nothing_serves(service):
    assert releases.live(service.functions, NAME) == Live("")
    with pytest.raises(DeployError, match=r"No release serves yet.*visage deploy --stage dev --region eu-central-1"):
        roll_back(service, None)


def test_a_stack_without_an_alias_serves_no_release(service, monkeypatch):
    def missing(**_):
        raise refused("ResourceNotFoundException")

    monkeypatch.setattr(service.functions, "get_alias", missing)
    assert releases.live(service.functions, NAME) == Live("")


def test_a_release_serves_once_it_has_answered_and_says_since_when(service, deploy):
    deploy("model-1")
    assert serving(service) == ("1", "")
    since = datetime.fromisoformat(releases.live(service.functions, NAME).since)
    assert abs((datetime.now(UTC) - since).total_seconds()) < 60


def test_a_release_that_cannot_start_leaves_the_one_before_serving(service, deploy):
    deploy("model-1")
    service.functions.silent = {"2"}
    with pytest.raises(DeployError, match=r"cannot start .*:2: .*Release 1 goes on serving all requests\.$"):
        deploy("model-2")
    assert service.functions.moves == [("1", {})]


@pytest.mark.parametrize("error", [KeyboardInterrupt, refused("ExpiredToken")], ids=["interrupted", "expired"])
@pytest.mark.parametrize(
    "call", ["get_alias", "publish_version", "get_function_configuration", "invoke", "update_alias"]
)
def test_a_deployment_that_ends_anywhere_leaves_what_served_and_goes_on_when_it_is_run_again(
    service, deploy, monkeypatch, call, error
):
    def end(**_):
        raise error

    deploy("model-1")
    with monkeypatch.context() as patch:
        patch.setattr(service.functions, call, end)
        with pytest.raises((KeyboardInterrupt, ClientError)):
            deploy("model-2")
    assert serving(service) == ("1", "")
    deploy("model-2")
    assert serving(service) == ("2", "")
    assert roll_back(service, None).model == "model-1"


def test_deploying_the_same_again_moves_nothing(service, deploy):
    deploy("model-1")
    assert deploy("model-1") == "1"
    assert len(service.functions.moves) == 1


def test_going_back_again_and_again_follows_what_served_before(service, deploy):
    for model in ("model-1", "model-2", "model-3"):
        deploy(model)
    assert [roll_back(service, None).number for _ in range(2)] == ["2", "1"]
    with pytest.raises(DeployError, match="Release 1 is the only one"):
        roll_back(service, None)


def test_after_going_back_the_next_release_replaces_what_serves_and_not_the_bad_one(service, deploy):
    for model in ("good", "bad"):
        deploy(model)
    roll_back(service, None)
    deploy("better")
    assert serving(service) == ("3", "")
    assert roll_back(service, None).model == "good"


def test_the_bad_model_deployed_once_more_serves_again_and_can_be_taken_back_again(service, deploy):
    for model in ("good", "bad"):
        deploy(model)
    roll_back(service, None)
    assert deploy("bad") == "2"
    assert serving(service) == ("2", "")
    assert roll_back(service, None).model == "good"


@pytest.mark.parametrize(("wanted", "number"), [("1", "1"), ("model-1", "1"), ("model-2", "2")])
def test_a_release_is_named_by_its_number_or_its_model(service, deploy, wanted, number):
    for model in ("model-1", "model-2", "model-3"):
        deploy(model)
    assert roll_back(service, wanted).number == number
    assert serving(service) == (number, "")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("3", r"Release 3 \(model model-3\) serves already"),
        ("model-3", r"Release 3 \(model model-3\) serves already"),
        ("7", r"There is no release 7\. There are: 3 \(model model-3\), 2 \(model model-2\), 1 \(model model-1\)\."),
        ("", "There is no release"),
    ],
)
def test_a_release_that_is_not_there_or_serves_already_is_one_sentence(service, deploy, wanted, said):
    for model in ("model-1", "model-2", "model-3"):
        deploy(model)
    with pytest.raises(DeployError, match=said):
        roll_back(service, wanted)
    assert serving(service) == ("3", "")


def test_a_release_that_no_longer_starts_is_not_gone_back_to(service, deploy):
    for model in ("model-1", "model-2"):
        deploy(model)
    service.functions.silent = {"1"}
    with pytest.raises(DeployError, match=r"cannot start"):
        roll_back(service, None)
    assert serving(service) == ("2", "")


def test_going_back_opens_the_api_to_nobody(service, deploy):
    deploy("model-1", access="none")
    deploy("model-2", access="key")
    with pytest.raises(
        DeployError, match=r"other access \(none public\).*\(key public\)\. Deploy the bundle with model model-1"
    ):
        roll_back(service, None)
    assert serving(service) == ("2", "")


@pytest.mark.parametrize("keep", [1, 3])
def test_the_release_that_serves_and_those_before_it_are_kept_and_the_others_deleted(service, deploy, keep):
    for model in ("model-1", "model-2", "model-3", "bad"):
        deploy(model)
    roll_back(service, None)
    deploy("model-5")
    gone = releases.prune(service.functions, NAME, "5", keep)
    assert set(service.functions.versions) == {1: {"5"}, 3: {"5", "3", "2"}}[keep]
    assert "4" in gone


def test_a_release_that_somebodys_own_alias_needs_stays(service, deploy):
    for model in ("model-1", "model-2"):
        deploy(model)
    service.functions.used_by_others = {"1"}
    releases.prune(service.functions, NAME, "2", 1)
    assert set(service.functions.versions) == {"1", "2"}


def test_a_release_of_an_earlier_version_of_visage_is_read_all_the_same(service):
    service.functions.versions = {"4": {"Version": "4"}}
    assert releases.published(service.functions, NAME) == [Release("4", "", "", "", "none public")]


@pytest.fixture
def canary(service, deploy):
    """Deploy model-2 as a canary beside model-1, whose log and metrics `happen` changes after some seconds."""
    deploy("model-1")

    def canary(happen=lambda: None, minutes=1):
        clock = Clock()

        def sleep(seconds):
            clock.sleep(seconds)
            assert serving(service) == ("1", "2")
            happen()

        return deploy("model-2", canary=Canary(10, minutes), clock=clock, sleep=sleep)

    return canary


def test_a_canary_gets_its_share_and_then_all_requests(service, canary):
    service.target.lines = [request(200), request(422), "START RequestId: 1 Version: 2", "[]"]
    assert canary() == "2"
    assert service.functions.moves[1:] == [("1", {"2": 0.1}), ("2", {})]


def test_the_log_is_asked_for_this_release_since_the_canary_began(service, canary):
    canary()
    asked = service.target.asked[0]
    assert asked["logGroupName"] == f"/aws/lambda/{NAME}"
    assert asked["logStreamNamePrefix"] == f"{datetime.now(UTC):%Y/%m/%d}/[2]"
    assert abs(datetime.now(UTC).timestamp() * 1000 - asked["startTime"]) < 60_000


@pytest.mark.parametrize("status", [500, 503])
def test_a_canary_that_answers_with_a_fault_is_taken_back_with_a_reason(service, canary, status):
    with pytest.raises(
        DeployError,
        match=rf"Release 2 was taken back: 1 of its 2 answers had status {status}\. .*\[2\]\. Release 1 goes on",
    ):
        canary(lambda: service.target.lines.extend([request(200), request(status)]))
    assert service.functions.moves[1:] == [("1", {"2": 0.1}), ("1", {})]


def test_a_canary_whose_calls_end_without_an_answer_is_taken_back(service, canary):
    with pytest.raises(DeployError, match="1 of its calls ended without an answer"):
        canary(lambda: setattr(service.target, "errors", 1))
    assert serving(service) == ("1", "")


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_canary_that_is_interrupted_is_taken_back(service, canary, error):
    def interrupt():
        raise error

    with pytest.raises(error):
        canary(interrupt)
    assert serving(service) == ("1", "")


def test_credentials_that_end_during_a_canary_are_said_with_what_goes_on(service, canary):
    def expire():
        service.functions.expired = True
        raise refused("ExpiredToken")

    with pytest.raises(
        DeployError,
        match=r"does not accept your credentials.*Release 2 goes on getting 10 %.*visage rollback --stage dev",
    ):
        canary(expire)
    service.functions.expired = False
    assert serving(service) == ("1", "2")
    assert roll_back(service, None).number == "1"
    assert serving(service) == ("1", "")


def test_a_canary_that_nobody_watches_any_more_ends_with_the_next_deployment(service, deploy):
    deploy("model-1")
    deploy("model-2")
    releases.move(service.functions, NAME, "2", ("1", 0.1))
    deploy("model-2")
    assert serving(service) == ("2", "")


def test_instances_are_kept_warm_once_aws_says_so_and_no_longer_with_zero(service):
    clock = Clock()
    keep_warm(service, 2, clock, clock.sleep)
    assert service.functions.warm["wanted"] == 2
    for _ in range(2):
        keep_warm(service, 0)
    assert service.functions.warm is None


@pytest.mark.parametrize("status", ["FAILED", "IN_PROGRESS"])
def test_instances_that_aws_cannot_keep_warm_are_one_sentence(service, monkeypatch, status):
    monkeypatch.setattr(
        service.functions,
        "get_provisioned_concurrency_config",
        lambda **_: {"Status": status, "StatusReason": "No room"},
    )
    clock = Clock()
    with pytest.raises(DeployError, match="cannot keep 2 instances warm: No room"):
        keep_warm(service, 2, clock, clock.sleep)
