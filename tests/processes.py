"""Runs Python in a process of its own, and the command line in this one."""

import os
import signal
import subprocess
import sys

import pytest

from scripts import __main__ as main


def python(script, **environment):
    """Run `script` in an interpreter of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def exit_code():
    """Run `visage` in this process, with the words of sys.argv; return its exit code. Signals keep their handlers."""
    before = {number: signal.getsignal(number) for number in main.SIGNALS}
    try:
        with pytest.raises(SystemExit) as caught:
            main.main()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return caught.value.code
