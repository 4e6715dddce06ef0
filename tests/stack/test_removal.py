"""`visage remove`: whatever state a stage is in, all of it goes, and the command can be interrupted and run again."""

import json
import sys
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import pytest
import typer

from deploy import local, removal, stack_state
from deploy.errors import DeployError
from deploy.local import REGION
from scripts import stages
from tests.clock import Clock

KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
TEMPLATE = {
    "Resources": {
        "ModelBucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"VersioningConfiguration": {"Status": "Enabled"}},
            **KEPT,
        },
        "SiteBucket": {"Type": "AWS::S3::Bucket", **KEPT},
        "ServerlessDeploymentBucket": {"Type": "AWS::S3::Bucket"},
        "SiteBucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "SiteBucket"},
                "PolicyDocument": {"Version": "2012-10-17", "Statement": []},
            },
        },
    }
}
"""The buckets of a stage, as in serverless.yml and as the deployment tool adds them."""

FAILING = {
    "Resources": {
        **TEMPLATE["Resources"],
        "Impossible": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "Nonsense", "Value": "1"}},
    }
}


@pytest.fixture
def target(stack):
    """Stage dev of the tests' local AWS, which nothing was deployed to."""
    target = replace(stack.target, stage="dev")
    yield target
    removal.remove(target, removal.contents(target))


@pytest.fixture
def deploy(target):
    """Make the stack of this template, and put files into its buckets."""

    def deploy(template=TEMPLATE):
        with target.client("cloudformation") as cloudformation:
            cloudformation.create_stack(StackName=target.stack, TemplateBody=json.dumps(template))
        stack_state.wait(target, sleep=Clock().sleep)
        found = buckets(target)
        with target.client("s3") as s3:
            for bucket in found.values():
                for content in (b"former", b"newer"):
                    s3.put_object(Bucket=bucket, Key="model", Body=content)
            if "ModelBucket" in found:
                s3.delete_object(Bucket=found["ModelBucket"], Key="model")  # its versions stay
        return found

    return deploy


@pytest.fixture
def images(target):
    """The repository that the deployment tool makes for images."""
    with target.client("ecr") as ecr:
        ecr.create_repository(repositoryName="serverless-visage-dev")
        yield "serverless-visage-dev"
        with suppress(ecr.exceptions.RepositoryNotFoundException):
            ecr.delete_repository(repositoryName="serverless-visage-dev", force=True)


@pytest.fixture
def command(stack, target, visage, monkeypatch):
    """Run `visage remove --stage dev` for the local AWS."""
    monkeypatch.setattr(stages, "aws_target", lambda *_, **__: target)
    return lambda *words: visage("remove", "--stage", "dev", *words)


def buckets(target):
    return {each.name: each.id for each in stack_state.resources(target) if each.kind == stack_state.BUCKET}


def left(target, names):
    with target.client("s3") as s3:
        existing = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    return existing & set(names)


def test_stack_buckets_with_all_versions_and_images_are_removed(target, deploy, images, command):
    found = deploy()
    ended = command("--yes", "--json")
    assert ended.status == 0, ended.err
    assert set(json.loads(ended.out)["removed"]) == {*found.values(), "visage-dev", images}
    assert (stack_state.state(target), left(target, found.values())) == ("", set())
    assert removal.contents(target) == removal.Contents("", (), "")


def test_nothing_is_removed_unless_somebody_says_so(target, deploy, command):
    found = deploy()
    ended = command()
    assert ended.status == 1
    assert found["ModelBucket"] in ended.err
    assert "Give --yes" in ended.err
    assert left(target, found.values()) == set(found.values())


@pytest.mark.parametrize(("answer", "status"), [("dev", 0), ("prod", 1), ("", 1)])
def test_only_the_name_of_the_stage_removes_it(target, deploy, command, monkeypatch, answer, status):
    found = deploy()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: answer)
    assert command().status == status
    assert bool(left(target, found.values())) == bool(status)


def test_what_is_not_there_is_said_and_is_no_failure(target, command):
    ended = command("--yes")
    assert (ended.status, ended.out.split(".")[0]) == (0, f"There is nothing of stage dev in {REGION}")


@pytest.mark.parametrize("gone", ["ModelBucket", "SiteBucket", "ServerlessDeploymentBucket"])
def test_a_bucket_that_was_deleted_by_hand_does_not_stop_the_removal(target, deploy, command, gone):
    found = deploy()
    removal._delete_bucket(target, found[gone])
    assert command("--yes").status == 0
    assert (stack_state.state(target), left(target, found.values())) == ("", set())


def test_a_stack_whose_first_deployment_failed_is_removed_and_a_deployment_says_to_do_so(target, deploy, command):
    found = deploy(FAILING)
    assert stack_state.state(target) == "ROLLBACK_COMPLETE"
    with pytest.raises(DeployError, match="Run `visage remove --stage dev"):
        stack_state.check(target)
    assert command("--yes").status == 0
    assert (stack_state.state(target), left(target, found.values())) == ("", set())
    stack_state.check(target)


@pytest.mark.parametrize("step", ["_delete_versions", "_delete_stack", "_delete_bucket"])
def test_a_removal_that_is_interrupted_goes_on_when_it_is_run_again(target, deploy, images, monkeypatch, step):
    found = deploy()

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(removal, step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            removal.remove(target, removal.contents(target))
    removal.remove(target, removal.contents(target))
    assert (stack_state.state(target), left(target, found.values())) == ("", set())


def test_the_buckets_that_a_stack_left_are_removed_and_those_of_others_stay(target, deploy, command):
    found = deploy()
    other = "visage-dev-modelbucket"
    with target.client("s3") as s3, target.client("cloudformation") as cloudformation:
        s3.create_bucket(Bucket=other)
        removal._empty(target, found["ServerlessDeploymentBucket"])
        cloudformation.delete_stack(StackName=target.stack)
        stack_state.wait(target, sleep=Clock().sleep)
        kept = {found["ModelBucket"], found["SiteBucket"]}
        assert left(target, found.values()) == kept
        ended = command("--yes", "--json")
        assert set(json.loads(ended.out)["removed"]) == kept
        assert left(target, [*found.values(), other]) == {other}
        s3.delete_bucket(Bucket=other)


def test_the_buckets_of_the_same_stage_in_another_region_stay(target, deploy):
    found = deploy()
    elsewhere = replace(target, region="eu-central-1")
    assert removal.contents(elsewhere).buckets == ()
    assert left(target, found.values()) == set(found.values())


def test_what_aws_cannot_delete_is_named_with_its_reason(target, deploy, monkeypatch):
    deploy()
    resource = stack_state.Resource("Topic", "AWS::SNS::Topic", "arn:topic", "DELETE_FAILED", "It is in use")
    monkeypatch.setattr(stack_state, "wait", lambda _: "DELETE_FAILED")
    monkeypatch.setattr(stack_state, "resources", lambda _: [resource])
    with pytest.raises(DeployError, match=r"AWS::SNS::Topic arn:topic: It is in use\. Delete that by hand"):
        removal._delete_stack(target)


def test_a_local_aws_that_does_not_run_has_nothing_to_remove(visage, monkeypatch, tmp_path, stack):
    monkeypatch.setattr(local, "default", lambda settings: replace(stack.local, home=tmp_path))
    ended = visage("remove", "--stage", "local", "--yes")
    assert ended.status == 1
    assert "The local AWS does not run" in ended.err
