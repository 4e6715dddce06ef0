"""A test that leaves something to the garbage collector fails, and no other test does."""

import subprocess
import sys

from model.settings import ROOT

LEAKING = """
import socket

class Cycle:
    def __init__(self):
        self.itself, self.socket = self, socket.socket()

def test_before(): pass
def test_that_leaks(): Cycle()
def test_after(): pass
def test_that_closes():
    with socket.socket(): pass
"""


def test_a_leak_is_pinned_to_the_test_that_left_it(tmp_path):
    (tmp_path / "test_sockets.py").write_text(LEAKING)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:unraisableexception",
        "-p",
        "tests.leaks",
        "-p",
        "no:cacheprovider",
    ]
    options = ["-W", "error", "-rA", "--rootdir", tmp_path, "-c", "/dev/null", tmp_path]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    errors = [line for line in done.stdout.splitlines() if line.startswith(("ERROR", "FAILED"))]
    assert len(errors) == 1
    assert "test_that_leaks" in errors[0]
    assert "unclosed <socket.socket" in done.stdout
    assert done.returncode == 1
