"""Imports ONNX Runtime, which runs the face detector under both engines, and the network under one of them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

WITHOUT_TELEMETRY: Final = {"ORT_DISABLE_TELEMETRY": "1"}
"""Since version 1.29 ONNX Runtime reports to Microsoft by default."""

_WITH_VNNI: Final = frozenset({"avx512_vnni", "avx_vnni"})
"""What Linux calls the instructions of Intel and AMD that add up products of eight-bit numbers in 32 bits."""


def onnxruntime() -> Any:
    """Import ONNX Runtime with its telemetry switched off.

    While it is imported, it also writes a device id to the user's home, unless the variable is set;
    `disable_telemetry_events` can only be called later. A deployed function has the variable in its environment
    already.
    """
    with variables_during(WITHOUT_TELEMETRY):
        library = import_module("onnxruntime")
    library.disable_telemetry_events()
    return library


def session(network: Path | bytes, threads: int) -> Any:
    """Return a session that runs `network`, a file or its content, on the processor.

    Raises:
        One of ONNX Runtime's errors: it cannot read the network.
    """
    library = onnxruntime()
    options = library.SessionOptions()
    options.intra_op_num_threads = threads
    # A waiting thread sleeps after 50 microseconds: spinning would use up the function's small share of processor.
    options.add_session_config_entry("session.intra_op.spin_duration_us", "50")
    if not adds_in_32_bits():
        # So that every processor gets the same sums. It takes twice as long, also where it is not needed.
        options.add_session_config_entry("session.x64quantprecision", "1")
    options.enable_mem_pattern = False  # Patterns are no faster, and one is kept for every size of the input.
    source = network if isinstance(network, bytes) else str(network)
    return library.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def adds_in_32_bits(processor: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor adds up products of eight-bit numbers in 32 bits (VNNI). Others use 16: it may be too few.

    `processor` is the file in which Linux describes it. On a system without that file, it counts as one of the others.
    """
    try:
        with processor.open(encoding="utf-8", errors="replace") as lines:
            flags = next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        return False
    return not _WITH_VNNI.isdisjoint(flags.split())


@contextmanager
def variables_during(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables that are missing while the block runs.

    This is for a library that reads a setting while it is imported, and only from the environment.
    """
    missing = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)
