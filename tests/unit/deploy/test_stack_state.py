"""What a deployment finds: a stack that works, one that AWS updates no more, and buckets that are gone."""

from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

from deploy import stack_state
from deploy.errors import DeployError
from tests.clock import Clock

FAILED_FIRST = ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"]


class Target:
    """A fake target whose stack goes through these states; "" is no stack. The last one stays."""

    stage, stack, region = "dev", "visage-dev", "eu-central-1"

    def __init__(self, *states, gone=(), forbidden=()):
        self.states, self.gone, self.forbidden = list(states), gone, forbidden

    @contextmanager
    def client(self, _):
        yield self

    def describe_stacks(self, **_):
        state = self.states.pop(0) if self.states[1:] else self.states[0]
        if not state:
            raise self._refusal("ValidationError", "Stack with id visage-dev does not exist")
        return {"Stacks": [{"StackStatus": state}]}

    def describe_stack_resources(self, **_):
        if not self.states[0]:
            raise self._refusal("ValidationError", "Stack with id visage-dev does not exist")
        return {
            "StackResources": [
                self._resource("ModelBucket", "AWS::S3::Bucket", "models", "CREATE_COMPLETE"),
                self._resource("SiteBucket", "AWS::S3::Bucket", "site", "UPDATE_COMPLETE"),
                self._resource("Former", "AWS::S3::Bucket", "former", "DELETE_COMPLETE"),
                self._resource("Topic", "AWS::SNS::Topic", "topic", "CREATE_COMPLETE"),
            ]
        }

    def head_bucket(self, Bucket):  # noqa: N803  # boto3's name
        if Bucket in (*self.gone, "former", "topic"):
            raise self._refusal("404", "Not Found")
        if Bucket in self.forbidden:
            raise self._refusal("403", "Forbidden")

    @staticmethod
    def _resource(name, kind, identity, state):
        return {
            "LogicalResourceId": name,
            "ResourceType": kind,
            "PhysicalResourceId": identity,
            "ResourceStatus": state,
        }

    @staticmethod
    def _refusal(code, message):
        return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


@pytest.mark.parametrize("state", ["", "CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_what_aws_can_deploy_is_deployed(state):
    stack_state.check(Target(state))


@pytest.mark.parametrize("state", [*FAILED_FIRST, "DELETE_FAILED"])
def test_a_stack_that_aws_updates_no_more_is_one_sentence_that_says_to_remove_it(state):
    with pytest.raises(DeployError, match="Run `visage remove --stage dev --region eu-central-1`, and deploy again"):
        stack_state.check(Target(state))


def test_an_update_that_aws_could_not_undo_is_one_sentence_that_says_where_to_go_on():
    with pytest.raises(DeployError, match="choose the stack visage-dev and `Continue update rollback`"):
        stack_state.check(Target("UPDATE_ROLLBACK_FAILED"))


@pytest.mark.parametrize("gone", [("models",), ("site",), ("models", "site")])
def test_a_bucket_that_was_deleted_by_hand_is_named(gone):
    with pytest.raises(DeployError, match=rf"bucket {gone[0]}.*deleted by hand.*visage remove") as caught:
        stack_state.check(Target("CREATE_COMPLETE", gone=gone))
    assert all(name in str(caught.value) for name in gone)


def test_a_bucket_that_one_may_not_look_at_counts_as_there():
    stack_state.check(Target("CREATE_COMPLETE", forbidden=("models", "site")))


@pytest.mark.parametrize("busy", ["UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS"])
def test_an_operation_that_somebody_began_is_waited_for(busy):
    clock = Clock()
    assert stack_state.wait(Target(busy, busy, busy, "CREATE_COMPLETE"), clock, clock.sleep) == "CREATE_COMPLETE"


def test_an_operation_that_never_ends_is_one_sentence():
    clock = Clock()
    with pytest.raises(DeployError, match=r"still works on the stack visage-dev \(UPDATE_IN_PROGRESS\)"):
        stack_state.wait(Target("UPDATE_IN_PROGRESS"), clock, clock.sleep)


def test_an_operation_that_fails_while_it_is_waited_for_is_reported(monkeypatch):
    monkeypatch.setattr(stack_state, "wait", lambda _: "ROLLBACK_COMPLETE")
    with pytest.raises(DeployError, match="first deployment of stage dev failed"):
        stack_state.check(Target("CREATE_IN_PROGRESS"))


def test_an_error_that_is_not_about_a_missing_stack_is_not_hidden(monkeypatch):
    target = Target("")
    monkeypatch.setattr(target, "_refusal", lambda *_: ClientError({"Error": {"Code": "Throttling"}}, "Operation"))
    with pytest.raises(ClientError):
        stack_state.state(target)
