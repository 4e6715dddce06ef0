"""What a deployment waits for: the function that was published, called itself, with the model in its snapshot."""

import io
import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from deploy import answers
from deploy.errors import DeployError
from tests.clock import Clock

WANTED = {"version": "0123456789ab", "engine": "onnx"}
WARM = {"warm": True, "was_warm": True, **WANTED}
SNAPSHOT, PLAIN = "visage-dev-onnx:7", "visage-dev-onnx"
ACTIVE = {"State": "Active"}
PENDING = {"State": "Pending"}
FAILED = {"State": "Failed", "StateReason": "SnapshotError: The model\ncannot be loaded."}
NOT_WANTED = [
    {"warm": False},
    {**WARM, "version": "ba9876543210"},
    {**WARM, "engine": "torchscript"},
    {"statusCode": 400},
    None,
    "text",
]


class Functions:
    """A fake client of Lambda: the function goes through these states, and gives these answers; the last one stays."""

    exceptions = SimpleNamespace(ClientError=ClientError)

    def __init__(self, *answers, states=(ACTIVE,)):
        self.answers, self.states = list(answers), list(states)
        self.called = []

    def get_function_configuration(self, FunctionName):  # noqa: N803  # boto3's name
        return self.states.pop(0) if self.states[1:] else self.states[0]

    def invoke(self, FunctionName, Payload):  # noqa: N803
        self.called.append((FunctionName, json.loads(Payload)))
        answer = self.answers.pop(0) if self.answers[1:] else self.answers[0]
        if isinstance(answer, ClientError):
            raise answer
        error = {"FunctionError": "Unhandled"} if isinstance(answer, dict) and "errorType" in answer else {}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **error}


@pytest.fixture
def wait():
    clock = Clock()
    return lambda functions, name=SNAPSHOT: answers.wait_for_function(
        functions, name, WANTED, from_snapshot=name == SNAPSHOT, clock=clock, sleep=clock.sleep
    )


def refused(code):
    return ClientError({"Error": {"Code": code, "Message": "Not now"}}, "Invoke")


@pytest.mark.parametrize("name", [SNAPSHOT, PLAIN])
def test_the_version_that_the_api_calls_is_called_itself(wait, name):
    functions = Functions(WARM)
    wait(functions, name)
    assert functions.called == [(name, {"source": "aws.scheduler"})]


def test_a_snapshot_that_is_still_made_is_waited_for_and_the_function_has_its_own_time_then(wait):
    functions = Functions({**WARM, "version": "ba9876543210"}, WARM, states=[*[PENDING] * 900, ACTIVE])
    wait(functions)
    assert len(functions.called) == 2


def test_a_snapshot_that_is_never_ready_ends_the_deployment(wait):
    with pytest.raises(DeployError, match="AWS is still preparing it"):
        wait(Functions(WARM, states=[PENDING]))


def test_a_snapshot_that_aws_could_not_take_ends_the_deployment_with_aws_reason(wait):
    with pytest.raises(
        DeployError, match=r"cannot start .*: SnapshotError: The model cannot be loaded\. Its log /aws/"
    ):
        wait(Functions(WARM, states=[PENDING, FAILED]))


def test_a_snapshot_without_the_model_ends_the_deployment_although_the_call_loaded_it(wait):
    with pytest.raises(DeployError, match=r"snapshot of .*:7 lacks the model\. Its log /aws/lambda/\S+-onnx "):
        wait(Functions({**WARM, "was_warm": False}))


def test_a_function_without_a_snapshot_may_load_its_model_when_it_is_called(wait):
    wait(Functions({**WARM, "was_warm": False}), PLAIN)


@pytest.mark.parametrize("answer", NOT_WANTED, ids=str)
def test_another_answer_is_not_accepted_and_the_next_one_may_be(wait, answer):
    functions = Functions(answer, WARM)
    wait(functions, PLAIN)
    assert len(functions.called) == 2


@pytest.mark.parametrize("answer", [*NOT_WANTED, {"errorType": "Runtime.ExitError"}], ids=str)
def test_a_function_that_never_answers_right_is_reported_with_what_it_says(wait, answer):
    with pytest.raises(DeployError, match=rf"{PLAIN} does not work: .*Its log /aws/lambda/{PLAIN} says more"):
        wait(Functions(answer), PLAIN)


@pytest.mark.parametrize(
    "code", ["SnapStartNotReadyException", "ResourceConflictException", "TooManyRequestsException"]
)
def test_a_function_that_cannot_be_called_at_this_moment_is_called_again(wait, code):
    wait(Functions(refused(code), WARM))


def test_a_call_that_aws_does_not_allow_is_not_repeated(wait):
    functions = Functions(refused("AccessDeniedException"))
    with pytest.raises(ClientError):
        wait(functions)
    assert len(functions.called) == 1
