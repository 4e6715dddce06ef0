"""What goes to AWS itself: its templates, checked by cfn-lint, and a rehearsal of `visage deploy --stage dev`.

The rehearsal's AWS is a local one that enforces roles and the policies of buckets. When a version of a function is
published, it starts it, as AWS does for a snapshot. It has no Docker: a program of that name records how it is called.
"""

import base64
import json
import os
import re
import subprocess
import sys
import sysconfig
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest
import requests

from batch import parts
from deploy import batch as runs
from deploy import keys, package, releases
from deploy import stack as stacks
from deploy.access import Access, Auth
from deploy.errors import DeployError
from deploy.local import ADDRESS, LocalAWS, direct, free_port
from deploy.options import Options
from deploy.stack import Engine, Function, Hosting
from deploy.target import Target
from deploy.traffic import Service, put_live
from model import bundle as bundles
from model.keys import today
from model.settings import ROOT, Settings
from scripts import samples as sample_photos
from scripts.console import SETTINGS

REGION = "eu-central-1"
ONNX = "visage-dev-onnx"
IMAGE = "visage-dev-api"
CFN_LINT = Path(sysconfig.get_path("scripts"), "cfn-lint")

TOKENS = Access(Auth.JWT, f"http://{ADDRESS}:9", "photos")
"""API Gateway would get the keys of this issuer from a port at which nothing listens."""

IGNORED = (
    "W3005",  # osls writes down dependencies that follow from references
    "W2530",  # deploy/releases.py publishes the versions from which AWS takes snapshots
    "W8003",  # osls fills in the kind of website, so that its condition compares constants
)

DOCKER = """#!/bin/sh
echo "$@" >> "{log}"
[ "$1" = build ] && rm -f "{log}.login"
[ "$1" = login ] && touch "{log}.login"
[ "$1" = push ] && [ ! -e "{log}.login" ] && echo "no basic auth credentials" >&2 && exit 1
[ "$1" = push ] && echo "latest: digest: sha256:{digest} size: 1"
exit 0
"""
"""Stands in for Docker: records its arguments, and needs a login before it pushes."""

DIGEST = "0123456789abcdef" * 4

FIREWALL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/visage/0a1b2c3d"
BATCHES = {"batch_source": "s3://visage-photos/in", "batch_output": "s3://visage-results/out"}
EVERYTHING = Options(
    max_concurrency=5, budget=20, alarm_email="ada@example.org", site_logs=True, waf=FIREWALL, batch=True, **BATCHES
)
"""Every option that adds something to the template."""

EMPTY_ZIP = b"PK\5\6" + bytes(18)


@dataclass(frozen=True)
class Deployed:
    """What `visage deploy --json` printed, and what it asked Docker to do."""

    output: str
    errors: str
    docker_calls: list[str]

    @property
    def api(self):
        return json.loads(self.output)["api"]


@dataclass(frozen=True)
class Account:
    """An AWS account of the rehearsal: the environment of its owner, and the file with Docker's calls."""

    environment: dict[str, str] = field(repr=False)
    docker_log: Path

    @property
    def target(self) -> Target:
        session = boto3.Session(
            self.environment["AWS_ACCESS_KEY_ID"], self.environment["AWS_SECRET_ACCESS_KEY"], region_name=REGION
        )
        return Target("dev", REGION, Settings.read(self.environment), session=session)

    def client(self, service):
        return closing(self.target.session.client(service, endpoint_url=self.environment["AWS_ENDPOINT_URL"]))

    @property
    def docker_calls(self):
        """What Docker was asked to do, call by call, without the question for its version."""
        calls = self.docker_log.read_text().splitlines() if self.docker_log.exists() else []
        return [call for call in calls if call != "--version"]

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
            often = {"SLS_AWS_MONITORING_FREQUENCY": "250"}  # milliseconds after which osls asks whether it is done
            owner = {**aws.environment(), **often, "PATH": search, "VISAGE_CACHE": str(SETTINGS.cache)}
            yield Account(owner, folder / "docker.txt")
        finally:
            aws.stop()


@pytest.fixture(scope="module")
def first(account, bundle):
    """The first deployment of a stage: ONNX, whose snapshot needs the model before it is taken."""
    places = [word for name, place in BATCHES.items() for word in (f"--{name.replace('_', '-')}", place)]
    options = ("--engine", "onnx", "--private-labels", "--with-batch", *places)
    words = ("deploy", "--stage", "dev", "--region", REGION, *options, "--bundle", bundle, "--json")
    done = account.visage(*words)
    assert done.returncode == 0, done.stderr
    return Deployed(done.stdout, done.stderr, account.docker_calls)


@pytest.fixture(scope="module")
def second(account, first, bundle):
    """The same stage with the other engine, for requests with a JWT. Docker builds its image. Nothing can run it."""
    version, function = bundles.load(str(bundle)).manifest.version, Function(Engine.TORCHSCRIPT, "image")
    stacks.deploy(account.target, f"models/{version}", function, Hosting.CLOUDFRONT, TOKENS.parameters())
    return account.docker_calls


@pytest.fixture(scope="module")
def templates(account, second, tmp_path_factory):
    """The files with the templates: of both engines with both kinds of website, of one with every option, and of one
    for signed requests.

    Those behind CloudFront are the ones that were deployed; osls keeps them in its bucket.
    """
    folder = tmp_path_factory.mktemp("templates")
    with account.client("s3") as s3:
        bucket = _outputs(account)["ServerlessDeploymentBucketName"]
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
        deployed = sorted(key for key in keys if key.endswith("/compiled-cloudformation-template.json"))
        for name, key in zip(("snapshot", "image"), deployed, strict=True):
            s3.download_file(bucket, key, str(folder / f"{name}-cloudfront.json"))
    (folder / "function.zip").write_bytes(EMPTY_ZIP)
    snapshot = Function(Engine.ONNX, "snapshot", str(folder / "function.zip"))
    for name, function, hosting, options in (
        ("snapshot-s3", snapshot, Hosting.S3, Options()),
        ("image-s3", Function(Engine.TORCHSCRIPT, "image"), Hosting.S3, Options()),
        ("everything", snapshot, Hosting.CLOUDFRONT, EVERYTHING),
    ):
        _packaged(account, folder / "packaged", function, hosting, options.parameters()).rename(folder / f"{name}.json")
    image = Function(Engine.TORCHSCRIPT, "image")
    signed = _packaged(account, folder / "packaged", image, Hosting.S3, Access(Auth.IAM).parameters())
    signed.rename(folder / "signed-s3.json")
    return {file.stem: file for file in folder.glob("*.json")}


def _packaged(account, folder, function, hosting, parameters):
    """Return the template that osls makes, without deploying it."""
    words = stacks.arguments(account.target, "models/0123456789ab", function, hosting, parameters)
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
    return folder / "cloudformation-template-update-stack.json"


@pytest.fixture(params=["snapshot-cloudfront", "snapshot-s3", "image-cloudfront", "image-s3", "everything"])
def resources(request, templates):
    """The resources of each template."""
    return json.loads(templates[request.param].read_text())["Resources"]


def of_type(resources, name):
    return {key: each["Properties"] for key, each in resources.items() if each["Type"] == name}


def test_the_first_deployment_of_a_stage_on_aws_ends_with_an_api_that_answers(first, bundle):
    steps = re.findall(r"^✓ (.*) [0-9.]+ s$", first.errors, re.MULTILINE)
    assert steps[-4:] == [
        "Deploying the stack",
        "Waiting for the function",
        "Uploading the website",
        "Waiting for the API",
    ]
    assert _health(first)["model"]["version"] == bundles.load(str(bundle)).manifest.version


def test_the_role_may_invite_an_upload_and_read_and_delete_it(first, account):
    def post(url, **content):
        address, headers = direct(url)
        with requests.Session() as session:
            session.trust_env = False
            return session.post(address, headers=headers, timeout=30, **content)

    invitation = post(f"{first.api}/uploads").json()
    sent = post(invitation["url"], data=invitation["fields"], files={"file": b"no photo"})
    assert sent.status_code == 204, sent.text
    answer = post(f"{first.api}/recognize", json={"upload": invitation["upload"]})
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:visage:problem:unsupported-format")
    with account.client("s3") as s3:
        assert s3.list_objects_v2(Bucket=_outputs(account)["UploadBucket"])["KeyCount"] == 0


def labels(api, key=None):
    """Ask for the list of people, with a key or a token."""
    address, headers = direct(f"{api}/labels")
    with requests.Session() as session:
        session.trust_env = False
        admitted = {"Authorization": f"Bearer {key}"} if key else {}
        return session.get(address, headers={**headers, **admitted}, timeout=30)


@pytest.fixture(scope="module")
def target(account):
    """The stage, as the code that deploys sees it; its AWS is in this process's environment, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", account.environment["AWS_ENDPOINT_URL"])
        yield account.target


@pytest.fixture(scope="module")
def created(account, first, target):
    """A key of each scope, made before the function asks for keys for the first time."""
    made = account.visage("keys", "create", "ci", "--stage", "dev", "--region", REGION)
    assert made.returncode == 0, made.stderr
    people = keys.change(target, lambda known: _with_text(known.created("people", ["people"], today())))
    return {"ci": made.stdout.strip(), "people": people}


def _with_text(made):
    known, _, text = made
    return known, text


def test_the_function_checks_keys_with_the_rights_of_its_role(target, first, created, bundle):
    assert stacks.access(target) == Access(private_labels=True)
    answer = labels(first.api, created["ci"])
    assert answer.json()["model"]["version"] == bundles.load(str(bundle)).manifest.version
    for key, status, problem in (
        (None, 401, "key-missing"),
        ("nonsense", 401, "key-unknown"),
        (created["ci"].replace("_dev_", "_prod_"), 401, "key-of-another-stage"),
        (created["people"], 403, "key-scope"),
    ):
        answer = labels(first.api, key)
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:visage:problem:{problem}")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["access-control-allow-origin"] == "*"


def test_a_revoked_key_ends_within_seconds(target, first, created):
    assert labels(first.api, created["ci"]).status_code == 200
    keys.change(target, lambda known: known.revoked("ci", today()))
    deadline = time.monotonic() + 20  # the function asks after five seconds; a busy machine needs longer
    while (answer := labels(first.api, created["ci"])).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert answer.json()["type"] == "urn:visage:problem:key-revoked"


@pytest.fixture(scope="module")
def photos(account, samples):
    """A bucket of photos, of which a policy forbids one to everybody, and a bucket for the results."""
    photo = (samples / sample_photos.UNSEEN).read_bytes()
    with account.client("s3") as s3:
        for bucket in ("visage-photos", "visage-results"):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        for key in ("in/a.jpg", "in/secret.jpg", "in/z.jpg", "elsewhere/a.jpg"):
            s3.put_object(Bucket="visage-photos", Key=key, Body=photo)
        denial = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject"}
        statement = [{**denial, "Resource": "arn:aws:s3:::visage-photos/in/secret.jpg"}]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
        s3.put_bucket_policy(Bucket="visage-photos", Policy=policy)
        yield
        for bucket in ("visage-photos", "visage-results"):
            for item in s3.list_objects_v2(Bucket=bucket).get("Contents", ()):
                s3.delete_object(Bucket=bucket, Key=item["Key"])
            s3.delete_bucket(Bucket=bucket)


def test_a_batch_reads_and_writes_with_the_rights_of_its_role(target, first, photos):
    ended = run_batch(target, "s3://visage-photos/in")
    assert (ended.state, ended.error) == ("SUCCEEDED", "")
    with runs.output_of(target, ended.output) as output:
        (name,) = parts.existing(output)
        rows = {row["photo"]: row["status"] for row in parts.read_rows(output, name)}
    assert rows == {"a.jpg": "recognised", "secret.jpg": "forbidden", "z.jpg": "recognised"}


def test_the_role_may_list_no_other_photos(target, first, photos):
    with pytest.raises(DeployError, match="may not list s3://visage-photos/elsewhere/"):
        run_batch(target, "s3://visage-photos/elsewhere")


def test_the_role_may_write_nowhere_else(target, first, photos):
    with pytest.raises(DeployError, match="AccessDenied"):
        runs.start(target, runs.require_machine(target), "s3://visage-photos/in", "s3://visage-results/elsewhere")


def run_batch(target, source):
    """Run a batch to its end, and return the run."""
    output = f"s3://visage-results/out/{source.rpartition('/')[2]}"
    run = runs.start(target, runs.require_machine(target), source, output)
    deadline = time.monotonic() + 120
    while (found := runs.progress(target, run).run).state == runs.RUNNING:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def test_the_model_was_in_the_function_when_its_version_was_published(account, first):
    with account.client("lambda") as functions:
        published = functions.get_function_configuration(FunctionName=f"{ONNX}:{releases.ALIAS}")
    assert published["State"] == "Active"
    assert published["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}


@pytest.mark.parametrize("bucket", ["ModelBucket", "SiteBucket", "UploadBucket", "ServerlessDeploymentBucketName"])
def test_every_bucket_refuses_plain_http(account, first, bucket):
    with account.client("s3") as s3:
        policy = json.loads(s3.get_bucket_policy(Bucket=_outputs(account)[bucket])["Policy"])
    denial = policy["Statement"][-1]
    assert (denial["Effect"], denial["Principal"], denial["Action"]) == ("Deny", "*", "s3:*")
    assert len(denial["Resource"]) == 2  # the bucket, and what is in it
    assert str(denial["Condition"]["Bool"]["aws:SecureTransport"]).lower() == "false"


def test_a_zip_is_deployed_without_docker(first):
    assert first.docker_calls == []


def test_a_release_that_cannot_start_is_reported_and_the_former_one_goes_on_answering(account, first, bundle):
    wanted = {"version": bundles.load(str(bundle)).manifest.version, "engine": "onnx"}
    with account.client("lambda") as functions:
        before = releases.live(functions, ONNX)
        functions.update_function_configuration(FunctionName=ONNX, Handler="handler.missing")
        with pytest.raises(
            DeployError,
            match=rf"cannot start the function {ONNX}:\d+: .*missing.* Release {before.number} goes on serving",
        ):
            put_live(Service(account.target, functions, ONNX), wanted, from_snapshot=True)
        assert releases.live(functions, ONNX) == before
    assert _health(first)["model"]["version"] == wanted["version"]


def test_docker_builds_an_image_that_lambda_takes_and_pushes_it_after_a_login(second):
    assert [call.split()[0] for call in second] == ["build", "tag", "push", "login", "push"]
    assert {"--platform=linux/amd64", "--provenance=false"} <= set(second[0].split())


def test_the_image_takes_the_place_of_the_zip_behind_the_same_api(account, first, second):
    with account.client("lambda") as functions:
        deployed = functions.get_function(FunctionName=IMAGE)
        names = {each["FunctionName"] for each in functions.list_functions()["Functions"]}
    assert deployed["Configuration"]["PackageType"] == "Image"
    assert deployed["Code"]["ImageUri"].endswith(f"@sha256:{DIGEST}")
    assert names == {IMAGE}
    outputs = _outputs(account)
    assert outputs["FunctionName"] == IMAGE
    assert f"//{outputs['HttpApiId']}." in first.api


def test_api_gateway_refuses_what_has_no_valid_jwt(target, first, second):
    assert stacks.access(target) == TOKENS
    for token in (None, "nonsense", unsigned_token()):
        answer = labels(first.api, token)
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})


def unsigned_token():
    """Return a JWT whose signature nobody made."""
    parts = ({"alg": "RS256", "kid": "x"}, {"iss": TOKENS.issuer, "aud": TOKENS.audience}, "signature")
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


def test_cfn_lint_finds_nothing_in_the_template_of_any_engine_and_website(templates):
    command = [CFN_LINT, "--regions", REGION, "--ignore-checks", *IGNORED, "--", *templates.values()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(templates) == 6


def test_api_gateway_checks_every_request_but_those_that_are_open_to_everybody(templates):
    for name, kind in (("image-cloudfront", "JWT"), ("signed-s3", "AWS_IAM")):
        routes = of_type(json.loads(templates[name].read_text())["Resources"], "AWS::ApiGatewayV2::Route").values()
        checks = {route["RouteKey"]: route.get("AuthorizationType", "NONE") for route in routes}
        open_to_all = ("/health", "/openapi.json", "/api/health", "/api/openapi.json")
        opened = {**{f"GET {path}": "NONE" for path in open_to_all}, "OPTIONS /{proxy+}": "NONE"}
        assert checks == {"$default": kind, **opened}


def test_the_api_calls_the_alias_which_the_stack_makes_once(resources):
    (integration,) = of_type(resources, "AWS::ApiGatewayV2::Integration").values()
    assert integration["IntegrationUri"] == {"Ref": "LiveAlias"}
    assert resources["ApiLambdaPermissionHttpApi"]["Properties"]["FunctionName"] == {"Ref": "LiveAlias"}
    (alias,) = of_type(resources, "AWS::Lambda::Alias").values()
    assert (alias["Name"], alias["FunctionVersion"]) == (releases.ALIAS, "$LATEST")
    assert not of_type(resources, "AWS::Lambda::Version")


def test_the_weekly_call_goes_to_the_release_that_serves(resources):
    (rule,) = of_type(resources, "AWS::Events::Rule").values()
    assert [target["Arn"] for target in rule["Targets"]] == [{"Ref": "LiveAlias"}]
    permission = resources["KeepSnapshotPermission"]["Properties"]
    assert (permission["FunctionName"], permission["Principal"]) == ({"Ref": "LiveAlias"}, "events.amazonaws.com")


def test_only_a_snapshot_is_taken_of_a_zip(templates):
    functions = {name: json.loads(file.read_text())["Resources"] for name, file in templates.items()}
    snapshots = {name for name, each in functions.items() if "SnapStart" in each["ApiLambdaFunction"]["Properties"]}
    assert snapshots == {"snapshot-cloudfront", "snapshot-s3", "everything"}


def test_every_bucket_is_encrypted_and_private_unless_it_is_a_plain_website(resources):
    buckets = of_type(resources, "AWS::S3::Bucket")
    assert set(buckets) == {"ModelBucket", "SiteBucket", "UploadBucket", "SiteLogBucket", "ServerlessDeploymentBucket"}
    for bucket in buckets.values():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        blocked = bucket["PublicAccessBlockConfiguration"]
        if "Fn::If" in blocked:
            assert bucket is buckets["SiteBucket"]
            blocked = blocked["Fn::If"][2]
        assert set(blocked.values()) == {True}


def test_a_web_acl_stands_before_the_website_if_the_owner_has_one(templates):
    """CloudFormation resolves the condition."""
    for name, file in templates.items():
        template = json.loads(file.read_text())
        conditions = template["Conditions"]["Firewall"]["Fn::Not"][0]["Fn::Equals"]
        assert conditions == [FIREWALL if name == "everything" else "", ""]
        distribution = template["Resources"]["Site"]["Properties"]["DistributionConfig"]
        assert distribution["WebACLId"]["Fn::If"] == ["Firewall", conditions[0], {"Ref": "AWS::NoValue"}]


def test_a_deleted_model_is_gone_on_a_stated_day(resources):
    bucket = resources["ModelBucket"]["Properties"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = [each for each in bucket["LifecycleConfiguration"]["Rules"] if each["Id"] == "former-versions"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rule["ExpiredObjectDeleteMarker"] is True


def test_limits_and_budget_are_those_that_were_asked_for(templates):
    everything = json.loads(templates["everything"].read_text())["Resources"]
    assert int(everything["ApiLambdaFunction"]["Properties"]["ReservedConcurrentExecutions"]) == 5
    budget = everything["Budget"]["Properties"]
    assert float(budget["Budget"]["BudgetLimit"]["Amount"]) == 20
    mails = {mail["Address"] for each in budget["NotificationsWithSubscribers"] for mail in each["Subscribers"]}
    assert mails == {"ada@example.org"}
    usual = json.loads(templates["snapshot-cloudfront"].read_text())["Resources"]
    assert "ReservedConcurrentExecutions" not in usual["ApiLambdaFunction"]["Properties"]


def test_every_alarm_is_in_the_runbook(templates):
    everything = json.loads(templates["everything"].read_text())["Resources"]
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    alarms = [
        alarm["AlarmName"].removeprefix("visage-dev-")
        for alarm in of_type(everything, "AWS::CloudWatch::Alarm").values()
    ]
    assert len(alarms) == 6
    assert [name for name in alarms if f"## {name}" not in runbook] == []


def test_the_access_log_tells_nobodys_address_and_path(resources):
    (of_it, _) = resources["HttpApiStage"]["Properties"]["AccessLogSettings"]["Fn::If"][1:]
    fields = json.loads(of_it["Format"])
    assert {"$context.status", "$context.error.message"} <= set(fields.values())
    assert not [value for value in fields.values() if re.search(r"sourceIp|userAgent|path|Path", value)]


def test_removing_the_stage_leaves_nothing_that_it_had(account, templates):
    ended = account.visage("remove", "--stage", "dev", "--region", REGION, "--yes", "--json")
    assert ended.returncode == 0, ended.stderr
    assert {"visage-dev", "serverless-visage-dev"} <= set(json.loads(ended.stdout)["removed"])
    with account.client("s3") as s3, account.client("ecr") as ecr, account.client("lambda") as functions:
        left = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
        assert left <= {"visage-photos", "visage-results"}  # the owner's
        assert ecr.describe_repositories()["repositories"] == []
        assert functions.list_functions()["Functions"] == []
    with account.client("logs") as logs, account.client("cloudformation") as cloudformation:
        assert logs.describe_log_groups()["logGroups"] == []
        assert "visage-dev" not in {each["StackName"] for each in cloudformation.describe_stacks()["Stacks"]}
    again = account.visage("remove", "--stage", "dev", "--region", REGION, "--yes")
    assert again.returncode == 0
    assert "There is nothing of stage dev" in again.stdout


def _health(deployed):
    address, headers = direct(f"{deployed.api}//health")
    with requests.Session() as session:
        session.trust_env = False
        return session.get(address, headers=headers, timeout=30).json()


def _outputs(account):
    with account.client("cloudformation") as cloudformation:
        (described,) = cloudformation.describe_stacks(StackName="visage-dev")["Stacks"]
    return {item["OutputKey"]: item["OutputValue"] for item in described["Outputs"]}
