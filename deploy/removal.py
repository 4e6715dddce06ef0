"""Removes a stage: empties and deletes its buckets, deletes its stack, and then its images.

The stack is the list of what is there, so it goes after the buckets. Whatever interrupts a removal, another goes on.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from deploy import stack_state
from deploy.errors import DeployError
from deploy.stack_state import BUCKET, Resource
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

_OF_THE_TOOL: Final = "ServerlessDeploymentBucket"
"""The stack deletes this bucket itself. It keeps the others."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a removal would delete.

    `state` is the stack's, "" where there is none. `buckets` are those that exist, `repository` is that of the images,
    "" where there is none.
    """

    state: str
    buckets: tuple[Resource, ...]
    repository: str

    def __bool__(self) -> bool:
        """Return whether there is anything."""
        return bool(self.state or self.repository)


def contents(target: Target) -> Contents:
    """Return what there is of a stage.

    Raises:
        DeployError: AWS refuses, or cannot be reached.
    """
    buckets = (resource for resource in stack_state.resources(target) if resource.kind == BUCKET and resource.id)
    existing = tuple(bucket for bucket in buckets if stack_state.bucket_exists(target, bucket.id))
    return Contents(stack_state.state(target), existing, _repository(target))


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
        with step(f"Emptying and deleting the bucket {bucket.id}"):
            _delete_bucket(target, bucket)
    if found.state:
        with step("Deleting the stack, for which CloudFront needs some minutes"):
            _delete_stack(target)
    if found.repository:
        with step("Deleting the images"), target.client("ecr") as images:
            images.delete_repository(repositoryName=found.repository, force=True)


def _delete_bucket(target: Target, bucket: Resource) -> None:
    """Delete all versions of what is in a bucket, and the bucket itself if the stack would keep it."""
    with target.client("s3") as s3, suppress(s3.exceptions.NoSuchBucket):  # somebody else may delete it meanwhile
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket.id):
            found = (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            versions = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
            if versions:
                _delete_versions(s3, bucket.id, versions)
        if bucket.name != _OF_THE_TOOL:
            s3.delete_bucket(Bucket=bucket.id)


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
