"""The local AWS: MiniStack in a virtual environment of its own, on a port that only this machine can reach."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from filelock import FileLock

from deploy.errors import DeployError
from deploy.steps import Step, silent
from model.settings import ROOT, Settings
from preprocess.files import write_text

ADDRESS: Final = "127.0.0.1"
REGION: Final = "us-east-1"
ACCESS_KEY: Final = "test"
"""Both halves of the credentials. MiniStack accepts any."""

_REQUIREMENTS: Final = ROOT / "requirements" / "lock" / "local-aws.txt"
_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 10

_INHERITED: Final = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")
"""The user's variables that MiniStack and its functions inherit: no credentials, no settings."""

_PROC: Final = Path("/proc")
"""Linux has it. Elsewhere, the command ps tells about processes."""

_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "proxy")

_NO_PROFILES: Final = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
"""Keeps AWS tools from the user's own profiles."""

_RUN_MINISTACK: Final = """
import os, sys
os.setsid()
os.chdir(sys.argv[1])
del sys.argv[1:]
from ministack.app import main
main()
"""
"""Runs in MiniStack's environment. It starts a process group, so that `stop` ends MiniStack's functions with it."""


@dataclass(frozen=True, slots=True)
class LocalAWS:
    """A MiniStack on one port: S3, CloudFormation, API Gateway, Lambda and CloudFront on this machine.

    It keeps everything in memory: all deployments are gone when it stops. `home` holds its log and its process id.
    `python` runs MiniStack, and the functions of Lambda's own Python runtimes. `variables` are added to MiniStack's
    environment.
    """

    port: int
    home: Path
    settings: Settings = field(repr=False)
    python: Path = Path(sys.executable)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def endpoint(self) -> str:
        """The address that AWS tools use in place of AWS. It is a number, so that SDKs address buckets by path."""
        return f"http://{ADDRESS}:{self.port}"

    @property
    def log(self) -> Path:
        """The file with MiniStack's output."""
        return self.home / "log"

    @property
    def pid(self) -> int | None:
        """The id of its process and of its process group, None where it does not run.

        Only reads, so it can be asked at any moment. An id that the system has given to another process since does not
        count: the process must have the token in its command line that was made for it.
        """
        pid, token = self._recorded()
        return pid if pid and token and token in _command_line(pid) else None

    def environment(self) -> dict[str, str]:
        """Return the user's environment with this AWS in it, and without any real account or proxy."""
        kept = {
            name: value
            for name, value in self.settings.environment.items()
            if not name.startswith("AWS_") and name.lower() not in _PROXIES
        }
        return kept | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            **_NO_PROFILES,
        }

    def running(self) -> bool:
        """Tell whether its process exists, even if it does not answer yet."""
        return self.pid is not None

    def check(self) -> None:
        """Check that it runs, or can be started.

        Raises:
            DeployError: the port is taken.
        """
        if not self.running() and _listening(self.port):
            raise DeployError(
                f"Port {self.port} is taken by another program. "
                f"Stop that, or choose another port: begin the command with VISAGE_LOCAL_PORT={self.port + 4}"
            )

    def start(self, step: Step = silent) -> None:
        """Start it unless it runs, and return once it answers.

        Raises:
            DeployError: the port is taken, MiniStack cannot be installed, or it does not start.
        """
        with self._alone():
            started = not self.running()
            if started:
                self._spawn(step)
        try:
            self._wait_until_it_answers()
        except BaseException:
            if started:
                self.stop()
            raise

    def stop(self) -> bool:
        """Stop it and every function it started; tell whether it was running."""
        with self._alone():
            pid = self.pid
            if pid:
                self._end(pid)
            _reap(self._recorded()[0])
            self._pid_file.unlink(missing_ok=True)
            shutil.rmtree(self.home / "tmp", ignore_errors=True)
        return pid is not None

    @property
    def _pid_file(self) -> Path:
        return self.home / "pid"

    def _alone(self) -> FileLock:
        """Return the lock that lets one process at a time start or stop it."""
        self.home.mkdir(parents=True, exist_ok=True)
        return FileLock(self.home / "start.lock")

    def _recorded(self) -> tuple[int, str]:
        """Return the process id that was written down, and the token in its command line; 0 and "" without one."""
        with suppress(OSError, ValueError):
            pid, token = self._pid_file.read_text(encoding="ascii").split()
            return int(pid), token
        return 0, ""

    def _spawn(self, step: Step) -> None:
        self.check()
        python = _installed(self.settings.cache / "local-aws", self.python, step)
        (self.home / "tmp").mkdir(parents=True, exist_ok=True)
        token = uuid4().hex
        # Not subprocess.Popen: it warns when its process outlives it, and this one outlives `visage local up`.
        pid = os.posix_spawn(
            python,
            [str(python), "-c", _RUN_MINISTACK, str(self.home.absolute()), token],
            self._server_environment(),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self.log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        write_text(self._pid_file, f"{pid} {token}\n")
        # The system may show the command line of a new process a moment late.
        while not self.running() and os.waitpid(pid, os.WNOHANG) == (0, 0):
            time.sleep(0.01)

    def _server_environment(self) -> dict[str, str]:
        given = self.settings.environment
        return {name: given[name] for name in _INHERITED if name in given} | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "BIND_HOST": ADDRESS,
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_WARM_TTL_SECONDS": "60",
            "MINISTACK_REGION": REGION,
            "SFTP_ENABLED": "0",
            "TMPDIR": str(self.home.absolute() / "tmp"),
            **_NO_PROFILES,
            **self.variables,
        }

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not _healthy(self.port):
            if not self.running() or time.monotonic() > deadline:
                raise DeployError(f"The local AWS did not start. Its log says why: {self.log}")
            time.sleep(0.1)

    def _end(self, group: int) -> None:
        """End the process group: MiniStack leads it, and the functions are in it."""
        deadline = time.monotonic() + _STOP_SECONDS
        _signal_group(group, signal.SIGTERM)
        while self.running() and time.monotonic() < deadline:
            time.sleep(0.05)
        _signal_group(group, signal.SIGKILL)
        _reap(group, wait=True)


def direct(url: str) -> tuple[str, dict[str, str]]:
    """Return the address to connect to for `url`, and the headers to send.

    Not every system resolves names that end in .localhost. They are replaced by this machine's number, and sent as the
    header Host.
    """
    parts = urlsplit(url)
    if not (parts.hostname or "").endswith(".localhost"):
        return url, {}
    number = f"{ADDRESS}:{parts.port}" if parts.port else ADDRESS
    return parts._replace(netloc=number).geturl(), {"Host": parts.netloc}


def default(settings: Settings) -> LocalAWS:
    """Return the local AWS of the command line: on port 4566, or on the one that VISAGE_LOCAL_PORT names.

    Raises:
        DeployError: VISAGE_LOCAL_PORT is not the number of a port.
    """
    text = settings.local_port
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65536):
        raise DeployError(f"VISAGE_LOCAL_PORT is {text!r}. Set it to the number of a free port, such as 4570.")
    return LocalAWS(int(text), settings.cache / "local-aws" / str(int(text)), settings)


def free_port() -> int:
    """Return a port of this machine that no program listens on."""
    with socket.create_server((ADDRESS, 0)) as server:
        port: int = server.getsockname()[1]
    return port


@contextmanager
def temporary(home: Path, settings: Settings) -> Iterator[LocalAWS]:
    """Start a local AWS on a free port, beside any other that runs, and stop it; `home` holds its log."""
    local = LocalAWS(free_port(), home, settings)
    local.start()
    try:
        yield local
    finally:
        local.stop()


def _installed(folder: Path, base: Path, step: Step) -> Path:
    """Return the interpreter of MiniStack's environment; create that with `base` where it is missing or out of date."""
    name = "venv" if base == Path(sys.executable) else f"venv-{base.name}"
    venv, wanted = folder / name, _REQUIREMENTS.read_text(encoding="utf-8")
    python, marker = venv / "bin" / "python", venv / "installed.txt"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "install.lock"):
        if not (marker.exists() and marker.read_text(encoding="utf-8") == wanted):
            with step("Installing MiniStack, once"):
                _install(base, venv, python, folder / "install.log")
            write_text(marker, wanted)
    return python


def _install(base: Path, venv: Path, python: Path, log: Path) -> None:
    commands: tuple[list[str | Path], ...] = (
        [base, "-m", "venv", "--clear", venv],
        [
            python,
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--require-hashes",
            "--no-deps",
            "-r",
            _REQUIREMENTS,
        ],
    )
    with log.open("wb") as file:
        for command in commands:
            if subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False).returncode:
                raise DeployError(f"MiniStack could not be installed. See {log}, then try again.")


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


def _command_line(pid: int) -> str:
    """Return the command line of a process, "" where there is no such process or it has ended."""
    if (_PROC / "self" / "cmdline").exists():
        try:
            return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    command = ["ps", "-ww", "-o", "args=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _reap(pid: int, *, wait: bool = False) -> None:
    """Remove a process that has ended from the system's table, if this process started it."""
    if pid:
        with suppress(ChildProcessError):
            os.waitpid(pid, 0 if wait else os.WNOHANG)
