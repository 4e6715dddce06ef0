"""The state that a stack is in, what is in it, and what must be done before it can be deployed again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from deploy.errors import DeployError
from deploy.steps import Step, silent
from deploy.target import Target

BUCKET: Final = "AWS::S3::Bucket"

_PLANNED: Final = "REVIEW_IN_PROGRESS"
"""A first deployment was interrupted before it began. The deployment tool goes on from there."""

_NEVER_WAS: Final = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"})
"""The first deployment failed. AWS updates no such stack.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html.
"""

_PAUSE_SECONDS: Final = 2
_LONGEST_SECONDS: Final = 45 * 60
"""CloudFront needs minutes to make or delete a distribution, AWS several for a snapshot."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something in a stack: its name in the template, its type, its name on AWS, its state, and the reason for that."""

    name: str
    kind: str
    id: str
    state: str
    reason: str = ""


def state(target: Target) -> str:
    """Return the state of the stack as CloudFormation calls it, "" where there is no stack."""
    with target.client("cloudformation") as cloudformation:
        described = unless_missing(lambda: cloudformation.describe_stacks(StackName=target.stack)["Stacks"])
    return str(described[0]["StackStatus"]) if described else ""


def resources(target: Target) -> list[Resource]:
    """Return what is in the stack; nothing where there is no stack."""
    with target.client("cloudformation") as cloudformation:
        found = unless_missing(
            lambda: cloudformation.describe_stack_resources(StackName=target.stack)["StackResources"]
        )
    listed = [
        Resource(
            each["LogicalResourceId"],
            each["ResourceType"],
            each.get("PhysicalResourceId", ""),
            each["ResourceStatus"],
            " ".join(each.get("ResourceStatusReason", "").split()),
        )
        for each in found or ()
    ]
    return [resource for resource in listed if resource.state != "DELETE_COMPLETE"]


def wait(
    target: Target,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Wait until nobody works on the stack, and return its state.

    Raises:
        DeployError: that takes too long.
    """
    deadline = clock() + _LONGEST_SECONDS
    while is_busy(now := state(target)):
        if clock() > deadline:
            raise DeployError(
                f"AWS still works on the stack {target.stack} ({now}). "
                f"See its events in CloudFormation's console in {target.region}, and run the same command again later."
            )
        sleep(_PAUSE_SECONDS)
    return now


def is_busy(now: str) -> bool:
    """Tell whether AWS is at work on a stack in this state."""
    return now.endswith("_IN_PROGRESS") and now != _PLANNED


def check(target: Target, step: Step = silent) -> None:
    """Check that the stack can be deployed, or does not exist; first wait for a deployment that was interrupted.

    Raises:
        DeployError: it is in a state that AWS updates no more, or one of its buckets is gone.
    """
    now = state(target)
    if is_busy(now):
        with step("Waiting for the deployment that is going on"):
            now = wait(target)
    remove = f"Run `visage remove --stage {target.stage} --region {target.region}`, and deploy again."
    if now in _NEVER_WAS:
        raise DeployError(f"The first deployment of stage {target.stage} failed, and AWS undid it ({now}). {remove}")
    if now == "DELETE_FAILED":
        raise DeployError(f"Stage {target.stage} was to be removed, and AWS could not remove all of it. {remove}")
    if now == "UPDATE_ROLLBACK_FAILED":
        raise DeployError(
            f"A deployment of stage {target.stage} failed, and AWS could not undo it ({now}). In CloudFormation's "
            f"console in {target.region}, choose the stack {target.stack} and `Continue update rollback`; deploy again."
        )
    gone = [
        resource for resource in resources(target) if resource.kind == BUCKET and not bucket_exists(target, resource.id)
    ]
    if gone and now:
        raise DeployError(
            f"{_named(gone)} of stage {target.stage} was deleted by hand, and AWS does not make it again. {remove}"
        )


def unless_missing(describe: Callable[[], Any]) -> Any:
    """Return what CloudFormation answers, None where it says that there is no such stack."""
    try:
        return describe()
    except ClientError as error:
        details = error.response["Error"]
        if details["Code"] == "ValidationError" and "does not exist" in details.get("Message", ""):
            return None
        raise


def bucket_exists(target: Target, bucket: str) -> bool:
    """Tell whether a bucket exists; one that the user may not look at does."""
    with target.client("s3") as s3:
        try:
            s3.head_bucket(Bucket=bucket)
        except ClientError as error:
            return error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}
    return True


def _named(buckets: list[Resource]) -> str:
    return " and ".join(f"the bucket {bucket.id}" for bucket in buckets).capitalize()
