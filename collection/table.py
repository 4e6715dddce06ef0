"""The rows of an output as a Parquet file: one row a photo, with a nested list of its faces.

It is written by groups of rows, so that memory does not grow with the photos. What is rarely asked for (landmarks, the
likeliest people besides the first, advice) is only in the parts.
"""

from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa
from pyarrow import parquet

from batch.rows import Row

GROUP: Final = 10_000
"""Rows of a group: some megabytes in memory."""

_BOX: Final = pa.struct([(side, pa.int32()) for side in ("left", "top", "width", "height")])
_POSE: Final = pa.struct([(angle, pa.float64()) for angle in ("yaw", "pitch", "roll")])
_QUALITY: Final = pa.struct(
    [("size", pa.int32()), *((name, pa.float64()) for name in ("sharpness", "brightness", "share", "score"))]
)
_FACE: Final = pa.struct(
    [
        ("label", pa.string()),
        ("id", pa.string()),
        ("known", pa.bool_()),
        ("enrolled", pa.bool_()),
        ("probability", pa.float64()),
        ("similarity", pa.float64()),
        ("detection_score", pa.float64()),
        ("box", _BOX),
        ("pose", _POSE),
        ("quality", _QUALITY),
    ]
)
SCHEMA: Final = pa.schema(
    [
        ("photo", pa.string()),
        ("status", pa.string()),
        ("detail", pa.string()),
        ("faces", pa.list_(_FACE)),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("rotation", pa.int16()),
        ("complete", pa.bool_()),
        ("bytes", pa.int64()),
        ("etag", pa.string()),
        ("sha256", pa.string()),
        ("model", pa.string()),
        ("roster", pa.int64()),
    ]
)


class Table:
    """A Parquet file that is being written. Use it as a context."""

    def __init__(self, path: Path) -> None:
        """Write the file at `path`."""
        self._path = path
        self._rows: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._writer = parquet.ParquetWriter(self._path, SCHEMA, compression="zstd")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._write()
        finally:
            self._writer.close()

    def add(self, row: Row) -> None:
        """Add the row of a photo."""
        self._rows.append(row)
        if len(self._rows) == GROUP:
            self._write()

    def _write(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, SCHEMA))
        self._rows = []
