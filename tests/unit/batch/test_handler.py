"""The second function: the steps of the state machine, photos that arrive, and what another attempt may mend."""

import io
import json
from types import SimpleNamespace

import pytest
from aws_lambda_powertools import Logger

from batch import arrivals, parts, planning
from batch.arrivals import Watch
from batch.endings import cancel, why_stopped
from batch.errors import BatchUnavailableError
from batch.handler import MOST_TO_DO, Steps, StopError
from batch.planning import Plan
from batch.serving import Serving
from model.errors import BundleError, BundleUnavailableError, RosterUnreadableError, SharedUnavailableError
from model.settings import Settings
from preprocess.geometry import Geometry
from tests.answering import HEADER, Model
from tests.buckets import Buckets, etag

SOURCE, OUTPUT = "s3://photos/pile/", "s3://results/out/one"
INPUT = {"source": SOURCE, "output": OUTPUT}
PLENTY = SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)


class Served(Serving):
    """Serves a model that needs no file. `failure` is raised in its place; `asked` counts how often it was wanted."""

    failure = None
    asked = 0

    def model(self, header):
        self.asked += 1
        if self.failure:
            raise self.failure
        return Model()

    def manifest(self):
        training = {"pretrained": {"name": "casia-webface", "sha256": "0"}, "recipe": {"input_size": 160}}
        return SimpleNamespace(version="model-1", training=training, geometry=Geometry())


@pytest.fixture
def buckets():
    photos = {f"pile/{number:03}.jpg": b"ada ?" for number in range(100)}
    return Buckets(photos=photos, results={})


@pytest.fixture
def steps(buckets):
    settings = Settings.read({"VISAGE_MODEL": "s3://models/models/model-1", "VISAGE_BATCH_OUTPUT": "s3://results/out/"})
    return Steps(settings, Logger(service="test", stream=io.StringIO()), Served(settings, buckets.connect))


def do(steps, step, context=PLENTY, **fields):
    return steps.handle({"step": step, "run": "run-1", "input": INPUT, **fields}, context)


@pytest.fixture
def planned(steps):
    """The batches of a run that is planned, as the state machine reads them."""
    do(steps, "open")
    answer = do(steps, "plan")
    bucket = steps.serving.output(OUTPUT)
    lines = bucket.read(answer["manifest"]["key"].removeprefix("out/one/")).splitlines()
    assert len(lines) == answer["batches"] > 1
    return [json.loads(line) for line in lines]


def rows_of(steps):
    output = steps.serving.output(OUTPUT)
    return sorted(row["photo"] for name in parts.existing(output) for row in parts.read_rows(output, name))


def test_a_run_opens_plans_answers_and_counts(steps, planned, buckets):
    for batch in planned:
        assert do(steps, "answer", batch=batch) == 0
    assert rows_of(steps) == [f"{number:03}.jpg" for number in range(100)]
    assert do(steps, "merge", functions={"count": 2, "memory_mb": 1769}) == {"photos": 100, "missing_batches": 0}
    summary = json.loads(buckets.objects["results"]["out/one/summary.json"])
    assert summary["statuses"] == {"recognised": 100}
    assert summary["run"]["dollars_at_most"] > 0


@pytest.mark.parametrize("functions", ["many", {}, {"count": "x", "memory_mb": 1}], ids=str)
def test_a_state_machine_that_says_nonsense_about_its_functions_is_refused(steps, planned, functions):
    with pytest.raises(StopError, match="Deploy it again"):
        do(steps, "merge", functions=functions)


def test_the_header_says_which_model_and_source_an_output_is_of(steps):
    header = do(steps, "open")
    assert (header["source"], header["model"], header["generation"]) == (SOURCE, "model-1", 1)
    assert do(steps, "open") == header
    again = {"step": "open", "input": {**INPUT, "new": True}}
    assert steps.handle(again, PLENTY)["generation"] == 2


def test_the_manifest_is_where_the_state_machine_reads_it(steps, buckets):
    do(steps, "open")
    where = do(steps, "plan")["manifest"]
    assert where["key"] in buckets.objects[where["bucket"]]


def test_a_batch_that_is_answered_twice_has_the_same_part(steps, planned, buckets):
    do(steps, "answer", batch=planned[0])
    former = dict(buckets.objects["results"])
    do(steps, "answer", batch=planned[0])
    assert buckets.objects["results"] == former


def test_a_cancelled_run_answers_nothing_more(steps, planned):
    do(steps, "answer", batch=planned[0])
    cancel(steps.serving.output(OUTPUT), "run-1")
    assert do(steps, "answer", batch=planned[1]) == 0
    assert parts.existing(steps.serving.output(OUTPUT)) == {planned[0]["batch"]}
    assert do(steps, "merge")["missing_batches"] == len(planned) - 1


class Killed(BaseException):
    """Ends a process that recognises a photo, as far as a test can."""


class Fragile(Model):
    def recognize(self, data):
        if data == b"kill":
            raise Killed
        return super().recognize(data)


def test_a_photo_that_kills_its_process_has_a_row_that_says_so(steps, buckets, planned, monkeypatch):
    batch = planned[0]
    victims = [batch["photos"][1][0], batch["photos"][2][0]]
    for number, listed in enumerate(batch["photos"]):
        if listed[0] in victims:
            buckets.objects["photos"][f"pile/{listed[0]}"] = b"kill"
            batch["photos"][number] = [listed[0], etag(b"kill").strip('"'), 4]
    monkeypatch.setattr(steps.serving, "model", lambda _: Fragile())
    with pytest.raises(Killed):
        do(steps, "answer", batch=batch)
    for _ in victims:
        with pytest.raises(Killed):
            do(steps, "answer", batch=batch, singly=True)
    assert do(steps, "answer", batch=batch, singly=True) == 0
    output = steps.serving.output(OUTPUT)
    assert parts.existing(output) == {batch["batch"]}
    rows = {row["photo"]: row["status"] for row in parts.read_rows(output, batch["batch"])}
    assert list(rows) == [key for key, *_ in batch["photos"]]
    assert {key: rows.pop(key) for key in victims} == dict.fromkeys(victims, "failed")
    assert set(rows.values()) == {"recognised"}
    assert not [name for name in output.names("manifests") if name.endswith(".tried")]


def test_photo_by_photo_the_part_is_the_same(steps, planned, buckets):
    do(steps, "answer", batch=planned[0])
    former = dict(buckets.objects["results"])
    assert do(steps, "answer", batch=planned[0], singly=True) == 0
    assert buckets.objects["results"] == former


def test_a_run_says_how_many_batches_have_no_part(steps, planned):
    assert do(steps, "merge") == {"photos": 0, "missing_batches": len(planned)}


@pytest.mark.parametrize(
    "failure",
    [BundleError("It is damaged."), RosterUnreadableError("It is damaged.")],
    ids=lambda each: str(type(each)),
)
def test_what_no_attempt_can_mend_stops_the_run_with_its_sentence(steps, planned, failure):
    steps.serving.failure = failure
    with pytest.raises(StopError, match="It is damaged"):
        do(steps, "answer", batch=planned[0])
    assert why_stopped(steps.serving.output(OUTPUT), "run-1") == "It is damaged."


@pytest.mark.parametrize("failure", [BundleUnavailableError("later"), SharedUnavailableError("later")])
def test_what_another_attempt_may_mend_is_tried_again(steps, planned, failure):
    steps.serving.failure = failure
    with pytest.raises(type(failure)):
        do(steps, "answer", batch=planned[0])


def test_an_output_without_a_header_stops_the_run(steps):
    with pytest.raises(StopError, match=r"has no batch.json any more"):
        do(steps, "plan")


def test_an_output_of_another_model_is_refused(steps, buckets):
    other = HEADER.to_json().replace(b"model-1", b"model-0")
    buckets.objects["results"]["out/one/batch.json"] = other
    with pytest.raises(StopError, match="holds the rows of another model"):
        do(steps, "open")


def test_a_list_that_takes_too_long_stops_before_lambda_does(steps):
    do(steps, "open")
    with pytest.raises(StopError, match="more photos than one run on AWS can take"):
        do(steps, "plan", SimpleNamespace(get_remaining_time_in_millis=lambda: 1_000))


def test_more_batches_than_a_map_can_have_are_refused(steps, monkeypatch):
    do(steps, "open")
    monkeypatch.setattr(planning, "plan", lambda *_: Plan("run-1", 1, 0.0, to_do=MOST_TO_DO + 1))
    with pytest.raises(StopError, match="Run the folders in it one after the other"):
        do(steps, "plan")


@pytest.mark.parametrize("event", [{}, [], None, {"step": "dance"}, {"Records": None}])
def test_an_event_of_no_step_is_refused(steps, event):
    with pytest.raises(StopError, match="of no step"):
        steps.handle(event, PLENTY)


def message(number, key, content, bucket="photos", **fields):
    """Return the message of SQS about an object that arrived; its key is encoded as S3 does it."""
    found = {"key": key, "size": len(content), "eTag": etag(content).strip('"')}
    body = {"Records": [{"s3": {"bucket": {"name": bucket}, "object": found}}]}
    return {"messageId": f"m{number}", "body": json.dumps(body), **fields}


@pytest.fixture
def watched(steps, buckets):
    """An output whose source is watched."""
    do(steps, "open")
    arrivals.set_watches(steps.serving.output("s3://results/out/"), [Watch(SOURCE, OUTPUT)])
    buckets.objects["photos"]["pile/new ü+%.jpg"] = b"bob"
    buckets.objects["photos"]["pile/none.jpg"] = b""
    return [message(1, "pile/new+%C3%BC%2B%25.jpg", b"bob"), message(2, "pile/none.jpg", b"")]


def test_each_photo_that_arrives_gets_its_row(steps, watched):
    assert steps.handle({"Records": watched}, PLENTY) == {"batchItemFailures": []}
    assert rows_of(steps) == ["new ü+%.jpg", "none.jpg"]


def test_a_message_that_comes_twice_changes_nothing(steps, watched, buckets):
    steps.handle({"Records": watched}, PLENTY)
    former = dict(buckets.objects["results"])
    steps.handle({"Records": watched[:1]}, PLENTY)
    assert buckets.objects["results"] == former


def test_the_next_run_takes_the_rows_of_arrivals_and_removes_their_parts(steps, watched, planned):
    steps.handle({"Records": watched}, PLENTY)
    arrived = parts.existing(steps.serving.output(OUTPUT))
    where = do(steps, "plan")["manifest"]["key"].removeprefix("out/one/")
    output = steps.serving.output(OUTPUT)
    batches = [json.loads(line) for line in output.read(where).splitlines()]
    assert arrived <= {name for batch in batches for name in batch["reuse"]}
    for batch in batches:
        do(steps, "answer", batch=batch)
    do(steps, "merge")
    assert not arrived & parts.existing(output)
    assert rows_of(steps)[-2:] == ["new ü+%.jpg", "none.jpg"]


def test_a_photo_that_cannot_be_read_now_comes_again_and_the_others_have_rows(steps, watched, buckets):
    buckets.refused["pile/none.jpg"] = "SlowDown"
    assert steps.handle({"Records": watched}, PLENTY) == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
    assert rows_of(steps) == ["new ü+%.jpg"]


def test_all_messages_come_again_if_the_model_cannot_be_loaded(steps, watched):
    steps.serving.failure = BundleUnavailableError("later")
    failed = steps.handle({"Records": watched}, PLENTY)["batchItemFailures"]
    assert [each["itemIdentifier"] for each in failed] == ["m1", "m2"]


def test_a_photo_that_was_replaced_or_removed_since_has_no_row(steps, watched, buckets):
    buckets.objects["photos"]["pile/new ü+%.jpg"] = b"ada"
    del buckets.objects["photos"]["pile/none.jpg"]
    assert steps.handle({"Records": watched}, PLENTY) == {"batchItemFailures": []}
    assert rows_of(steps) == []


def test_what_is_not_watched_any_more_is_passed_over(steps, watched):
    elsewhere = [message(1, "other/x.jpg", b"ada"), message(2, "pile/x.jpg", b"ada", bucket="others")]
    assert steps.handle({"Records": elsewhere}, PLENTY) == {"batchItemFailures": []}
    assert steps.serving.asked == 0


def test_s3_tries_the_queue_with_a_message_that_is_about_no_photo(steps, watched):
    trial = {"messageId": "m1", "body": json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})}
    assert steps.handle({"Records": [trial]}, PLENTY) == {"batchItemFailures": []}


@pytest.mark.parametrize("body", ["", "[]", '{"Records": [{}]}', '{"Records": [{"s3": null}]}'])
def test_a_message_that_is_not_of_s3_ends_in_the_dead_letter_queue(steps, watched, body):
    others = [{"messageId": "m9", "body": body}, *watched]
    assert steps.handle({"Records": others}, PLENTY) == {"batchItemFailures": [{"itemIdentifier": "m9"}]}
    assert len(rows_of(steps)) == 2


def test_an_output_that_was_deleted_fails_its_messages(steps, watched, buckets):
    del buckets.objects["results"]["out/one/batch.json"]
    assert len(steps.handle({"Records": watched}, PLENTY)["batchItemFailures"]) == 2


def test_s3_that_does_not_answer_fails_the_call(steps, watched, buckets):
    buckets.refused["out/watches.json"] = "SlowDown"
    with pytest.raises(BatchUnavailableError):
        steps.handle({"Records": watched}, PLENTY)
