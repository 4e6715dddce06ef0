"""Removes a stage: empties its buckets, deletes its stack, and then the buckets and images that the stack keeps.

Whatever interrupts a removal, another goes on: as long as there is a stack, it lists what is there, and afterwards the
names of the buckets tell whose they were.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from deploy import arrivals, stack, stack_state
from deploy.errors import DeployError
from deploy.stack_state import BUCKET
from deploy.steps import Step, silent
from deploy.target import Target

STAYS: Final = (
    "What stays: CloudFormation's record of the stack for 90 days, traces in X-Ray for 30 days and statistics in "
    "CloudWatch for 15 months. They hold no photo and no name, cost nothing, and cannot be deleted."
)
"""Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-listing-event-history.html,
https://docs.aws.amazon.com/xray/latest/devguide/xray-console-traces.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html.
"""

_BUCKET: Final = "[a-z]+bucket-[a-z0-9]+"
"""Follows the stack's name in the name that CloudFormation gives to a bucket."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a removal would delete.

    `state` is the stack's, "" where there is none. `buckets` are those that exist, or that a former stack left.
    `repository` is that of the images, "" where there is none.
    """

    state: str
    buckets: tuple[str, ...]
    repository: str

    def __bool__(self) -> bool:
        """Return whether there is anything."""
        return bool(self.state or self.buckets or self.repository)


def contents(target: Target) -> Contents:
    """Return what there is of a stage.

    Raises:
        DeployError: AWS refuses, or cannot be reached.
    """
    state = stack_state.state(target)
    listed = [each.id for each in stack_state.resources(target) if each.kind == BUCKET and each.id]
    existing = [bucket for bucket in listed if stack_state.bucket_exists(target, bucket)]
    return Contents(state, tuple(existing if state else _left(target)), _repository(target))


def remove(target: Target, found: Contents, step: Step = silent) -> None:
    """Delete what was found. A removal that was interrupted is gone on with.

    Raises:
        DeployError: AWS refuses, cannot be reached, or cannot delete something; running it again goes on.
    """
    if stack_state.is_busy(found.state) and found.state != "DELETE_IN_PROGRESS":
        with step("Waiting for the deployment that is going on"):
            stack_state.wait(target)
        found = contents(target)
    for bucket in found.buckets:
        with step(f"Emptying the bucket {bucket}"):
            _empty(target, bucket)
    outputs = stack.outputs(target)
    if outputs and outputs.batch:
        with suppress(DeployError):  # the owner may have deleted those buckets, which are not the stage's
            arrivals.unwatch_all(target, outputs.batch)
    if found.state:
        with step("Deleting the stack, for which CloudFront needs some minutes"):
            _delete_stack(target)
    for bucket in found.buckets:
        if stack_state.bucket_exists(target, bucket):
            with step(f"Deleting the bucket {bucket}"):
                _delete_bucket(target, bucket)
    if found.repository:
        with step("Deleting the images"), target.client("ecr") as images:
            images.delete_repository(repositoryName=found.repository, force=True)


def _empty(target: Target, bucket: str) -> None:
    """Delete all versions of what is in a bucket."""
    with target.client("s3") as s3, suppress(s3.exceptions.NoSuchBucket):  # somebody else may delete it meanwhile
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            versions = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
            if versions:
                _delete_versions(s3, bucket, versions)


def _delete_bucket(target: Target, bucket: str) -> None:
    """Delete a bucket that the stack kept, and what came into it since it was emptied: CloudFront's logs come late."""
    _empty(target, bucket)
    with target.client("s3") as s3, suppress(s3.exceptions.NoSuchBucket):
        s3.delete_bucket(Bucket=bucket)


def _left(target: Target) -> list[str]:
    """Return the buckets in this region that a former stack of the stage left."""
    pattern = re.compile(rf"{re.escape(target.stack)}-{_BUCKET}")
    with target.client("s3") as s3:
        names = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
        return [name for name in names if pattern.fullmatch(name) and _region(s3, name) == target.region]


def _region(s3: Any, bucket: str) -> str:
    """Return the region of a bucket; S3 says nothing for those in us-east-1."""
    return s3.get_bucket_location(Bucket=bucket).get("LocationConstraint") or "us-east-1"


def _delete_versions(s3: Any, bucket: str, versions: list[dict[str, str]]) -> None:
    """Delete versions of objects: as many as one page of the list has, which is as many as S3 takes, 1,000."""
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
    for refused in answer.get("Errors", ()):
        reason = refused.get("Message", refused["Code"])
        raise DeployError(
            f"AWS did not delete {refused['Key']} from the bucket {bucket} ({reason}). Allow it, and run the same "
            "command again."
        )


def _delete_stack(target: Target) -> None:
    with target.client("cloudformation") as cloudformation:
        cloudformation.delete_stack(StackName=target.stack)
    if not stack_state.wait(target):
        return
    failed = [each for each in stack_state.resources(target) if each.state == "DELETE_FAILED"]
    reasons = " ".join(f"{each.kind} {each.id}: {each.reason or 'no reason given'}." for each in failed)
    raise DeployError(
        f"AWS could not delete all of the stack {target.stack}. {reasons} "
        f"Delete that by hand in the console in {target.region}, and run the same command again."
    )


def _repository(target: Target) -> str:
    """Return the name of the repository that the deployment tool made for the images, "" without one."""
    name = f"serverless-{target.stack}"
    with target.client("ecr") as images:
        try:
            images.describe_repositories(repositoryNames=[name])
        except images.exceptions.RepositoryNotFoundException:
            return ""
    return name
