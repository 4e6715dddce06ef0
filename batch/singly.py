"""Answers a batch that killed its process, photo by photo: the photo at fault has a row that says so.

Nobody outlives a process of Lambda that is killed. So each photo is written down before it is tried, and its row is
written at once, in a part of its own. The next attempt goes on from there.
"""

from batch import parts, worker
from batch.contract import MANIFESTS, Batch, Header, batch_name
from batch.errors import MissingError, OutputError
from batch.parts import Part
from batch.sources import Source
from batch.storage import Storage
from batch.worker import Model


def answer(batch: Batch, run: str, source: Source, output: Storage, model: Model, header: Header) -> Part:
    """Return the rows of a batch; `run` names the run. The caller writes them, and then calls `tidy`.

    Raises:
        BatchError, OSError: as `batch.worker.answer` does; or the output cannot be written.
    """
    suspect = _tried(output, run, batch)
    found = []
    for listed in batch.photos:
        single = batch_name(header, [listed])
        part = _finished(output, single, header)
        if part is None and single == suspect:
            part = worker.failed_part(listed, header)
            parts.write(output, part)
        elif part is None:
            output.write(_mark(run, batch), single.encode())
            part = worker.answer(Batch(single, (listed,), batch.reuse), source, output, model, header)
            parts.write(output, part)
        found.append(part)
    return Part.joined(batch.name, found)


def tidy(batch: Batch, run: str, output: Storage, header: Header) -> None:
    """Remove what was written for single photos; raise BatchError if S3 refuses."""
    for listed in batch.photos:
        single = batch_name(header, [listed])
        if single != batch.name:
            parts.remove(output, single)
    output.remove(_mark(run, batch))


def _finished(output: Storage, name: str, header: Header) -> Part | None:
    try:
        return parts.read(output, name, embeddings=header.keep_embeddings)
    except (MissingError, OutputError):
        return None


def _tried(output: Storage, run: str, batch: Batch) -> str:
    """Return the part of the photo that the last attempt began with, "" if this is the first one."""
    try:
        return output.read(_mark(run, batch)).decode("ascii", "replace")
    except MissingError:
        return ""


def _mark(run: str, batch: Batch) -> str:
    return f"{MANIFESTS}/{run}.{batch.name}.tried"
