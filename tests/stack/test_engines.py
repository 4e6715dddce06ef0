"""The ONNX engine: the zip that goes to AWS, deployed here over TorchScript, and the template for AWS."""

import json
import subprocess
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from deploy import package
from deploy import stack as stacks
from deploy.errors import DeployError
from deploy.stack import Engine, Function, Hosting
from deploy.target import Target, aws_target
from model import bundle as bundles
from model.settings import ROOT, Settings
from scripts import deploy
from scripts.console import SETTINGS, CommandError
from tests.deployed import environment_of

FUNCTION = "visage-local-onnx"


def answers(stack, samples):
    """Return the API's answers for all sample photos: box, label and known of each face."""
    photos = sorted(samples.rglob("*.jpg"))
    assert photos
    found = [stack.post(f"{stack.api}/recognize", files={"image": photo.read_bytes()}).json() for photo in photos]
    return [[(face["box"], face["label"], face["known"]) for face in answer["faces"]] for answer in found]


@pytest.fixture(scope="module")
def usual(stack, samples):
    """TorchScript's answers for all sample photos."""
    return answers(stack, samples)


@pytest.fixture(scope="module")
def onnx(stack, bundle, usual):
    """The stack with the ONNX engine; TorchScript is deployed again after these tests."""
    if package.interpreter(SETTINGS) is None:
        pytest.skip(f"no Python {package.PYTHON} for Linux on x86-64 to run the zip")
    try:
        yield stack.deploy(bundle, Engine.ONNX)
    finally:
        stack.deploy(bundle)


@pytest.fixture(scope="module")
def archive():
    return package.build(SETTINGS)


@pytest.fixture(scope="module")
def on_aws(archive, tmp_path_factory):
    """The CloudFormation template for a stage on AWS."""
    folder = tmp_path_factory.mktemp("package")
    target = Target("dev", "eu-central-1", SETTINGS)
    function = Function(Engine.ONNX, "snapshot", str(archive))
    words = stacks.arguments(target, "models/0123456789ab", function, Hosting.CLOUDFRONT)
    with stacks.osls_lock(target):
        subprocess.run(
            [stacks.OSLS, "package", *words, "--package", folder], cwd=ROOT, capture_output=True, text=True, check=True
        )
    return json.loads((folder / "cloudformation-template-update-stack.json").read_text())["Resources"]


def test_switching_the_engine_keeps_the_address(stack, onnx):
    assert onnx.api == stack.api
    answer = stack.get(f"{stack.api}//health").json()
    assert answer["engine"]["name"] == "onnx"


def test_both_engines_answer_the_same(stack, onnx, samples, usual):
    assert answers(stack, samples) == usual


def test_the_local_aws_runs_the_same_zip_that_goes_to_aws(stack, onnx, archive):
    with stack.client("lambda") as functions:
        deployed = functions.get_function(FunctionName=FUNCTION)
    content = stack.get(deployed["Code"]["Location"]).content
    assert content == archive.read_bytes()


def test_the_zip_runs_without_any_other_packages(stack, onnx):
    commands = [path.read_bytes().split(b"\0") for path in processes_named(b"visage-local-onnx")]
    bare = [b"-E", b"-s", b"-S", b"-m", b"awslambdaric"]
    assert [command[1:6] for command in commands] == [bare] * len(commands)
    assert commands


def test_aws_restores_the_function_from_a_snapshot_behind_the_api(on_aws):
    (function,) = of_type(on_aws, "AWS::Lambda::Function")
    properties = function["Properties"]
    assert properties["Runtime"] == "python3.12"
    assert properties["Handler"] == "handler.lambda_handler"
    assert properties["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert "EphemeralStorage" not in properties  # SnapStart takes no more than what there is anyway
    assert properties["Environment"]["Variables"]["VISAGE_ENGINE"] == "onnx"


def test_the_zip_needs_no_docker_and_the_image_does(stack, monkeypatch, tmp_path):
    with environment_of(stack.local):
        monkeypatch.setenv("PATH", str(tmp_path))
        settings = Settings.read()
        assert aws_target("dev", "eu-central-1", settings, needs_docker=False).region == "eu-central-1"
        with pytest.raises(DeployError, match=r"no Docker answers.*--engine onnx"):
            aws_target("dev", "eu-central-1", settings, needs_docker=True)


def test_a_bundle_without_the_engines_files_is_reported_with_what_to_do(bundle, tmp_path):
    source = Path(copytree(bundle, tmp_path / "source", ignore=ignore_patterns("*.onnx*", bundles.MANIFEST)))
    former = bundles.write(source, bundles.load(str(bundle)).manifest, tmp_path / "bundle").directory
    assert deploy._load(former, Engine.TORCHSCRIPT)
    with pytest.raises(CommandError, match=r"has no model\.onnx, .* Export its run again"):
        deploy._load(former, Engine.ONNX)


def of_type(resources, name):
    return [resource for resource in resources.values() if resource["Type"] == name]


def processes_named(function):
    """The command lines of the processes that run a function of this name."""
    name = b"AWS_LAMBDA_FUNCTION_NAME=" + function
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if name in environment.read_bytes().split(b"\0"):
                yield environment.with_name("cmdline")
        except OSError:  # it ended, or is somebody else's
            continue
