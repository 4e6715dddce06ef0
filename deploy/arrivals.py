"""Has S3 report the photos that arrive in a source, so that each gets its row at once."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from batch.arrivals import Watch, set_watches, watches
from batch.inventory import MANIFEST
from deploy.batch import open_output, output_of, region_of
from deploy.errors import DeployError
from deploy.machine import Machine
from deploy.target import Target
from model.storage import bucket_and_key

_QUEUES: Final = "QueueConfigurations"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many messages about photos wait for an answer, and how many were given up."""

    photos: int
    given_up: int


def watch(target: Target, machine: Machine, source: str, output: str) -> None:
    """Let each photo that arrives in the source from now on get its row in the output.

    Raises:
        DeployError: the source is in another region, other notifications of its bucket are in the way, or AWS refuses.
    """
    if source.endswith(f"/{MANIFEST}"):
        raise DeployError(f"{source} is an inventory, which does not change. Watch the folder of the photos.")
    if (region := region_of(target, source)) != target.region:
        raise DeployError(
            f"The bucket of {source} is in {region}, and S3 reports to queues of its own region only. Deploy a stage "
            f"to {region}, and watch it there."
        )
    open_output(target, machine, source, output)
    wanted = Watch(_folder(source), output)
    with output_of(target, machine.output) as base:
        others = [each for each in watches(base) if each.source != wanted.source]
        set_watches(base, [*others, wanted])
    _notify(target, machine, source, wanted=True)


def unwatch(target: Target, machine: Machine, source: str) -> None:
    """Let S3 report no more of the source. Photos that it has reported still get their rows if they are on their way.

    Raises:
        DeployError: AWS refuses, or cannot be reached.
    """
    _notify(target, machine, source, wanted=False)
    with output_of(target, machine.output) as base:
        known = watches(base)
        if any(each.source == _folder(source) for each in known):
            set_watches(base, [each for each in known if each.source != _folder(source)])


def unwatch_all(target: Target, machine: Machine) -> None:
    """Let S3 report nothing more to the stage, which is about to go; it raises what `unwatch` does."""
    with output_of(target, machine.output) as base:
        known = watches(base)
    for each in known:
        unwatch(target, machine, each.source)


def watched(target: Target, machine: Machine) -> list[Watch]:
    """Return what is watched; raise DeployError if AWS refuses."""
    with output_of(target, machine.output) as base:
        return watches(base)


def waiting(target: Target, machine: Machine) -> Waiting:
    """Return how many photos wait, and how many were given up; raise DeployError if AWS refuses."""
    with target.client("sqs") as queues:
        return Waiting(_messages(queues, machine.arrivals), _messages(queues, machine.failed_arrivals))


def _messages(queues: Any, address: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = queues.get_queue_attributes(QueueUrl=address, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def _notify(target: Target, machine: Machine, source: str, *, wanted: bool) -> None:
    """Add our notification to those of the bucket, or remove it. S3 changes all notifications of a bucket at once."""
    bucket, prefix = bucket_and_key(_folder(source))
    identity = f"visage-{hashlib.sha256(f'{machine.arn} {prefix}'.encode()).hexdigest()[:16]}"
    with target.client("sqs") as queues:
        answer = queues.get_queue_attributes(QueueUrl=machine.arrivals, AttributeNames=["QueueArn"])
    ours = {
        "Id": identity,
        "QueueArn": answer["Attributes"]["QueueArn"],
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}},
    }
    with target.client("s3") as s3:
        found = s3.get_bucket_notification_configuration(Bucket=bucket)
        found.pop("ResponseMetadata", None)
        others = [each for each in found.get(_QUEUES, ()) if each.get("Id") != identity]
        changed = {**found, _QUEUES: [*others, ours] if wanted else others}
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=changed)


def _folder(source: str) -> str:
    """Return the address of a source as its messages have it: it ends in a slash."""
    return f"{source.rstrip('/')}/"
