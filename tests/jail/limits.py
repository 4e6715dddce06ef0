"""The memory and the share of a processor that a memory size has on Lambda, by control groups where they can be made.

| this machine | memory | share of a processor |
| --- | --- | --- |
| control groups, version 1 or 2, that this user may make | limited: the kernel kills what takes more | limited |
| none, such as an ordinary user's | each process's own data is limited, which is somewhat stricter | not limited |
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MB_OF_A_PROCESSOR = 1769
"""Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html."""

_PERIOD = 100_000
"""Microseconds in which a group may use its share."""

_HOME = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Limits:
    """Limits for the processes of one function; `folders` are its control groups, none where they cannot be made."""

    megabytes: int
    folders: tuple[Path, ...]

    @property
    def command(self) -> list[str]:
        """The words before a command that put it under these limits."""
        if self.folders:
            join = 'for group; do [ "$group" = -- ] && break; echo $$ > "$group/cgroup.procs"; shift; done; shift'
            return ["/bin/sh", "-ec", f'{join}; exec "$@"', "limits", *map(str, self.folders), "--"]
        return ["/usr/bin/prlimit", f"--data={self.megabytes * 1024 * 1024}"]

    @property
    def peak(self) -> int | None:
        """The most bytes of memory that the processes had together, files that the kernel keeps included."""
        for folder in self.folders:
            for name in ("memory.max_usage_in_bytes", "memory.peak"):
                if (folder / name).is_file():
                    return int((folder / name).read_text())
        return None


@contextmanager
def limited(megabytes: int) -> Iterator[Limits]:
    """Give the limits of a function with so many megabytes; their control groups are removed when the block ends."""
    folders = _groups(f"visage-jail-{os.getpid()}-{time.monotonic_ns()}", megabytes)
    try:
        yield Limits(megabytes, folders)
    finally:
        for folder in folders:
            _remove(folder)


def _groups(name: str, megabytes: int) -> tuple[Path, ...]:
    """Make the control groups of a function; make none if one of them cannot be made."""
    memory, quota = megabytes * 1024 * 1024, megabytes * _PERIOD // MB_OF_A_PROCESSOR
    if (_HOME / "cgroup.controllers").is_file():
        wanted = {_HOME / name: {"memory.max": memory, "memory.swap.max": 0, "cpu.max": f"{quota} {_PERIOD}"}}
    else:
        of_cpu = {"cpu.cfs_period_us": _PERIOD, "cpu.cfs_quota_us": quota}
        wanted = {_HOME / "memory" / name: {"memory.limit_in_bytes": memory}, _HOME / "cpu" / name: of_cpu}
    try:
        for folder, values in wanted.items():
            folder.mkdir()
            for file, value in values.items():
                if (folder / file).exists() or file != "memory.swap.max":  # a system without swap has no such file
                    (folder / file).write_text(f"{value}\n")
    except OSError:
        for folder in wanted:
            _remove(folder)
        return ()
    return tuple(wanted)


def _remove(folder: Path) -> None:
    """Remove a control group. The kernel may need a moment to forget the processes that have ended in it."""
    for _ in range(100):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)
