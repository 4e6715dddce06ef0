"""The local AWS itself: it starts, it stops, and it leaves nothing behind."""

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from contextlib import closing
from dataclasses import replace

import pytest

from deploy.errors import DeployError
from deploy.local import LocalAWS, free_port
from deploy.target import local_target
from model.settings import ROOT, Settings
from scripts.console import CACHE, SETTINGS

HANDLER = "import os\ndef lambda_handler(event, context):\n    return os.getpid()\n"


@pytest.fixture
def local(tmp_path):
    local = LocalAWS(free_port(), tmp_path / "home", SETTINGS)
    yield local
    local.stop()


@pytest.fixture
def visage_local():
    """Run `visage local ...` on a port of its own, each time as a process of its own."""
    port = free_port()
    environment = os.environ | {"VISAGE_LOCAL_PORT": str(port)}

    def visage_local(*words):
        command = [sys.executable, "-m", "scripts", "local", *words]
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)

    yield visage_local
    visage_local("down")
    shutil.rmtree(CACHE / "local-aws" / str(port))


def test_local_up_starts_it_and_local_down_stops_it(visage_local):
    visage_local("up")
    status = json.loads(visage_local("status", "--json").stdout)
    assert status["running"] is True
    assert status["endpoint"] in visage_local("up").stdout
    visage_local("down")
    assert json.loads(visage_local("status", "--json").stdout)["running"] is False


def test_stopping_it_stops_the_functions_it_runs(local):
    local.start()
    function = invoke_a_function(local)
    group = os.getpgid(function)
    assert function in processes_of(group)
    assert local.stop() is True
    assert processes_of(group) == []


def test_stopping_what_does_not_run_is_fine(local):
    assert local.stop() is False


def test_a_stale_process_id_does_not_count_as_running(local):
    local.home.mkdir()
    (local.home / "pid").write_text(f"{os.getpid()} 0123456789abcdef\n")
    assert local.running() is False
    assert local.stop() is False


def test_it_starts_again_after_it_was_killed(local):
    local.start()
    pid = local.pid
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    assert local.running() is False
    local.start()
    assert local.running() is True


def test_a_port_in_use_is_reported_with_what_to_do(local):
    with (
        socket.create_server(("127.0.0.1", local.port)),
        pytest.raises(DeployError, match=r"is taken by another program.*VISAGE_LOCAL_PORT"),
    ):
        local.start()


def test_nothing_of_a_real_account_reaches_it(local, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "real")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "real")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test")
    environment = replace(local, settings=Settings.read()).environment()
    assert "real" not in environment.values()
    assert "HTTPS_PROXY" not in environment
    assert environment["AWS_ENDPOINT_URL"] == local.endpoint


def invoke_a_function(local: LocalAWS) -> int:
    """Deploy a function like ours, call it once, and return the id of the process that stays behind."""
    with local_target(local).client("lambda") as functions:
        functions.create_function(
            FunctionName="probe",
            Runtime="provided.al2023",
            Handler="handler.lambda_handler",
            Role="arn:aws:iam::000000000000:role/probe",
            Code={"ZipFile": package(bootstrap=(ROOT / "bootstrap").read_text(), **{"handler.py": HANDLER})},
            Environment={"Variables": {"VISAGE_PYTHON": sys.executable}},
        )
        with closing(functions.invoke(FunctionName="probe")["Payload"]) as answer:
            return json.load(answer)


def package(**files: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for name, text in files.items():
            opened.writestr(name, text)
    return archive.getvalue()


def processes_of(group: int) -> list[int]:
    """The ids of a process group's members that are not yet dead."""
    command = ["ps", "-A", "-o", "pid=,pgid=,stat="]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [line.split() for line in listing.splitlines()]
    return [int(pid) for pid, pgid, state in lines if int(pgid) == group and not state.startswith("Z")]
