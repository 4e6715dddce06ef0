"""The jail itself: what a process sees in it, and that its limits hold."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jail import limits
from tests.jail.jail import GROUP, TMP_BYTES, USER, Deployment, environment_of, jailed
from tests.jail.limits import limited

LOOK = """
import json, os, sys
def writable(path):
    try:
        open(path + "/x", "w").close()
    except OSError:
        return False
    return True
found = os.statvfs("/tmp")
print(json.dumps({
    "user": [os.getuid(), os.getgid()],
    "root": sorted(os.listdir("/")),
    "devices": sorted(os.listdir("/dev")),
    "writable": [path for path in ("/", "/var/task", "/var/lang", "/usr", "/dev", "/etc", "/tmp") if writable(path)],
    "tmp": found.f_blocks * found.f_frsize,
    "environment": dict(os.environ),
    "processes": [name for name in os.listdir("/proc") if name.isdigit()],
}))
"""

EAT = "print(len(bytearray(200_000_000)))"
BURN = "import time; end = time.monotonic() + 1\nwhile time.monotonic() < end: pass\nprint(time.process_time())"


@pytest.fixture
def python(tmp_path):
    """This checkout's Python in the jail."""
    task = tmp_path / "task"
    task.mkdir()
    prefix = Path(sys.base_prefix)
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    environment = environment_of("onnx", 1, 1769)
    deployment = Deployment("onnx", task, prefix, (f"/var/lang/bin/{name}", "-E", "-s", "-S"))
    tmp_path.chmod(0o755)
    return jailed(deployment, environment, tmp_path), environment


def run(command):
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def test_a_process_sees_lambdas_file_system_user_and_environment_and_nothing_of_ours(python, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "ours")
    command, environment = python
    done = run([*command, "-c", LOOK])
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["user"] == [USER, GROUP]
    assert seen["root"] == ["bin", "dev", "etc", "lib", "lib64", "opt", "proc", "tmp", "usr", "var"]
    assert not {"shm", "mqueue", "tty"} & set(seen["devices"])
    assert seen["writable"] == ["/tmp"]  # noqa: S108  # Lambda's
    assert seen["tmp"] == TMP_BYTES
    assert {"HOME", "AWS_PROFILE"} & seen["environment"].keys() == set()
    assert seen["environment"].items() >= environment.items()
    assert seen["environment"].keys() - environment.keys() <= {"PWD", "LC_CTYPE"}
    assert len(seen["processes"]) <= 2


def test_what_takes_more_memory_than_the_function_has_fails(python):
    with limited(128) as small:
        assert run([*small.command, *python[0], "-c", EAT]).returncode != 0
    with limited(512) as large:
        assert run([*large.command, *python[0], "-c", EAT]).stdout == "200000000\n"


def test_it_gets_the_share_of_a_processor_that_its_memory_size_has(python):
    with limited(limits.MB_OF_A_PROCESSOR // 4) as quarter:
        if not quarter.folders:
            pytest.skip("This user may not make control groups, so the share of a processor is not limited.")
        done = run([*quarter.command, *python[0], "-c", BURN])
    assert float(done.stdout) < 0.5


def test_its_control_groups_go_when_it_ends(python):
    with limited(512) as small:
        run([*small.command, *python[0], "-c", ""])
        assert all(folder.is_dir() for folder in small.folders)
    assert not any(folder.exists() for folder in small.folders)


@pytest.mark.parametrize("version", [1, 2])
def test_a_memory_size_is_written_into_control_groups_of_either_version(version, monkeypatch, tmp_path):
    monkeypatch.setattr(limits, "_HOME", tmp_path)
    monkeypatch.setattr(limits, "_remove", lambda _: None)
    for folder in ("memory", "cpu"):
        (tmp_path / folder).mkdir()
    if version == 2:
        (tmp_path / "cgroup.controllers").write_text("cpu memory")
    with limited(1769) as one:
        written = {path.name: path.read_text().strip() for folder in one.folders for path in folder.iterdir()}
    memory = str(1769 * 1024 * 1024)
    if version == 1:
        expected = {"memory.limit_in_bytes": memory, "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "100000"}
    else:
        expected = {"memory.max": memory, "cpu.max": "100000 100000"}
    assert written == expected


def test_where_control_groups_may_not_be_made_each_process_is_limited(monkeypatch, tmp_path):
    monkeypatch.setattr(limits, "_HOME", tmp_path / "nowhere")
    with limited(512) as small:
        assert small.folders == ()
        assert small.peak is None
        done = run([*small.command, "/bin/sh", "-c", "ulimit -d"])
    assert done.stdout == f"{512 * 1024}\n"
