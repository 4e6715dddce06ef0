"""What goes to AWS itself: its templates, checked by cfn-lint, and a rehearsal of `visage deploy --stage dev`.

The rehearsal's AWS is a local one that enforces roles and the policies of buckets. When a version of a function is
published, it starts it, as AWS does for a snapshot. It has no Docker: a program of that name records how it is called.
"""

import json
import os
import subprocess
import sys
import sysconfig
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest
import requests

from deploy import answers, package
from deploy import stack as stacks
from deploy.errors import DeployError
from deploy.local import ADDRESS, LocalAWS, direct, free_port
from deploy.stack import Engine, Function, Hosting
from deploy.target import Target
from model import bundle as bundles
from model.settings import ROOT, Settings
from scripts.console import SETTINGS

REGION = "eu-central-1"
ONNX = "visage-dev-onnx"
IMAGE = "visage-dev-api"
CFN_LINT = Path(sysconfig.get_path("scripts"), "cfn-lint")

IGNORED = (
    "W3005",  # osls writes down dependencies that follow from references
    "W8003",  # osls fills in the kind of website, so that its condition compares constants
)

PACKAGES = [(Engine.ONNX, "snapshot"), (Engine.ONNX, "zip"), (Engine.TORCHSCRIPT, "image")]
"""Every way in which a function is deployed; the second one is only that of a stage's first deployment."""

DOCKER = """#!/bin/sh
echo "$@" >> "{log}"
[ "$1" = login ] && touch "{log}.login"
[ "$1" = push ] && [ ! -e "{log}.login" ] && echo "no basic auth credentials" >&2 && exit 1
[ "$1" = push ] && echo "latest: digest: sha256:{digest} size: 1"
exit 0
"""
"""Stands in for Docker: records its arguments, and needs a login before it pushes."""

DIGEST = "0123456789abcdef" * 4


@dataclass(frozen=True)
class Account:
    """An AWS account of the rehearsal: the environment of its owner, and the file with Docker's calls."""

    environment: dict[str, str]
    docker_log: Path

    @property
    def target(self) -> Target:
        session = boto3.Session(
            self.environment["AWS_ACCESS_KEY_ID"], self.environment["AWS_SECRET_ACCESS_KEY"], region_name=REGION
        )
        return Target("dev", REGION, Settings.read(self.environment), session=session)

    def client(self, service):
        return closing(self.target.session.client(service, endpoint_url=self.environment["AWS_ENDPOINT_URL"]))

    def visage(self, *words):
        return subprocess.run(
            [sys.executable, "-m", "scripts", *map(str, words)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


class _OverHTTPS(BaseHTTPRequestHandler):
    """Passes requests on to the local AWS, and says that they came over HTTPS, as they do on AWS."""

    protocol_version = "HTTP/1.1"
    port = 0

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with closing(HTTPConnection(ADDRESS, self.port, timeout=60)) as connection:
            headers = {**self.headers, "X-Forwarded-Proto": "https"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  # the base class's names

    def log_message(self, *_):
        pass


@contextmanager
def over_https(port):
    """Give the address of a server that passes requests on to this port as if they had come over HTTPS."""
    handler = type("Handler", (_OverHTTPS,), {"port": port})
    with ThreadingHTTPServer((ADDRESS, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{ADDRESS}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    python = package.interpreter(SETTINGS)
    if python is None:
        pytest.skip(f"no Python {package.PYTHON} for Linux on x86-64 to run the zip")
    folder, port = tmp_path_factory.mktemp("account"), free_port()
    docker = folder / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER.format(log=folder / "docker.txt", digest=DIGEST))
    docker.chmod(0o755)
    with over_https(port) as address:
        variables = {"AUTH": "true", "AWS_ENDPOINT_URL": address, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
        aws = LocalAWS(port, folder, SETTINGS, python, variables)
        aws.start()
        try:
            search = f"{docker.parent}{os.pathsep}{SETTINGS.environment['PATH']}"
            owner = {**aws.environment(), "PATH": search, "VISAGE_CACHE": str(SETTINGS.cache)}
            yield Account(owner, folder / "docker.txt")
        finally:
            aws.stop()


@pytest.fixture(scope="module")
def rehearsed(account, bundle):
    """The first deployment of a stage: ONNX, whose snapshot needs the model before it is taken."""
    return account.visage(
        "deploy", "--stage", "dev", "--region", REGION, "--engine", "onnx", "--bundle", bundle, "--json"
    )


@pytest.fixture(scope="module")
def imaged(account, rehearsed, bundle):
    """The same stage with the other engine, whose image Docker builds. The local AWS cannot run it."""
    version = bundles.load(str(bundle)).manifest.version
    function = Function(Engine.TORCHSCRIPT, "image")
    stacks.deploy(account.target, f"models/{version}", function, Hosting.CLOUDFRONT)
    return account.docker_log.read_text().splitlines()


@pytest.fixture(scope="module")
def templates(account, tmp_path_factory):
    """The folders of the templates that osls makes for a stage on AWS: of every package and website."""
    folder = tmp_path_factory.mktemp("templates")
    (folder / "function.zip").write_bytes(b"PK\5\6" + bytes(18))  # an empty zip
    return {
        (kind, hosting): _packaged(account, folder / f"{kind}-{hosting}", engine, kind, hosting)
        for engine, kind in PACKAGES
        for hosting in Hosting
    }


def _packaged(account, folder, engine, kind, hosting):
    function = Function(engine, kind, "" if kind == "image" else str(folder.parent / "function.zip"))
    words = stacks.arguments(account.target, "models/0123456789ab", function, hosting)
    with stacks.osls_lock(account.target):
        done = subprocess.run(
            [stacks.OSLS, "package", *words, "--package", folder],
            cwd=ROOT,
            env=account.environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def _resources(folder):
    return json.loads((folder / "cloudformation-template-update-stack.json").read_text())["Resources"]


def test_cfn_lint_finds_nothing_in_the_template_of_any_package_and_website(templates):
    files = [file for folder in templates.values() for file in folder.glob("cloudformation-template-*.json")]
    assert len(files) == 2 * len(PACKAGES) * len(Hosting)
    command = [CFN_LINT, "--regions", REGION, "--ignore-checks", *IGNORED, "--", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_only_a_snapshot_publishes_versions(templates):
    kinds = {
        kind
        for (kind, _), folder in templates.items()
        if any(resource["Type"] == "AWS::Lambda::Version" for resource in _resources(folder).values())
    }
    assert kinds == {"snapshot"}


def test_every_bucket_is_encrypted_and_private_unless_it_is_a_plain_website(templates):
    for folder in templates.values():
        buckets = {name: each for name, each in _resources(folder).items() if each["Type"] == "AWS::S3::Bucket"}
        assert set(buckets) == {"ModelBucket", "SiteBucket", "ServerlessDeploymentBucket"}
        for name, bucket in buckets.items():
            (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
            blocked = bucket["Properties"]["PublicAccessBlockConfiguration"]
            blocked = blocked["Fn::If"][2] if name == "SiteBucket" else blocked
            assert set(blocked.values()) == {True}


def test_every_bucket_refuses_plain_http_unless_it_is_a_plain_website(templates):
    for folder in templates.values():
        resources = _resources(folder)
        policies = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::S3::BucketPolicy"]
        assert len(policies) == 3
        for policy in policies:
            *_, last = policy["PolicyDocument"]["Statement"]
            if "Fn::If" in last:
                plain, *without_https, last = last["Fn::If"]
                assert (plain, without_https) == ("Plain", [{"Ref": "AWS::NoValue"}])
            assert (last["Effect"], last["Principal"], last["Action"]) == ("Deny", "*", "s3:*")
            assert str(last["Condition"]["Bool"]["aws:SecureTransport"]).lower() == "false"


def test_deleted_models_are_gone_on_a_stated_day(templates):
    for folder in templates.values():
        bucket = _resources(folder)["ModelBucket"]["Properties"]
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        (rule,) = [each for each in bucket["LifecycleConfiguration"]["Rules"] if each["Id"] == "former-versions"]
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
        assert rule["ExpiredObjectDeleteMarker"] is True


def test_the_first_deployment_of_a_stage_on_aws_ends_with_an_api_that_answers(rehearsed, bundle):
    assert rehearsed.returncode == 0, rehearsed.stderr
    steps = [line for line in rehearsed.stderr.splitlines() if line.startswith("✓")]
    assert [step.removeprefix("✓ ").rpartition(" ")[0].rpartition(" ")[0] for step in steps[-5:]] == [
        "Deploying the stack without a model",
        "Deploying the stack",
        "Waiting for the function",
        "Uploading the website",
        "Waiting for the API",
    ]
    api, headers = direct(json.loads(rehearsed.stdout)["api"] + "/labels")
    with requests.Session() as session:
        session.trust_env = False
        labels = session.get(api, headers=headers, timeout=30).json()
    assert labels["model"]["version"] == bundles.load(str(bundle)).manifest.version


def test_the_snapshot_had_the_model_when_its_version_was_published(account, rehearsed):
    assert rehearsed.returncode == 0, rehearsed.stderr
    with account.client("lambda") as functions:
        published = functions.get_function_configuration(FunctionName=f"{ONNX}:{answers.ALIAS}")
    assert published["State"] == "Active"
    assert published["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}


def test_no_docker_is_needed_for_a_zip(account, rehearsed):
    assert rehearsed.returncode == 0, rehearsed.stderr
    assert not account.docker_log.exists()


def test_a_version_that_cannot_start_is_reported_and_the_former_one_goes_on_answering(account, rehearsed, bundle):
    assert rehearsed.returncode == 0, rehearsed.stderr
    with account.client("lambda") as functions:
        functions.update_function_configuration(FunctionName=ONNX, Handler="handler.missing")
        version = functions.publish_version(FunctionName=ONNX)["Version"]
        wanted = {"version": bundles.load(str(bundle)).manifest.version, "engine": "onnx"}
        with pytest.raises(DeployError, match=rf"cannot start the function {ONNX}:{version}: .*missing"):
            answers.wait_for_function(functions, f"{ONNX}:{version}", wanted)
        answers.wait_for_function(functions, f"{ONNX}:{answers.ALIAS}", wanted)


def test_docker_builds_an_image_that_lambda_takes_and_pushes_it_after_a_login(imaged):
    verbs = [line.split()[0] for line in imaged]
    assert [verb for verb in verbs if verb != "--version"] == ["build", "tag", "push", "login", "push"]
    (build,) = [line for line in imaged if line.startswith("build")]
    assert "--platform linux/amd64" in build
    assert "--provenance=false" in build


def test_the_image_takes_the_place_of_the_zip_behind_the_same_api(account, imaged, rehearsed):
    with account.client("lambda") as functions:
        deployed = functions.get_function(FunctionName=IMAGE)
        names = {each["FunctionName"] for each in functions.list_functions()["Functions"]}
    assert deployed["Configuration"]["PackageType"] == "Image"
    assert deployed["Code"]["ImageUri"].endswith(f"@sha256:{DIGEST}")
    assert ONNX not in names
    outputs = _outputs(account)
    assert outputs["FunctionName"] == IMAGE
    assert f"//{outputs['HttpApiId']}." in json.loads(rehearsed.stdout)["api"]


def _outputs(account):
    with account.client("cloudformation") as cloudformation:
        (described,) = cloudformation.describe_stacks(StackName="visage-dev")["Stacks"]
    return {item["OutputKey"]: item["OutputValue"] for item in described["Outputs"]}
