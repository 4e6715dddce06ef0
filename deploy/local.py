"""`visage local`: the local AWS, MiniStack in an environment of its own, on a port of this machine only."""

import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from deploy.errors import DeployError
from deploy.steps import Step, silent
from model.settings import ROOT, Settings

ADDRESS: Final = "127.0.0.1"
REGION: Final = "us-east-1"

_HOME: Final = Settings.read().cache / "local-aws"
_REQUIREMENTS: Final = ROOT / "requirements" / "lock" / "local-aws.txt"
_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 10

_KEPT: Final = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")
"""What MiniStack, and through it every function, inherits from the user: no credentials, no settings."""

_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "proxy")


@dataclass
class LocalAWS:
    """A MiniStack on one port: the S3, CloudFormation, API Gateway, Lambda, CloudFront of this machine.

    It keeps everything in memory: what was deployed goes when it stops. `home` holds its log and process id.
    Whether it runs is told by a lock that its process holds: no crash and no reused process id can fake it.
    """

    port: int
    home: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def endpoint(self) -> str:
        """The address that AWS tools take for AWS. As a number: SDKs then address buckets by path."""
        return f"http://{ADDRESS}:{self.port}"

    @property
    def log(self) -> Path:
        """The file with everything that MiniStack said."""
        return self.home / "log"

    def environment(self) -> dict[str, str]:
        """Return our environment with this AWS in it, and no trace of a real account or a proxy."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("AWS_") and name.lower() not in _PROXIES
        }
        return kept | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            **_NO_PROFILES,
        }

    def running(self) -> bool:
        """Tell whether its process is there, be it still starting."""
        if not self._lock.exists():
            return False
        with self._lock.open() as file:
            return not _try_lock(file.fileno(), fcntl.LOCK_SH)

    def start(self, step: Step = silent) -> None:
        """Start it unless it runs, and return once it answers.

        Raises:
            DeployError: the port is taken, MiniStack cannot be installed, or it does not start.
        """
        if not self.running():
            python = _installed(step)
            if _listening(self.port):
                raise DeployError(
                    f"Port {self.port} is taken by another program. "
                    f"Stop that, or choose another port: VISAGE_LOCAL_PORT={self.port + 4} visage local up"
                )
            self._spawn(python)
        self._wait_until_it_answers()

    def stop(self) -> bool:
        """Stop it and every function it started; tell whether there was anything to stop."""
        was_running = self.running()
        if was_running:
            self._end(int(self._pid.read_text(encoding="ascii")))
        self._pid.unlink(missing_ok=True)
        shutil.rmtree(self.home / "tmp", ignore_errors=True)
        return was_running

    @property
    def _lock(self) -> Path:
        return self.home / "lock"

    @property
    def _pid(self) -> Path:
        return self.home / "pid"

    def _spawn(self, python: Path) -> None:
        (self.home / "tmp").mkdir(parents=True, exist_ok=True)
        with self._lock.open("w") as lock, self.log.open("wb") as log:
            if not _try_lock(lock.fileno(), fcntl.LOCK_EX):
                return  # Another command is starting it this very moment.
            self._process = subprocess.Popen(
                [python, "-m", "ministack"],
                cwd=self.home,
                env=self._server_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[lock.fileno()],
                start_new_session=True,
            )
            self._pid.write_text(f"{self._process.pid}\n", encoding="ascii")

    def _server_environment(self) -> dict[str, str]:
        return {name: os.environ[name] for name in _KEPT if name in os.environ} | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "BIND_HOST": ADDRESS,
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_WARM_TTL_SECONDS": "60",
            "MINISTACK_REGION": REGION,
            "SFTP_ENABLED": "0",
            "TMPDIR": str(self.home / "tmp"),
            **_NO_PROFILES,
        }

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not _healthy(self.port):
            if not self.running() or time.monotonic() > deadline:
                raise DeployError(f"The local AWS did not start. Its last words are in {self.log}.")
            time.sleep(0.1)

    def _end(self, pid: int) -> None:
        """End the process group: MiniStack leads it, and the functions are in it."""
        deadline = time.monotonic() + _STOP_SECONDS
        _signal_group(pid, signal.SIGTERM)
        while self.running() and time.monotonic() < deadline:
            time.sleep(0.05)
        _signal_group(pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None


_NO_PROFILES: Final = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
"""Keeps AWS tools from the user's own profiles."""


def direct(url: str) -> tuple[str, dict[str, str]]:
    """Return the address to ask for `url`, and the headers to ask with.

    Not every system resolves names that end in .localhost: they are asked for at this machine's number.
    """
    parts = urlsplit(url)
    if not (parts.hostname or "").endswith(".localhost"):
        return url, {}
    number = f"{ADDRESS}:{parts.port}" if parts.port else ADDRESS
    return parts._replace(netloc=number).geturl(), {"Host": parts.netloc}


def default() -> LocalAWS:
    """Return the local AWS of the command line: on port 4566, or on the one that VISAGE_LOCAL_PORT names."""
    text = Settings.read().local_port
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise DeployError(f"VISAGE_LOCAL_PORT is {text!r}. Make it the number of a free port, such as 4570.")
    return LocalAWS(int(text), _HOME / text)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server((ADDRESS, 0)) as server:
        port: int = server.getsockname()[1]
    return port


@contextmanager
def temporary(home: Path) -> Iterator[LocalAWS]:
    """Start a local AWS beside any that runs, on a free port, and stop it; `home` holds its log."""
    local = LocalAWS(free_port(), home)
    local.start()
    try:
        yield local
    finally:
        local.stop()


def _installed(step: Step) -> Path:
    """Return the interpreter of MiniStack's environment, made first where it is missing or out of date."""
    venv, wanted = _HOME / "venv", _REQUIREMENTS.read_text(encoding="utf-8")
    python, marker = venv / "bin" / "python", venv / "installed.txt"
    with exclusively(_HOME / "install.lock"):
        if not (marker.exists() and marker.read_text(encoding="utf-8") == wanted):
            with step("Installing MiniStack, once"):
                _install(venv, python)
            marker.write_text(wanted, encoding="utf-8")
    return python


def _install(venv: Path, python: Path) -> None:
    log = _HOME / "install.log"
    commands: tuple[list[str | Path], ...] = (
        [sys.executable, "-m", "venv", "--clear", venv],
        [python, "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes", "-r", _REQUIREMENTS],
    )
    with log.open("wb") as file:
        for command in commands:
            if subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False).returncode:
                raise DeployError(f"MiniStack could not be installed. See {log}, then try again.")


@contextmanager
def exclusively(lock: Path) -> Iterator[None]:
    """Run the block while no other process runs one under the same lock."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((ADDRESS, port)) == 0


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(ADDRESS, port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return "services" in json.load(connection.getresponse())
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
