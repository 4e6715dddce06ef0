"""A local AWS of the bench's own, beside any that runs."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.local import ADDRESS, LocalAWS


@contextmanager
def local_aws(home: Path) -> Iterator[LocalAWS]:
    """Start one on a free port, and stop it; `home` holds its log."""
    with socket.create_server((ADDRESS, 0)) as server:
        port = server.getsockname()[1]
    aws = LocalAWS(port, home / "local-aws")
    aws.start()
    try:
        yield aws
    finally:
        aws.stop()
