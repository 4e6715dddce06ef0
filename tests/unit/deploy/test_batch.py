"""Runs of a stage: their states, how far they are, and the sentence by which one failed."""

import json
from datetime import UTC, datetime

import pytest

from batch.planning import Plan
from deploy.batch import Progress, Run, _run
from deploy.machine import Machine

STARTED = datetime(2026, 11, 26, 20, tzinfo=UTC)
RUN = Run("20261126T200000Z-0a1b2c", "arn", "RUNNING", "s3://results/one", STARTED)


def described(**fields):
    """Return what Step Functions says of a run."""
    given = json.dumps({"source": "s3://photos/one", "output": "s3://results/one"})
    return {"name": RUN.name, "executionArn": "arn", "status": "RUNNING", "input": given, "startDate": STARTED} | fields


def test_a_run_names_its_output():
    assert _run(described()) == RUN


@pytest.mark.parametrize("given", ["", "[]", "{}", "null", "{"])
def test_a_run_that_somebody_started_by_hand_has_none(given):
    assert _run(described(input=given)).output == ""


def test_a_run_that_stopped_says_the_sentence_of_the_function():
    cause = json.dumps({"errorType": "StopError", "errorMessage": "There are no photos.", "stackTrace": []})
    failed = _run(described(status="FAILED", error="StopError", cause=cause, stopDate=STARTED))
    assert failed.error == "There are no photos."


def test_another_error_of_the_function_names_its_kind_and_the_log():
    cause = json.dumps({"errorType": "Runtime.ExitError", "errorMessage": "signal: killed."})
    failed = _run(described(status="FAILED", error="Runtime.ExitError", cause=cause))
    assert failed.error == "The function failed: Runtime.ExitError: signal: killed. Its log has the reason."


@pytest.mark.parametrize("cause", ["", "too many failed", "[]", '{"a": 1}'])
def test_what_step_functions_says_itself_is_passed_on(cause):
    failed = _run(described(status="FAILED", error="States.Timeout", cause=cause))
    assert failed.error == " ".join(f"AWS ended the run: States.Timeout {cause}".split())


def test_the_photos_that_are_done_follow_from_the_batches():
    plan = Plan("run", 1, 0.0, photos=5000, batches=150, photos_to_do=2000, to_do=60)
    assert Progress(RUN, plan, done=15).photos == 500
    assert Progress(RUN, plan, done=60).photos == 2000
    assert Progress(RUN).photos == 0
    assert Progress(RUN, Plan("run", 1, 0.0, photos=10, batches=1)).photos == 0


def test_a_stage_without_batches_has_no_machine():
    outputs = {
        "BatchMachine": "arn",
        "BatchFunction": "name",
        "BatchSource": "s3://photos/2026/",
        "BatchOutput": "s3://results/",
        "Arrivals": "https://a",
        "FailedArrivals": "https://b",
    }
    machine = Machine.deployed(outputs)
    assert machine == Machine("arn", "name", "s3://photos/2026/", "s3://results/", "https://a", "https://b")
    assert machine.place == "photos/2026/"
    assert Machine.deployed({"BatchMachine": "arn"}) is None
