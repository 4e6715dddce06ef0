"""What a search must know of an output before it begins: whether it can be searched, and whether it is complete."""

import hashlib
import os
from pathlib import Path
from typing import Final

from batch import parts
from batch.contract import Header
from batch.planning import complete_run, latest_run, read_header, read_plan, read_summary
from batch.storage import Storage
from collection.errors import SearchError

_FOLDER: Final = "search"


def searchable(output: Storage, space: str) -> Header:
    """Return the header of an output with embeddings that can be compared with those of the embedding space `space`.

    Raises:
        SearchError: there is no output, or it has no such embeddings.
        BatchError, OSError: it cannot be read.
    """
    header = read_header(output)
    if header is None:
        raise SearchError(f"There is no output of `visage batch` at {output.location}.")
    if not header.keep_embeddings:
        raise SearchError(
            f"{output.location} was made without embeddings, so nobody can be searched in it. Run `visage batch` with "
            "--keep-embeddings, to another output or with --new."
        )
    if header.space != space:
        raise SearchError(
            f"{output.location} was made by a network of another embedding space: {header.space}, and this bundle's is "
            f"{space}. Give the bundle that it was made with, or one with the same pretrained weights."
        )
    return header


def unfinished(output: Storage) -> str:
    """Return a sentence if the batch is not finished, an empty text if it is.

    Raises:
        BatchError, OSError: the output cannot be read.
    """
    run = latest_run(output)
    if run is None:
        return "The batch has not listed its photos yet. What is there is searched."
    if complete_run(read_summary(output)) == run:
        return ""
    plan = read_plan(output, run)
    done = len(parts.existing(output, embeddings=True).difference(plan.stale))
    return f"The batch is not finished: {done} of {plan.batches} parts are there. What is there is searched."


def index_folder(location: str, cache: Path) -> Path:
    """Return where the index of an output is: inside it, or in the folder `cache` if the output cannot be written."""
    if not location.startswith("s3://") and os.access(location, os.W_OK):
        return Path(location) / _FOLDER
    return cache / _FOLDER / hashlib.sha256(location.encode()).hexdigest()[:16]
