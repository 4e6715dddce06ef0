"""Whether the local AWS runs, tested without one: process ids, ports, and systems without /proc."""

import subprocess
import sys
from dataclasses import replace

import pytest

from deploy import local as locals_
from deploy.errors import DeployError
from deploy.local import LocalAWS, default, free_port
from scripts.console import SETTINGS

WAIT = "import sys; print('ready', flush=True); sys.stdin.read()"


@pytest.fixture
def local(tmp_path):
    local = LocalAWS(free_port(), tmp_path / "home", SETTINGS)
    local.home.mkdir()
    return local


@pytest.fixture
def process():
    """A running process with a token in its command line."""
    command = [sys.executable, "-c", WAIT, "0123456789abcdef"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        running.stdout.readline()
        yield running


@pytest.fixture(params=["proc", "ps"])
def system(request, monkeypatch, tmp_path):
    """A system with /proc, and one without, such as macOS."""
    if request.param == "ps":
        monkeypatch.setattr(locals_, "_PROC", tmp_path / "proc")


@pytest.mark.usefixtures("system")
def test_it_runs_while_the_process_with_its_token_does(local, process):
    (local.home / "pid").write_text(f"{process.pid} 0123456789abcdef\n")
    assert local.pid == process.pid
    process.communicate()
    assert local.pid is None


@pytest.mark.usefixtures("system")
@pytest.mark.parametrize(
    "recorded", ["{} feedfeedfeedfeed", "{}", "", "one two", "{} 0123456789abcdef more", "999999999 x"]
)
def test_another_process_of_that_id_is_not_taken_for_it(local, process, recorded):
    (local.home / "pid").write_text(recorded.format(process.pid))
    assert local.running() is False
    assert local.stop() is False
    assert process.poll() is None


def test_asking_changes_no_file_and_takes_no_lock(tmp_path):
    local = LocalAWS(free_port(), tmp_path / "home", SETTINGS)
    assert local.running() is False
    assert list(tmp_path.iterdir()) == []
    with local._alone():
        assert local.running() is False


@pytest.mark.parametrize("port", ["0", "65536", "-1", "4566.0", "http", "²"])
def test_an_invalid_port_is_reported_in_one_sentence(port):
    with pytest.raises(DeployError, match="VISAGE_LOCAL_PORT"):
        default(replace(SETTINGS, local_port=port))


def test_without_locks_and_affinity_of_linux_it_can_be_imported():
    code = (
        "import sys, os; sys.modules['fcntl'] = None\n"
        "for name in ('sched_getaffinity', 'fork'): vars(os).pop(name, None)\n"
        "import filelock; filelock\n"
    )
    mine = "import deploy.local, deploy.package, deploy.stack, deploy.target, deploy.website, scripts.command_line"
    done = subprocess.run(
        [sys.executable, "-c", code + mine], cwd=locals_.ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
