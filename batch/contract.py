"""What the files of an output hold: the header `batch.json`, and the batches of a manifest.

| file of the output | content |
| --- | --- |
| `batch.json` | the `Header`: whose rows these are |
| `manifests/RUN.jsonl` | one `Batch` a line, of those that this run has to do |
| `manifests/RUN.index.gz` | every batch of the source: a list of its name, first key, last key and number of photos |
| `manifests/RUN.json` | the `Plan` of the run, see `batch.planning`; it is written last |
| `parts/NAME.jsonl.gz` | the rows of a batch, see `batch.parts` |
| `embeddings/NAME.npy` | the embeddings of their faces, where they are kept |
| `summary.json` | the counts, see `batch.summary` |
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple, Self

from batch.errors import OutputError

FORMAT: Final = 1
"""Raise it when rows get other members, or members another meaning. Outputs of other formats are done again."""

HEADER: Final = "batch.json"
MANIFESTS: Final = "manifests"

_NAME_DIGITS: Final = 24
"""Hexadecimal digits of a batch's name: 96 bits, so that no two of a billion batches share one."""


class Listed(NamedTuple):
    """A photo as it was listed.

    `key` is its name relative to the source, with slashes. `etag` names this version of it: S3's ETag without quotes,
    or the nanoseconds of a file's last change; None if an inventory has none. `size` is in bytes.
    """

    key: str
    etag: str | None
    size: int


@dataclass(frozen=True, slots=True)
class Header:
    """Whose rows an output holds.

    `source` is the location of the photos, `model` the version of the bundle, `space` the name of its embedding space,
    and `engine` what runs its network: engines differ in the last digits, and each has a threshold of its own.
    `roster` is the roster's version when the output was made, or None. `generation` grows with each `--new`, which does
    everything again. `created` is a time in ISO 8601.
    """

    source: str
    model: str
    space: str
    created: str
    engine: str = "torchscript"
    roster: int | None = None
    keep_embeddings: bool = False
    generation: int = 1

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read a header.

        Raises:
            OutputError: it is damaged, or of another format.
        """
        try:
            fields = json.loads(text)
            if fields.pop("format") == FORMAT:
                options = fields.pop("options")
                return cls(**fields, keep_embeddings=bool(options["keep_embeddings"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OutputError(f"{HEADER} of the output is damaged. Give another output, or --new.") from error
        raise OutputError("The output is of another version of Visage. Give another output, or --new.")

    def to_json(self) -> bytes:
        """Return the content of `batch.json`."""
        fields = asdict(self)
        fields["options"] = {"keep_embeddings": fields.pop("keep_embeddings")}
        return json.dumps({"format": FORMAT, **fields}, indent=2).encode()


@dataclass(frozen=True, slots=True)
class Batch:
    """Photos that are done together, in the order of their keys.

    `reuse` names parts that may hold rows of some of them: rows of photos that have not changed are taken from there.
    """

    name: str
    photos: tuple[Listed, ...]
    reuse: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, line: str | bytes | dict[str, Any]) -> Self:
        """Read a line of a manifest, or what a state machine has read of it.

        Raises:
            OutputError: it is damaged.
        """
        try:
            fields = line if isinstance(line, dict) else json.loads(line)
            photos = tuple(Listed(str(key), etag, int(size)) for key, etag, size in fields["photos"])
            return cls(str(fields["batch"]), photos, tuple(map(str, fields["reuse"])))
        except (ValueError, KeyError, TypeError) as error:
            raise OutputError("A line of the manifest is damaged. Run the batch again.") from error

    def to_json(self) -> str:
        """Return the line of the manifest, in ASCII and without its end."""
        return compact({"batch": self.name, "photos": self.photos, "reuse": self.reuse})


def batch_name(header: Header, photos: Sequence[Listed]) -> str:
    """Return the name of a batch: it changes with everything that its rows depend on, except for the roster."""
    parts = [FORMAT, header.model, header.engine, header.keep_embeddings, header.generation, photos]
    return hashlib.sha256(compact(parts).encode()).hexdigest()[:_NAME_DIGITS]


def order(key: str) -> bytes:
    """Return what keys are sorted by: their bytes in UTF-8, as S3 does; a file's name may hold other bytes."""
    return key.encode("utf-8", "surrogateescape")


def compact(value: Any) -> str:
    """Return a value as JSON in ASCII, without spaces. A byte of a file's name that is no UTF-8 survives it."""
    return json.dumps(value, separators=(",", ":"))
