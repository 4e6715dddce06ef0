"""How a run on AWS ends before its last batch: it is cancelled, or something is wrong that would fail every batch.

Stopping the state machine does not stop the batches on their way, and none at all on the local AWS. And Step Functions
does not say why a batch failed. So both are written down in the output.
"""

from batch.contract import MANIFESTS
from batch.errors import MissingError
from batch.storage import Storage


def cancel(output: Storage, run: str) -> None:
    """Let a run do no further batch; raise BatchError if S3 refuses."""
    output.write(_file(run, "cancelled"), b"")


def is_cancelled(output: Storage, run: str) -> bool:
    """Tell whether a run shall do no further batch; raise BatchError if S3 refuses."""
    return _read(output, run, "cancelled") is not None


def stop(output: Storage, run: str, reason: str) -> None:
    """Write down why no batch of a run can be done; raise BatchError if S3 refuses."""
    output.write(_file(run, "stopped"), reason.encode())


def why_stopped(output: Storage, run: str) -> str:
    """Return why no batch of a run could be done, "" if nobody wrote it down; raise BatchError if S3 refuses."""
    return (_read(output, run, "stopped") or b"").decode(errors="replace")


def _read(output: Storage, run: str, ending: str) -> bytes | None:
    try:
        return output.read(_file(run, ending))
    except MissingError:
        return None


def _file(run: str, ending: str) -> str:
    return f"{MANIFESTS}/{run}.{ending}"
