"""The options for costs and watching: how they are checked, and kept from one deployment to the next."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from deploy import options as module
from deploy.errors import DeployError
from deploy.options import Options
from deploy.stack import Outputs

AWS, HERE = SimpleNamespace(local=None), SimpleNamespace(local="this machine")


@pytest.fixture
def deployed(monkeypatch):
    """Let the stack keep this text as its options; None where there is no stack."""

    def deployed(text):
        outputs = None if text is None else Outputs("api", "models", "site", "https://x", None, "name", text)
        monkeypatch.setattr(module.stack, "outputs", lambda _: outputs)

    return deployed


def test_what_was_said_once_is_kept(deployed):
    said = Options().changed(
        max_concurrency=5, budget=20.5, alarm_email="ada@example.org", dashboard=False, keep_warm=1
    )
    deployed(said.parameters()["options"])
    assert Options.kept(AWS) == said
    assert Options.kept(AWS).changed(budget=0, alarms=None) == replace(said, budget=0)


@pytest.mark.parametrize("text", [None, "{}", "", "[]", "null", '{"former": 1}', "{"])
def test_a_stack_that_keeps_nothing_readable_has_the_defaults(deployed, text):
    deployed(text)
    assert Options.kept(AWS) == Options()


def test_the_local_aws_is_watched_only_if_it_is_asked_for(deployed):
    deployed(None)
    local = Options.kept(HERE)
    assert (local.alarms, local.dashboard, local.access_logs) == (False, False, False)
    assert local.changed(alarms=True).parameters()["alarms"] == "on"


def test_what_is_off_is_no_parameter_of_the_template():
    none = Options().changed(alarms=False, dashboard=False, access_logs=False)
    assert set(none.parameters()) == {"options", "thumbnails"}


def test_the_template_gets_numbers_as_they_were_given():
    given = Options().changed(max_concurrency=5, budget=20.0, alarm_email="ada@example.org").parameters()
    assert (given["maxConcurrency"], given["budget"], given["alarmEmail"]) == ("5", "20.00", "ada@example.org")
    assert json.loads(given["options"])["budget"] == 20


@pytest.mark.parametrize("email", ["nobody", "a@b", "a b@c.de", "<a@b.de>", "a@b.de,c@d.ef", "${a}@b.de"])
def test_what_is_no_mail_address_is_refused(email):
    with pytest.raises(DeployError, match="is not a mail address"):
        Options().changed(alarm_email=email)


@pytest.mark.parametrize(
    "arn",
    [
        "visage",
        "arn:aws:wafv2:eu-central-1:123456789012:global/webacl/visage/0a1b",
        "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/visage/0a1b",
        "arn:aws:wafv2:us-east-1:123456789012:global/webacl/${a}/0a1b",
    ],
)
def test_what_is_no_web_acl_for_cloudfront_is_refused(arn):
    with pytest.raises(DeployError, match="is not the ARN of a web ACL for CloudFront"):
        Options().changed(waf=arn)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"budget": 20}, "--budget needs somebody to write to: give --alarm-email"),
        ({"budget": float("inf"), "alarm_email": "a@b.de"}, "--budget inf is not an amount of dollars"),
        ({"budget": float("nan"), "alarm_email": "a@b.de"}, "--budget nan is not an amount of dollars"),
        ({"max_concurrency": 2, "keep_warm": 3}, "--keep-warm 3 is more than --max-concurrency 2 allows"),
    ],
)
def test_options_that_contradict_each_other_are_one_sentence(said, sentence):
    with pytest.raises(DeployError, match=sentence):
        Options().changed(**said)


def test_instances_that_are_kept_warm_start_from_no_snapshot():
    assert Options().starts_from_snapshot
    assert not Options(keep_warm=1).starts_from_snapshot
    assert not Options(snapshot=False).starts_from_snapshot


BATCHES = {"batch": True, "batch_source": "s3://photos/2026", "batch_output": "s3://results/2026/"}


def test_the_template_gets_bucket_and_prefix_of_source_and_output_apart():
    given = Options().changed(**BATCHES, batch_concurrency=8).parameters()
    assert (given["batch"], given["batchConcurrency"]) == ("on", "8")
    assert (given["batchSource"], given["batchSourceBucket"], given["batchSourcePrefix"]) == (
        "photos/2026/",
        "photos",
        "2026/",
    )
    assert (given["batchOutput"], given["batchOutputPrefix"]) == ("results/2026/", "2026/")
    whole = Options().changed(**BATCHES | {"batch_source": "s3://photos"}).parameters()
    assert whole["batchSource"] == "photos/"
    assert "batchSourcePrefix" not in whole


def test_without_batches_the_template_gets_none_of_their_parameters():
    assert not [name for name in Options().parameters() if name.startswith("batch")]
    known = Options().changed(**BATCHES).changed(batch=False)
    assert not [name for name in known.parameters() if name.startswith("batch")]
    assert known.changed(batch=True).batch_source == "s3://photos/2026"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"batch_source": ""}, "give --batch-source s3://bucket/prefix and --batch-output"),
        ({"batch_output": ""}, "give --batch-source s3://bucket/prefix and --batch-output"),
        ({"batch_source": "photos"}, "--batch-source photos cannot be used"),
        ({"batch_source": "s3://photos/*"}, "cannot be used"),
        ({"batch_output": "s3://results/${x}"}, "cannot be used"),
        ({"batch_output": "s3://Results/x"}, "cannot be used"),
        ({"batch_output": "s3://photos/2026/results"}, "is inside --batch-source"),
        ({"batch_concurrency": 0}, "must be from 1 to"),
    ],
)
def test_batches_need_places_that_a_role_can_be_limited_to(change, said):
    with pytest.raises(DeployError, match=re.escape(said)):
        Options().changed(**BATCHES | change)
