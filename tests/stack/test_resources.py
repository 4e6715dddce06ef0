"""The deployed resources: access rights, limits, and the package of the function."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest

from model import bundle as bundles

FUNCTION = "visage-local-api"


@pytest.fixture
def function(stack):
    with stack.client("lambda") as functions:
        return functions.get_function(FunctionName=FUNCTION)


@pytest.fixture
def template(stack):
    with stack.client("cloudformation") as cloudformation:
        body = cloudformation.get_template(StackName=stack.target.stack)["TemplateBody"]
    return body if isinstance(body, dict) else json.loads(body)


@pytest.fixture
def statements(stack, function):
    """The policy statements of the function's role."""
    role = function["Configuration"]["Role"].rpartition("/")[2]
    with stack.client("iam") as iam:
        assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
        (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        return iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]["Statement"]


@pytest.fixture(scope="module")
def another(stack, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> bundles.Bundle:
    """The same bundle under another version, as if trained anew, deployed over the former one."""
    folder = tmp_path_factory.mktemp("another")
    source = Path(copytree(bundle, folder / "source"))
    (source / bundles.MANIFEST).unlink()
    manifest = replace(bundles.load(str(bundle)).manifest, metrics={"trained": "anew"})
    written = bundles.write(source, manifest, folder / "bundle")
    stack.deploy(written.directory)
    return written


def test_the_role_may_do_what_its_routes_need_and_nothing_else(stack, statements):
    uploads, models = (stack.outputs()[name] for name in ("UploadBucket", "ModelBucket"))
    rights = {(action, right["Resource"]) for right in statements for action in _list(right["Action"])}
    assert rights == {
        ("s3:GetObject", f"arn:aws:s3:::{models}/models/*"),
        ("s3:GetObject", f"arn:aws:s3:::{models}/roster/*"),
        ("s3:PutObject", f"arn:aws:s3:::{models}/roster/*"),
        ("s3:DeleteObject", f"arn:aws:s3:::{models}/roster/*/thumbnails/*"),
        *((f"s3:{action}Object", f"arn:aws:s3:::{uploads}/uploads/*") for action in ("Put", "Get", "Delete")),
        ("s3:GetObject", f"arn:aws:s3:::{models}/access/keys.json"),
        ("logs:CreateLogStream", f"arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/{FUNCTION}:*"),
        ("logs:PutLogEvents", f"arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/{FUNCTION}:*"),
        ("xray:PutTraceSegments", "*"),
        ("xray:PutTelemetryRecords", "*"),
    }


def test_the_second_function_may_read_photos_and_write_results_and_nothing_else(stack):
    with stack.client("lambda") as functions, stack.client("iam") as iam:
        role = functions.get_function(FunctionName=f"{FUNCTION}-batch")["Configuration"]["Role"].rpartition("/")[2]
        (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        statements = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]["Statement"]
    models = stack.outputs()["ModelBucket"]
    rights = {(action, right["Resource"]) for right in statements for action in _list(right["Action"])}
    assert {right for right in rights if right[0].startswith("s3:")} == {
        ("s3:GetObject", f"arn:aws:s3:::{models}/models/*"),
        ("s3:GetObject", f"arn:aws:s3:::{models}/roster/*"),
        ("s3:GetObject", "arn:aws:s3:::photos/*"),
        ("s3:ListBucket", "arn:aws:s3:::photos"),
        *((f"s3:{action}Object", "arn:aws:s3:::results/*") for action in ("Get", "Put", "Delete")),
        ("s3:ListBucket", "arn:aws:s3:::results"),
    }
    others = {action.partition(":")[0]: place for action, place in rights if not action.startswith("s3:")}
    assert set(others) == {"sqs", "logs", "xray"}
    assert others["sqs"].endswith(":visage-local-arrivals")


def test_the_package_is_the_code_that_serves(stack, function):
    with zipfile.ZipFile(io.BytesIO(stack.get(function["Code"]["Location"]).content)) as archive:
        names = set(archive.namelist())
    assert {"bootstrap", "handler.py", "api/app.py", "model/recognizer.py", "preprocess/align.py"} <= names
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"bootstrap", "handler.py", "api", "batch", "model", "preprocess"}
    assert not [name for name in names if "__pycache__" in name]


@pytest.mark.parametrize("bucket", ["ModelBucket", "SiteBucket", "UploadBucket"])
def test_no_bucket_can_be_opened_to_the_public(stack, bucket):
    with stack.client("s3") as s3:
        blocked = s3.get_public_access_block(Bucket=stack.outputs()[bucket])
    assert blocked["PublicAccessBlockConfiguration"] == dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
    )


def test_the_api_is_throttled(template):
    limits = template["Resources"]["HttpApiStage"]["Properties"]["DefaultRouteSettings"]
    assert 0 < limits["ThrottlingRateLimit"] <= limits["ThrottlingBurstLimit"] <= 100


def test_an_upload_ends_after_a_day_and_leaves_no_former_version(template):
    uploads = template["Resources"]["UploadBucket"]["Properties"]
    (rule,) = uploads["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 1)
    assert "VersioningConfiguration" not in uploads


def test_logs_are_kept_for_14_days(stack):
    with stack.client("logs") as logs:
        found = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{FUNCTION}")
    assert {group["logGroupName"].rpartition("/")[2] for group in found["logGroups"]} == {FUNCTION, f"{FUNCTION}-batch"}
    assert {group["retentionInDays"] for group in found["logGroups"]} == {14}


def test_another_model_takes_over_at_the_same_address(stack, another):
    answer = stack.get(f"{stack.api}/labels").json()
    assert answer["model"]["version"] == another.manifest.version


def test_another_model_gets_no_role_of_its_own_which_would_come_too_late(stack, function, another):
    with stack.client("lambda") as functions:
        now = functions.get_function(FunctionName=FUNCTION)
    assert now["Configuration"]["Role"] == function["Configuration"]["Role"]
    assert function["Configuration"]["Role"].split("/")[1:3] == ["visage", "local"]


def test_deploying_the_same_again_changes_nothing(stack, another, function):
    again = stack.deploy(another.directory)
    assert (again.api, again.site) == (stack.api, stack.site)
    with stack.client("lambda") as functions:
        now = functions.get_function(FunctionName=FUNCTION)
    assert now["Configuration"]["RevisionId"] == function["Configuration"]["RevisionId"]


def _list(value):
    return value if isinstance(value, list) else [value]
