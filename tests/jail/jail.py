"""Runs the function as Lambda does: as another user, on Lambda's file system, in its environment, within its limits.

bubblewrap makes the file system. Root changes to the user of Lambda's sandbox, so that permissions count as they do
there. An ordinary user cannot do so; files that only their owner can read look readable then.

| on Lambda | here |
| --- | --- |
| the code in `/var/task` | the unpacked zip, or what the Dockerfile copies |
| Python in `/var/lang` | this machine's, with the libraries of the image |
| `/tmp`: 512 MB of disk | 512 MB of memory, which counts as the function's |
| no `/dev/shm`, no `/sys`, all else read-only | the same |
| Amazon Linux | this machine's `/usr` |
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.engines import ENGINES
from scripts.programs import BUBBLEWRAP
from tests.jail.limits import Limits, limited
from tests.jail.services import ACCESS_KEY, KEYS, LOCATION, ROSTER, TIMEOUT_SECONDS, TOKEN, Services, serving

USER, GROUP = 993, 990
"""Lambda's user of a sandbox."""

TMP_BYTES = 512 * 1024 * 1024
START_SECONDS = 10
"""How long Lambda lets a function initialise.
Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html."""

_DEVICES = ("null", "zero", "full", "random", "urandom")
_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}


@dataclass(frozen=True)
class Deployment:
    """What is deployed: the folder of the code, a Python installation, and libraries that are not in the code."""

    engine: str
    task: Path
    prefix: Path
    command: tuple[str, ...]
    """The words that start Python. The program itself is in `/var/lang/bin`."""
    site_packages: str = ""
    """Where `libraries` are mounted."""
    libraries: tuple[Path, ...] = ()


class FunctionEndedError(Exception):
    """The function ended instead of answering. The text is its log."""


class Function:
    """A function that runs."""

    def __init__(self, process: "subprocess.Popen[bytes]", services: Services, limits: Limits, log: Path) -> None:
        self.process = process
        self.services = services
        self.limits = limits
        self._log = log
        self._started = time.monotonic()

    def __call__(self, event: Any, _: object = None) -> Any:
        """Send an event and return the answer, as a handler does.

        Raises:
            FunctionEndedError: it has ended, by itself or because it took too much memory.
        """
        self.services.send(event)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if (answer := self.services.receive(0.2)) is not None:
                return answer
            if self.process.poll() is not None:
                raise FunctionEndedError(self.log)
        raise TimeoutError(self.log)

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def wait_until(self, name: str, seconds: float = 90) -> float:
        """Wait until the function is "ready" or waits for its "snapshot"; return the seconds since its start."""
        event, deadline = getattr(self.services, name), time.monotonic() + seconds
        while not event.wait(0.02):
            if self.process.poll() is not None:
                raise FunctionEndedError(self.log)
            assert time.monotonic() < deadline, f"The function does not start.\n{self.log}"
        return time.monotonic() - self._started

    def processes(self) -> list[int]:
        """Return the ids of the processes that run Python in the jail."""
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
            except OSError:  # it has ended
                continue
            children.setdefault(parent, []).append(int(stat.parent.name))
        found, waiting = [], [self.process.pid]
        while waiting:
            of_one = children.get(waiting.pop(), [])
            waiting += of_one
            found += [pid for pid in of_one if b"awslambdaric" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        return [pid for pid in found if not Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"bwrap\0")]

    def processor_seconds(self) -> float:
        """Return the seconds that the function has computed, its processes that have ended included.

        So many seconds pass on Lambda with one processor. On this machine it may have to wait for others.
        """
        (process,) = self.processes()
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def open_files(self) -> int:
        """Return how many files, pipes and sockets the function has open."""
        return len(list(Path(f"/proc/{self.processes()[0]}/fd").iterdir()))

    def tmp(self) -> Path:
        """Return the function's /tmp, as this process can see it."""
        return Path(f"/proc/{self.processes()[0]}/root/tmp")

    def tmp_used(self) -> int:
        """Return the bytes in use in the function's /tmp, those of deleted files that are still open included."""
        found = os.statvfs(self.tmp())
        return (found.f_blocks - found.f_bfree) * found.f_frsize


@contextmanager
def running(
    deployment: Deployment,
    bundle: Path,
    home: Path,
    megabytes: int = 1769,
    *,
    snapshot: bool = False,
    auth: str = "none",
    tmp_bytes: int = TMP_BYTES,
) -> Iterator[Function]:
    """Start the function with a bundle, and end it when the block ends.

    `home` is an empty folder for its log. With `snapshot` it starts as AWS starts it to take a snapshot. `auth` is who
    may use it.
    """
    with ExitStack() as stack:
        limits = stack.enter_context(limited(megabytes))
        services = stack.enter_context(serving(bundle))
        log = stack.enter_context((home / "log").open("wb"))
        environment = environment_of(deployment.engine, services.port, megabytes, snapshot=snapshot, auth=auth)
        command = [*limits.command, *jailed(deployment, environment, home, tmp_bytes)]
        command += ["-m", "awslambdaric", "handler.lambda_handler"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield Function(process, services, limits, home / "log")
        finally:
            process.kill()  # and with it all processes of the jail
            process.wait()


def jailed(deployment: Deployment, environment: Mapping[str, str], home: Path, tmp_bytes: int = TMP_BYTES) -> list[str]:
    """Return the words that start Python in the jail; its arguments follow them. `home` gets the jail's passwd."""
    command = [*_file_system(deployment, home, tmp_bytes), "--clearenv"]
    for name, value in environment.items():
        command += ["--setenv", name, value]
    return [*command, *_as_lambdas_user(), *deployment.command]


def _file_system(deployment: Deployment, home: Path, tmp_bytes: int) -> list[str]:
    users = home / "passwd"
    users.write_text(f"root:x:0:0::/root:/sbin/nologin\nsbx_user1051:x:{USER}:{GROUP}::/home/sbx_user1051:/bin/false\n")
    users.chmod(0o644)
    words = ["bwrap", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--new-session"]
    if os.geteuid():
        words += ["--unshare-user", "--uid", str(USER), "--gid", str(GROUP)]
    words += ["--ro-bind", "/usr", "/usr"]
    for name in ("lib", "lib64", "bin"):
        words += ["--symlink", f"usr/{name}", f"/{name}"]
    for name in ("etc", "opt", "var", "var/runtime"):
        words += ["--perms", "0755", "--dir", f"/{name}"]
    words += ["--ro-bind", str(deployment.task), "/var/task", "--ro-bind", str(deployment.prefix), "/var/lang"]
    if deployment.libraries:
        words += ["--perms", "0755", "--tmpfs", deployment.site_packages]
    for path in deployment.libraries:
        words += ["--ro-bind", str(path), f"{deployment.site_packages}/{path.name}"]
    words += ["--ro-bind", str(users), "/etc/passwd", "--ro-bind", "/etc/hosts", "/etc/hosts", "--proc", "/proc"]
    words += ["--tmpfs", "/dev"]
    for name in _DEVICES:
        words += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    for name, target in _LINKS.items():
        words += ["--symlink", target, f"/dev/{name}"]
    words += ["--remount-ro", "/dev", "--size", str(tmp_bytes), "--perms", "1777", "--tmpfs", "/tmp"]  # noqa: S108
    return [*words, "--remount-ro", "/", "--chdir", "/var/task"]


def environment_of(
    engine: str, port: int, megabytes: int, *, snapshot: bool = False, auth: str = "none"
) -> dict[str, str]:
    """Return Lambda's variables and those that serverless.yml gives the function.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html.
    """
    folders = ("/var/lang/lib", "/lib64", "/usr/lib64", "/var/runtime", "/var/runtime/lib", "/var/task", "/opt/lib")
    address = f"127.0.0.1:{port}"
    environment = {
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LD_LIBRARY_PATH": ":".join(folders),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "_HANDLER": "handler.lambda_handler",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12",
        "AWS_LAMBDA_FUNCTION_NAME": "visage",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(megabytes),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start" if snapshot else "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/visage",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[1]0123456789abcdef",
        "AWS_LAMBDA_RUNTIME_API": address,
        "AWS_ENDPOINT_URL": f"http://{address}",
        "VISAGE_MODEL": f"s3://{LOCATION}",
        "VISAGE_ENGINE": engine,
        "VISAGE_AUTH": auth,
        "VISAGE_LABELS": "public",
        "VISAGE_KEYS": f"s3://{KEYS}",
        "VISAGE_ROSTER": f"s3://{ROSTER}",
        "POWERTOOLS_SERVICE_NAME": "visage",
        "POWERTOOLS_METRICS_NAMESPACE": "Visage",
        "LOG_LEVEL": "INFO",
        **ENGINES[engine].environment,
    }
    if snapshot:
        uri = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{address}/credentials"}
        return environment | uri | {"AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN}
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session"}
    return environment | keys


def _as_lambdas_user() -> list[str]:
    """Return the words before a command that give up every right of root; an ordinary user has none to give up."""
    if os.geteuid():
        return []
    identity = [f"--reuid={USER}", f"--regid={GROUP}", "--clear-groups"]
    return ["/usr/bin/setpriv", *identity, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]


def why_not() -> str | None:
    """Return why this machine cannot run the jail, or None if it can."""
    if not BUBBLEWRAP.path:
        return BUBBLEWRAP.advice
    missing = [name for name in ("/usr/bin/setpriv", "/usr/bin/prlimit") if not shutil.which(name)]
    if missing:
        return f"The jail needs {' and '.join(missing)}. Install util-linux."
    user = ["--unshare-user"] if os.geteuid() else []
    links = [word for name in ("lib", "lib64") for word in ("--symlink", f"usr/{name}", f"/{name}")]
    command = ["bwrap", *user, "--unshare-pid", "--ro-bind", "/usr", "/usr", *links, "--proc", "/proc", "/usr/bin/true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = " ".join(done.stderr.split())
        return f"bubblewrap may not make namespaces on this machine: {reason or 'it does not say why'}"
    return None
