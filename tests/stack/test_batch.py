"""A bucket of photos through the state machine: each photo once, whatever fails, and the rows of this machine."""

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from batch import parts, planning, worker
from batch.contract import Batch
from batch.sources import BucketSource
from batch.storage import FolderStorage
from deploy import arrivals, local
from deploy import batch as runs
from deploy.batch import CANCELLED, RUNNING, SUCCEEDED
from deploy.errors import DeployError
from model.recognizer import Recognizer
from model.rosters import Rosters
from model.settings import Settings
from scripts import batch_stage
from scripts import samples as sample_photos
from scripts.stages import Stage
from tests.deployed import environment_of

ODD = ("a b/ü+%&?#.jpg", "a b/'quoted' \"twice\".jpg", "z/…/ß.jpg", ".hidden.jpg", "folder/")

MANY = 300
"""Keys of the larger sources. Most are no photos, which take no time."""

PATIENCE_S = 240


@pytest.fixture(scope="module")
def machine(stack):
    return runs.require_machine(stack.target)


@pytest.fixture(scope="module")
def buckets(stack, samples):
    """The bucket of photos, one folder a test, and the bucket of results."""
    found = [samples / sample_photos.UNSEEN, samples / sample_photos.STRANGERS]
    with stack.client("s3") as s3:
        s3.create_bucket(Bucket="photos")
        s3.create_bucket(Bucket="results")
        for number, key in enumerate(ODD):
            s3.put_object(Bucket="photos", Key=f"few/{key}", Body=found[number % 2].read_bytes())
        s3.put_object(Bucket="photos", Key="few/notes.txt", Body=b"no photo")
        s3.put_object(Bucket="photos", Key="few/broken.jpg", Body=found[0].read_bytes()[:2000])
        for folder in ("killed", "cancelled", "followed"):
            for number in range(MANY):
                content = found[0].read_bytes() if number % 10 == 0 else b"no photo"
                s3.put_object(Bucket="photos", Key=f"{folder}/{number:04}.jpg", Body=content)
    return found


@pytest.fixture
def run_folder(stack, machine, buckets):
    """Runs a folder of photos to its end, and gives how far it came."""

    def run_folder(folder, **options):
        started = start(stack, machine, folder, **options)
        return ended(stack, started)

    return run_folder


def start(stack, machine, folder, **options):
    return runs.start(stack.target, machine, f"s3://photos/{folder}", f"s3://results/{folder}", **options)


def ended(stack, run):
    """Wait until a run has ended, with all of its batches."""
    return until(lambda: runs.progress(stack.target, run), lambda found: found.run.state != RUNNING)


def until(look, good):
    deadline = time.monotonic() + PATIENCE_S
    while not good(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def rows_of(stack, folder):
    with runs.output_of(stack.target, f"s3://results/{folder}") as output:
        names = sorted(parts.existing(output))
        return [row for name in names for row in parts.read_rows(output, name)]


def keys_of(stack, folder):
    source = BucketSource(f"s3://photos/{folder}", stack.target.connect)
    try:
        return [listed.key for listed in source.photos()]
    finally:
        source.close()


def test_the_parts_are_those_that_this_machine_writes(stack, run_folder, bundle, tmp_path):
    found = run_folder("few", keep_embeddings=True)
    assert (found.run.state, found.run.error) == (SUCCEEDED, "")
    here = FolderStorage(tmp_path / "here")
    with runs.output_of(stack.target, "s3://results/few") as there:
        answer_here(stack, bundle, here, planning.read_header(there))
        names = parts.existing(there)
        assert names == parts.existing(here) != set()
        for name in names:
            for file in (parts.part_file(name), parts.embeddings_file(name)):
                assert there.read(file) == here.read(file)
        summary = planning.read_summary(there)
    assert summary["complete"]
    assert 0 < summary["run"]["dollars_at_most"] < 1
    assert summary["statuses"] == {"recognised": 2, "unreadable": 1, "not_a_photo": 1, "unknown": 1}
    assert [person["label"] for person in summary["people"]] == ["Barack Obama"]
    assert summary["left_out"] == {"hidden files, and those of systems and programs": 1}


def answer_here(stack, bundle, output, header):
    """Answer the photos in this process, as `visage batch` does without a stage."""
    bucket = stack.outputs()["ModelBucket"]
    place = f"s3://{bucket}/roster/{header.space}/roster.npz"
    settings = replace(Settings.read({}), location=str(bundle), threads=1, roster=place)
    model = Recognizer.load(str(bundle), settings)
    with environment_of(stack.local):
        Rosters(settings, lambda _: None).require(model)
    source = BucketSource("s3://photos/few", stack.target.connect)
    try:
        plan = planning.plan(source, output, header, "here")
        for batch in planning.manifest(output, plan.run):
            parts.write(output, worker.answer(batch, source, output, model, header))
    finally:
        source.close()


def test_a_second_run_does_what_is_new_alone(stack, run_folder, buckets):
    nothing = run_folder("few")
    assert (nothing.plan.to_do, nothing.run.state) == (0, SUCCEEDED)
    former = {row["photo"]: row for row in rows_of(stack, "few")}
    with stack.client("s3") as s3:
        s3.put_object(Bucket="photos", Key="few/another.jpg", Body=buckets[0].read_bytes())
    more = run_folder("few")
    assert more.plan.to_do == 1
    rows = {row["photo"]: row for row in rows_of(stack, "few")}
    assert rows.pop("another.jpg")["status"] == "recognised"
    assert rows == former
    with runs.output_of(stack.target, "s3://results/few") as output:
        (batch,) = [Batch.from_json(line) for line in output.read(planning.manifest_file(more.run.name)).splitlines()]
    assert batch.reuse


def test_killed_batches_are_done_again_and_every_photo_has_one_row(stack, machine, buckets):
    started = start(stack, machine, "killed")
    planned = until(lambda: runs.progress(stack.target, started), lambda found: found.plan is not None)
    wanted = -(-planned.plan.to_do // 5)
    while len(failed := failures(stack, started)) < wanted:
        assert runs.progress(stack.target, started).run.state == RUNNING, "it ended before enough was killed"
        kill_one(stack, machine)
        time.sleep(0.2)
    found = ended(stack, started)
    assert found.run.state == SUCCEEDED
    assert len(failed) >= wanted >= 2
    assert sorted(row["photo"] for row in rows_of(stack, "killed")) == keys_of(stack, "killed")


def failures(stack, run):
    """Return the batches of which an attempt failed."""
    with stack.client("stepfunctions") as machines:
        maps = machines.list_map_runs(executionArn=run.arn)["mapRuns"]
        children = [
            child["executionArn"]
            for each in maps
            for child in machines.list_executions(mapRunArn=each["mapRunArn"])["executions"]
        ]
        return [
            child
            for child in children
            if any(
                event["type"] == "TaskFailed" for event in machines.get_execution_history(executionArn=child)["events"]
            )
        ]


def kill_one(stack, machine):
    """Kill a process of the function, as Lambda does when it has no memory left; return whether there was one."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            variables = (folder / "environ").read_bytes()
        except OSError:
            continue
        ours = (f"AWS_LAMBDA_FUNCTION_NAME={machine.function}\0", f"AWS_ENDPOINT_URL={stack.endpoint}\0")
        if b"awslambdaric" in words and all(variable.encode() in variables for variable in ours):
            os.kill(int(folder.name), signal.SIGKILL)
            return True
    return False


def test_a_cancelled_run_ends_and_the_next_one_goes_on(stack, machine, buckets):
    started = start(stack, machine, "cancelled")
    until(lambda: runs.progress(stack.target, started), lambda found: found.done > 0)
    with pytest.raises(DeployError, match="A run for s3://results/cancelled is going on"):
        start(stack, machine, "cancelled")
    runs.cancel(stack.target, started)
    until(lambda: counts(stack, started), lambda found: not found["pending"] and not found["running"])
    cancelled = runs.progress(stack.target, started)
    assert cancelled.run.state == CANCELLED
    assert runs.find(stack.target, machine, "s3://results/cancelled").name == started.name
    done = len(planned_parts(stack, "cancelled"))
    assert 0 < done < cancelled.plan.batches
    rest = ended(stack, start(stack, machine, "cancelled"))
    assert (rest.run.state, rest.plan.to_do) == (SUCCEEDED, cancelled.plan.batches - done)
    assert sorted(row["photo"] for row in rows_of(stack, "cancelled")) == keys_of(stack, "cancelled")


def planned_parts(stack, folder):
    with runs.output_of(stack.target, f"s3://results/{folder}") as output:
        return parts.existing(output)


def counts(stack, run):
    with stack.client("stepfunctions") as machines:
        (found,) = machines.list_map_runs(executionArn=run.arn)["mapRuns"]
        return machines.describe_map_run(mapRunArn=found["mapRunArn"])["itemCounts"]


def test_a_photo_that_arrives_gets_its_row_at_once_and_the_next_run_keeps_it(stack, machine, run_folder, buckets):
    arrivals.watch(stack.target, machine, "s3://photos/few", "s3://results/few")
    key = "few/new ü+%.jpg"
    with stack.client("s3") as s3:
        s3.put_object(Bucket="photos", Key=key, Body=buckets[1].read_bytes())
        s3.put_object(Bucket="photos", Key="elsewhere.jpg", Body=buckets[1].read_bytes())
    row = until(lambda: row_of(stack, key.removeprefix("few/")), lambda found: found)
    assert (row["status"], len(row["faces"])) == ("unknown", 6)
    found = run_folder("few")
    assert found.plan.to_do == 1
    (now,) = [each for each in rows_of(stack, "few") if each["photo"] == row["photo"]]
    assert now == row
    arrivals.unwatch(stack.target, machine, "s3://photos/few")
    assert arrivals.watched(stack.target, machine) == []
    with stack.client("s3") as s3:
        assert not s3.get_bucket_notification_configuration(Bucket="photos").get("QueueConfigurations")


def row_of(stack, key):
    return next((row for row in rows_of(stack, "few") if row["photo"] == key), None)


def test_watching_keeps_the_bucket_s_other_notifications(stack, machine, buckets):
    with stack.client("sqs") as queues, stack.client("s3") as s3:
        address = queues.create_queue(QueueName="other")["QueueUrl"]
        policy = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
        queues.set_queue_attributes(QueueUrl=address, Attributes={"Policy": json.dumps({"Statement": [policy]})})
        arn = queues.get_queue_attributes(QueueUrl=address, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        theirs = {"Id": "theirs", "QueueArn": arn, "Events": ["s3:ObjectRemoved:*"]}
        s3.put_bucket_notification_configuration(
            Bucket="photos", NotificationConfiguration={"QueueConfigurations": [theirs]}
        )
        arrivals.watch(stack.target, machine, "s3://photos/few", "s3://results/few")
        arrivals.watch(stack.target, machine, "s3://photos/few", "s3://results/few")
        named = [
            each["Id"] for each in s3.get_bucket_notification_configuration(Bucket="photos")["QueueConfigurations"]
        ]
        assert len(named) == 2
        arrivals.unwatch_all(stack.target, machine)
        (left,) = s3.get_bucket_notification_configuration(Bucket="photos")["QueueConfigurations"]
        assert left["Id"] == "theirs"


def test_a_message_that_fails_again_and_again_waits_apart(stack, machine, buckets):
    with stack.client("sqs") as queues:
        queues.set_queue_attributes(QueueUrl=machine.arrivals, Attributes={"VisibilityTimeout": "0"})
        queues.send_message(QueueUrl=machine.arrivals, MessageBody="not of S3")
        until(lambda: arrivals.waiting(stack.target, machine), lambda found: (found.photos, found.given_up) == (0, 1))
        queues.purge_queue(QueueUrl=machine.failed_arrivals)


def test_a_run_that_cannot_go_on_says_why(stack, machine, run_folder):
    with stack.client("s3") as s3:
        header = json.loads(s3.get_object(Bucket="results", Key="few/batch.json")["Body"].read())
        other = json.dumps({**header, "model": "0123456789ab"}).encode()
        s3.put_object(Bucket="results", Key="other/batch.json", Body=other)
    with pytest.raises(DeployError, match="holds the rows of another model: 0123456789ab"):
        runs.start(stack.target, machine, "s3://photos/few", "s3://results/other")
    with pytest.raises(DeployError, match="There are no photos under s3://photos/nothing/"):
        start(stack, machine, "nothing")
    given = json.dumps({"source": "s3://photos/few", "output": "s3://results/never-opened"})
    with stack.client("stepfunctions") as machines:
        machines.start_execution(stateMachineArn=machine.arn, name="by-hand", input=given)
    by_hand = runs.find(stack.target, machine, "s3://results/never-opened")
    found = ended(stack, by_hand)
    assert (found.run.name, found.run.state) == ("by-hand", "FAILED")
    assert found.run.error == "s3://results/never-opened/ has no batch.json any more. Run the batch again."


@pytest.mark.parametrize(
    ("source", "output", "said"),
    [
        ("s3://elsewhere/few", "s3://results/few", "may use nothing outside s3://photos/ as source"),
        ("s3://photos/few", "s3://photos-2/few", "may use nothing outside s3://results/ as output"),
    ],
)
def test_places_outside_those_of_the_stage_are_refused(stack, machine, source, output, said):
    with pytest.raises(DeployError, match=said):
        runs.check_places(stack.target, machine, source, output)


def test_buckets_of_other_regions_are_refused_or_remarked_on(stack, machine, buckets):
    with stack.client("s3") as s3:
        s3.create_bucket(Bucket="far-away", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    far = replace(machine, source="s3://far-away/", output="s3://far-away/")
    with pytest.raises(DeployError, match="is in eu-west-1, and stage local in us-east-1"):
        runs.check_places(stack.target, far, "s3://far-away/photos", "s3://far-away/results")
    (remark,) = runs.check_places(
        stack.target, replace(far, output="s3://results/"), "s3://far-away/x", "s3://results/x"
    )
    assert "AWS charges for moving them to us-east-1" in remark
    with pytest.raises(DeployError, match="S3 reports to queues of its own region only"):
        arrivals.watch(stack.target, far, "s3://far-away/photos", "s3://results/x")


def test_without_batches_a_stage_says_how_to_add_them(stack, monkeypatch):
    outputs = stack.outputs()
    monkeypatch.setattr(runs.status, "require_outputs", lambda _: type("Outputs", (), {"batch": None}))
    assert outputs["BatchSource"] == "s3://photos/"
    with pytest.raises(DeployError, match="--with-batch --batch-source"):
        runs.require_machine(stack.target)


@pytest.fixture
def here(stack, monkeypatch):
    """Make the tests' local AWS that of the command line."""
    monkeypatch.setattr(local, "default", lambda _: stack.local)


PLACES = ("s3://photos/few", "s3://results/few", "--stage", "local")


def test_the_command_recognises_a_bucket_and_makes_the_table_and_the_page(stack, here, buckets, visage):
    ended = visage("batch", *PLACES, "--json")
    assert ended.status == 0, ended.err
    summary = json.loads(ended.out)
    with runs.output_of(stack.target, "s3://results/few") as output:
        assert summary == planning.read_summary(output)
        assert output.read("photos.parquet")[:4] == b"PAR1"
        assert b"Barack Obama" in output.read("report.html")
    shown = visage("batch", *PLACES)
    assert "Barack Obama: " in shown.out


def test_the_command_says_how_far_a_run_is(stack, here, buckets, visage):
    visage("batch", *PLACES)
    found = json.loads(visage("batch", *PLACES, "--status", "--json").out)
    assert (found["state"], found["photos_to_do"], found["error"]) == ("succeeded", 0, None)
    assert found["photos"] == len(keys_of(stack, "few"))
    assert ": done" in visage("batch", *PLACES, "--status").out
    ended = visage("batch", *PLACES, "--cancel")
    assert ended.status == 1
    assert "No run for s3://results/few is going on" in ended.err


def test_the_command_cancels_a_run_which_then_ends_another_command_that_follows_it(
    stack, here, machine, buckets, visage
):
    started = start(stack, machine, "followed")
    place = batch_stage.place_of(Stage.LOCAL, None, "s3://photos/followed", "s3://results/followed")
    assert json.loads(visage("batch", place.source, place.output, *PLACES[2:], "--cancel", "--json").out) == {
        "run": started.name,
        "cancelled": True,
    }
    assert batch_stage._followed(place, started).state == CANCELLED


def test_ctrl_c_leaves_the_run_going_and_says_how_to_look_at_it(stack, here, machine, buckets, visage, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "progress", interrupt)
    ended = visage("batch", "s3://photos/followed", "s3://results/followed", *PLACES[2:])
    monkeypatch.undo()
    assert ended.status == 130
    said = " ".join(ended.err.split())
    assert "visage batch s3://photos/followed s3://results/followed --stage local --region us-east-1 --status" in said
    found = runs.find(stack.target, machine, "s3://results/followed")
    assert runs.progress(stack.target, found).run.state in {RUNNING, SUCCEEDED}
    assert until(lambda: runs.progress(stack.target, found).run.state, lambda state: state != RUNNING) == SUCCEEDED


def test_the_command_watches_a_folder_and_stops(stack, here, machine, buckets, visage):
    assert visage("batch", *PLACES, "--watch").status == 0
    (watch,) = arrivals.watched(stack.target, machine)
    assert (watch.source, watch.output) == ("s3://photos/few/", "s3://results/few")
    found = json.loads(visage("batch", *PLACES, "--status", "--json").out)
    assert found["watched"] == [{"source": "s3://photos/few/", "output": "s3://results/few"}]
    assert visage("batch", *PLACES, "--no-watch").status == 0
    assert arrivals.watched(stack.target, machine) == []


def test_what_would_fail_every_batch_ends_the_run_with_its_reason(stack, here, machine, buckets, visage):
    until(lambda: kill_one(stack, machine), lambda killed: not killed)  # a process goes on with the roster that it has
    bucket = stack.outputs()["ModelBucket"]
    with stack.client("s3") as s3:
        (roster,) = s3.list_objects_v2(Bucket=bucket, Prefix="roster/")["Contents"]
        former = s3.get_object(Bucket=bucket, Key=roster["Key"])["Body"].read()
        s3.put_object(Bucket=bucket, Key=roster["Key"], Body=b"PK torn")
        try:
            ended = visage("batch", "s3://photos/few", "s3://results/torn", *PLACES[2:])
        finally:
            s3.put_object(Bucket=bucket, Key=roster["Key"], Body=former)
    assert ended.status == 1
    assert "roster is damaged" in " ".join(ended.err.split())
