"""`visage publish` uploads to the S3 of a local AWS, and reports what AWS refuses in one line."""

import json
import os
import subprocess
import sys
import time

import pytest

from deploy.local import LocalAWS, free_port, temporary
from deploy.target import local_target
from model import bundle as bundles
from model.settings import ROOT
from scripts.console import SETTINGS


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """A local AWS with a bucket called `models`."""
    with temporary(tmp_path_factory.mktemp("local-aws"), SETTINGS) as local:
        with local_target(local).client("s3") as s3:
            s3.create_bucket(Bucket="models")
        yield local


def publish(bundle, location, environment):
    command = [sys.executable, "-m", "scripts", "publish", str(bundle), location, "--json"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_bundle_is_published_once_and_again_without_an_upload(local, bundle):
    version = bundles.load(str(bundle)).manifest.version
    for _ in range(2):
        done = publish(bundle, "s3://models/one", local.environment())
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"version": version, "location": "s3://models/one"}
    assert "Uploading" not in done.stderr
    with local_target(local).client("s3") as s3:
        assert s3.list_objects_v2(Bucket="models", Prefix="one/")["KeyCount"] > 1


@pytest.mark.parametrize(
    ("location", "changes", "said"),
    [
        ("s3://nobodys/one", {}, "nobodys"),
        ("models/one", {}, "Give s3://bucket/prefix"),
        ("s3://models/two", {"AWS_PROFILE": "missing"}, "profile (missing) could not be found"),
        ("s3://models/two", {"AWS_ACCESS_KEY_ID": "", "AWS_EC2_METADATA_DISABLED": "true"}, "credentials"),
        ("s3://models/two", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "cannot be reached"),
        ("s3://models/two", {"AWS_ENDPOINT_URL": "garbage"}, "Invalid endpoint: garbage"),
    ],
)
def test_what_aws_refuses_is_one_line_and_status_1(local, bundle, location, changes, said):
    done = publish(bundle, location, local.environment() | changes)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert said in done.stderr
    assert "Error:" in done.stderr.splitlines()[-1]


def test_asking_for_the_status_during_the_start_does_not_disturb_it(tmp_path):
    port = free_port()
    settings = SETTINGS
    local = LocalAWS(port, settings.cache / "local-aws" / str(port), settings)
    environment = os.environ | {"VISAGE_LOCAL_PORT": str(port)}
    command = [sys.executable, "-m", "scripts", "local"]
    with subprocess.Popen([*command, "up"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as up:
        asked = 0
        while up.poll() is None:
            local.running()
            asked += 1
            time.sleep(0.001)  # asks at every stage of the start, and leaves it some of the processor
        assert (up.returncode, asked > 1, local.running()) == (0, True, True)
    down = subprocess.run([*command, "down"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (down.returncode, down.stdout) == (0, "The local AWS is stopped.\n")
    assert local.running() is False
