"""Whole folders go to Lambda, and all lists of them are the same."""

import re

import pytest

from batch.handler import Steps, StopError
from deploy.access import Access, Auth
from deploy.local import LocalAWS
from deploy.options import Options
from deploy.shipped import BOOTSTRAP, SHIPPED, shipped_files
from deploy.stack import Engine, Function, Hosting, arguments
from deploy.target import Target
from model.engines import ENGINES, Packaging
from model.roster_storage import FORMER_DAYS
from model.settings import ROOT
from scripts.console import SETTINGS


def lines(name):
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


def test_serverless_yml_ships_the_same_folders():
    text = (ROOT / "serverless.yml").read_text(encoding="utf-8")
    patterns = re.findall(
        r"^    - '?([^'\n]+)'?$", text.partition("  patterns:\n")[2].partition("\nfunctions:")[0], re.MULTILINE
    )
    included = {pattern.removesuffix("/**") for pattern in patterns if not pattern.startswith("!")}
    assert included == {BOOTSTRAP, *SHIPPED}
    assert patterns[0] == "!**"
    assert {"!**/__pycache__/**", "!**/.*"} <= set(patterns)


def test_the_image_copies_compiles_and_makes_readable_the_same_folders():
    copied = {line.split()[1] for line in lines("Dockerfile") if re.match(r"COPY (?!requirements)", line)}
    assert copied == set(SHIPPED)
    (compiled,) = (line.split()[5:] for line in lines("Dockerfile") if "compileall" in line)
    (readable,) = (line.split()[4:] for line in lines("Dockerfile") if line.startswith("RUN chmod -R a+rX "))
    assert compiled == readable == list(SHIPPED)


def test_docker_sees_the_same_folders():
    seen = {line[1:] for line in lines(".dockerignore") if line.startswith("!") and "requirements" not in line}
    assert seen == set(SHIPPED)
    assert "*" in lines(".dockerignore")


def test_a_folder_ships_whole_but_for_compiled_and_hidden_files(tmp_path):
    for name in ("bootstrap", "handler.py", "api/app.py", "api/data/terms.txt", "model/m.py", "preprocess/p.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    wanted = set(shipped_files(tmp_path))
    for name in ("api/__pycache__/app.pyc", "api/.DS_Store", "model/.cache/x", "scripts/s.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert set(shipped_files(tmp_path)) == wanted
    assert "api/data/terms.txt" in wanted


@pytest.mark.parametrize("engine", ENGINES.values(), ids=str)
def test_serverless_yml_knows_how_every_engine_is_deployed(engine):
    package = "image" if engine.packaging is Packaging.IMAGE else "snapshot" if engine.snapshot else "zip"
    text = (ROOT / "serverless.yml").read_text(encoding="utf-8")
    for part in re.split(r"^    (?:names|local|aws):$", text, flags=re.MULTILINE)[1:]:
        assert re.search(rf"^ +{package}:", part, re.MULTILINE)
    assert (ROOT / engine.requirements).is_file()


def test_the_parameters_of_a_deployment_are_those_of_serverless_yml(tmp_path):
    function = Function(Engine("onnx"), "snapshot", "visage.zip", "python")
    options = Options(
        max_concurrency=5,
        budget=20,
        alarm_email="ada@example.org",
        site_logs=True,
        waf="arn",
        batch=True,
        batch_source="s3://photos/2026",
        batch_output="s3://results/batches",
    ).parameters() | {"roster": "roster/x/roster.npz"}
    local = LocalAWS(4567, tmp_path, SETTINGS)
    options |= Access(Auth.JWT, "https://issuer.test", "photos").parameters()
    words = arguments(Target("local", "eu-central-1", SETTINGS, local), "models/x", function, Hosting.S3, options)
    given = {word.partition("=")[0] for word in words[5::2]}
    text = (ROOT / "serverless.yml").read_text(encoding="utf-8")
    assert given == set(re.findall(r"^    (\w+): ", text.partition("\ncustom:")[0], re.MULTILINE))


def test_the_bucket_keeps_former_rosters_as_long_as_the_api_says():
    text = (ROOT / "serverless.yml").read_text(encoding="utf-8")
    assert re.findall(r"NoncurrentDays: (\d+)", text) == [str(FORMER_DAYS)]


def test_the_state_machine_knows_the_error_that_stops_a_run():
    text = (ROOT / "serverless-batch.yml").read_text(encoding="utf-8")
    assert set(re.findall(r'"(\w*Error)"', text)) == {StopError.__name__}


def test_the_local_aws_runs_each_function_by_its_own_handler():
    text = (ROOT / "bootstrap").read_text(encoding="utf-8")
    assert text.rstrip().endswith('-m awslambdaric "$_HANDLER"')
    handlers = re.findall(r"handler: (\S+)", (ROOT / "serverless-batch.yml").read_text(encoding="utf-8"))
    assert set(handlers) == {f"{Steps.__module__}.lambda_handler"}
