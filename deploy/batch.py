"""Runs batches on a stage: starts its state machine, follows a run and ends it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from botocore.config import Config

from batch import planning
from batch.endings import cancel as mark_cancelled
from batch.endings import why_stopped
from batch.errors import BatchError, MissingError
from batch.planning import Plan
from batch.storage import Storage, storage_at
from deploy import stack_state, status
from deploy.errors import DeployError
from deploy.machine import Machine
from deploy.target import Target
from model.storage import bucket_and_key

RUNNING: Final = "RUNNING"
SUCCEEDED: Final = "SUCCEEDED"
CANCELLED: Final = "ABORTED"
"""States of a run, as Step Functions calls them. It also knows FAILED and TIMED_OUT."""

_STOPPED: Final = "States.ExceedToleratedFailureThreshold"
"""The error of a Map whose batches fail. The output has the reason."""

_LOOKED_AT: Final = 100
"""The newest runs of a stage, among which that of an output is looked for."""

_PATIENCE_S: Final = 120
"""How long the function may take to open an output: its first start takes seconds, and it reads a few objects."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a stage's state machine: its name, its ARN, its state and its output.

    `error` is the sentence by which it failed, "" where it did not.
    """

    name: str
    arn: str
    state: str
    output: str
    started: datetime
    stopped: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    `plan` is None while photos are listed. Of its batches, `done` have been answered, and `seconds` have passed since
    the first one began.
    """

    run: Run
    plan: Plan | None = None
    done: int = 0
    seconds: float = 0

    @property
    def photos(self) -> int:
        """The photos that are done, of those that the plan had to do; an estimate from the number of batches."""
        return round(self.plan.photos_to_do * self.done / self.plan.to_do) if self.plan and self.plan.to_do else 0


def require_machine(target: Target) -> Machine:
    """Return the state machine of a stage.

    Raises:
        DeployError: the stage was deployed without it, or not at all.
    """
    machine = status.require_outputs(target).batch
    if machine is None:
        raise DeployError(
            f"Stage {target.stage} was deployed without batches. `visage deploy --stage {target.stage} --with-batch "
            "--batch-source s3://… --batch-output s3://…` adds them."
        )
    return machine


def check_places(target: Target, machine: Machine, source: str, output: str) -> list[str]:
    """Check that the stage may read the source and write the output; return remarks on what costs more.

    Raises:
        DeployError: it may not, there is no such bucket, or the output's is in another region.
    """
    for option, place, allowed in (("source", source, machine.source), ("output", output, machine.output)):
        if not f"{place.rstrip('/')}/".startswith(allowed):
            raise DeployError(
                f"Stage {target.stage} may use nothing outside {allowed} as {option}, and {place} is. Give a folder in "
                f"it, or deploy again with --batch-{option} {place}."
            )
    if (region := region_of(target, output)) != target.region:
        raise DeployError(
            f"The bucket of {output} is in {region}, and stage {target.stage} in {target.region}, where Step Functions "
            f"can read its own buckets only. Give an output in {target.region}."
        )
    if (region := region_of(target, source)) != target.region:
        return [f"The photos are in {region}: AWS charges for moving them to {target.region}, see docs/costs.md."]
    return []


def region_of(target: Target, place: str) -> str:
    """Return the region of the bucket of an address in S3.

    Raises:
        DeployError: there is no such bucket, or it belongs to somebody who does not let you look.
    """
    bucket, _ = bucket_and_key(place)
    if not stack_state.bucket_exists(target, bucket):
        raise DeployError(f'There is no bucket "{bucket}". Check its name, and your AWS account.')
    with target.client("s3") as s3:
        return s3.get_bucket_location(Bucket=bucket).get("LocationConstraint") or "us-east-1"


def start(
    target: Target, machine: Machine, source: str, output: str, *, new: bool = False, keep_embeddings: bool = False
) -> Run:
    """Open the output, start a run, and return it.

    Raises:
        DeployError: one is going on for this output, or the function refuses: the output has rows of another source or
            model, or something cannot be read.
    """
    open_output(target, machine, source, output, new=new, keep_embeddings=keep_embeddings)
    given = json.dumps({"source": source, "output": output})
    with target.client("stepfunctions") as machines:
        for run in _runs(machines, machine, RUNNING):
            if run.output == output:
                raise DeployError(
                    f"A run for {output} is going on. Add --status to see how far it is, or --cancel to end it."
                )
        name = planning.new_run()
        arn = machines.start_execution(stateMachineArn=machine.arn, name=name, input=given)["executionArn"]
        return _run(machines.describe_execution(executionArn=arn))


def open_output(
    target: Target, machine: Machine, source: str, output: str, *, new: bool = False, keep_embeddings: bool = False
) -> None:
    """Let the function make the header of the output, or check the one that there is.

    Raises:
        DeployError: it refuses.
    """
    given = {"source": source, "output": output, "new": new, "keep_embeddings": keep_embeddings}
    payload = json.dumps({"step": "open", "input": given})
    with target.client("lambda", Config(read_timeout=_PATIENCE_S, retries={"total_max_attempts": 1})) as functions:
        answer = functions.invoke(FunctionName=machine.function, Payload=payload.encode())
        body = answer["Payload"].read()
    if answer.get("FunctionError"):
        raise DeployError(_sentence(body.decode(errors="replace")))


def find(target: Target, machine: Machine, output: str) -> Run:
    """Return the run of an output that is going on, or else the newest one.

    Raises:
        DeployError: there is none among the newest of the stage.
    """
    with target.client("stepfunctions") as machines:
        for run in _runs(machines, machine):
            if run.output == output:
                return run
    raise DeployError(
        f"No run of stage {target.stage} wrote to {output} lately. Check the address; `visage batch` starts a run."
    )


def progress(target: Target, run: Run) -> Progress:
    """Return how far a run is now.

    Raises:
        DeployError: AWS refuses, or cannot be reached.
    """
    with target.client("stepfunctions") as machines:
        run = _run(machines.describe_execution(executionArn=run.arn))
        maps = machines.list_map_runs(executionArn=run.arn)["mapRuns"]
        described = [machines.describe_map_run(mapRunArn=each["mapRunArn"]) for each in maps]
    plan = _plan(target, run)
    if _STOPPED in run.error:
        with output_of(target, run.output) as output:
            run = replace(run, error=why_stopped(output, run.name) or run.error)
    if not described:
        return Progress(run, plan)
    ended = described[0].get("stopDate") or run.stopped or datetime.now(UTC)
    seconds = (ended - described[0]["startDate"]).total_seconds()
    return Progress(run, plan, sum(each["itemCounts"]["succeeded"] for each in described), seconds)


def cancel(target: Target, run: Run) -> None:
    """End a run. Batches that are being answered still write their parts; a later run goes on from there.

    Raises:
        DeployError: AWS refuses, or cannot be reached.
    """
    with output_of(target, run.output) as output:
        mark_cancelled(output, run.name)
    with target.client("stepfunctions") as machines:
        machines.stop_execution(executionArn=run.arn, error="Cancelled", cause="visage batch --cancel")


@contextmanager
def output_of(target: Target, location: str) -> Iterator[Storage]:
    """Yield an output, through the target's connections.

    Raises:
        DeployError: it cannot be reached, or AWS refuses.
    """
    try:
        output = storage_at(location, target.connect)
        try:
            yield output
        finally:
            output.close()
    except BatchError as error:
        raise DeployError(str(error)) from error


def _runs(machines: Any, machine: Machine, state: str = "") -> Iterator[Run]:
    """Yield the newest runs of a stage, those that are going on first."""
    listed = []
    for wanted in (state,) if state else (RUNNING, ""):
        chosen = {"statusFilter": wanted} if wanted else {}
        answer = machines.list_executions(stateMachineArn=machine.arn, maxResults=_LOOKED_AT, **chosen)
        listed += [each["executionArn"] for each in answer["executions"]]
    for arn in dict.fromkeys(listed):
        yield _run(machines.describe_execution(executionArn=arn))


def _run(described: Mapping[str, Any]) -> Run:
    try:
        output = str(json.loads(described.get("input", ""))["output"])
    except (ValueError, KeyError, TypeError):  # somebody started it by hand
        output = ""
    failed = described["status"] in {"FAILED", "TIMED_OUT"}
    return Run(
        described["name"],
        described["executionArn"],
        described["status"],
        output,
        described["startDate"],
        described.get("stopDate"),
        _sentence(described.get("cause", ""), described.get("error", "")) if failed else "",
    )


def _sentence(cause: str, error: str = "") -> str:
    """Return the sentence of an error of the function, or what Step Functions says of it."""
    try:
        found = json.loads(cause)
        kind, sentence = str(found["errorType"]), str(found["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return " ".join(f"AWS ended the run: {error} {cause}".split())
    return sentence if kind == "StopError" else f"The function failed: {kind}: {sentence} Its log has the reason."


def _plan(target: Target, run: Run) -> Plan | None:
    """Return the plan of a run, None as long as there is none."""
    with output_of(target, run.output) as output:
        try:
            return planning.read_plan(output, run.name)
        except MissingError:
            return None
