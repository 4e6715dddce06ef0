"""What the benchmark needs of Linux: memory, from proc(5), and cores. Imports little: imports count as memory, too."""

import os
from pathlib import Path

from bench.errors import UnsupportedSystemError


def require_linux() -> None:
    """Check that this system can run the benchmark.

    Raises:
        UnsupportedSystemError: it cannot.
    """
    if not (hasattr(os, "sched_setaffinity") and Path("/proc/self/status").is_file()):
        raise UnsupportedSystemError(
            "The benchmark runs on Linux only: it assigns processor cores to processes, and reads their memory from "
            "/proc. Everything else of Visage runs here too."
        )


def use_cores(count: int) -> None:
    """Let this process run on so many of its processor cores only."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def memory(process: int | str = "self") -> tuple[float, float]:
    """Return the resident memory of a process and its maximum so far, in millions of bytes."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    kib = {name: float(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if "kB" in rest}
    return kib["VmRSS"] * 1024 / 1e6, kib["VmHWM"] * 1024 / 1e6
