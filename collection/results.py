"""What is made at home of the rows of an output: `photos.parquet` and `report.html`."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from batch.contract import Listed
from batch.planning import index
from batch.rows import ANSWERED, Row
from batch.sources import Source
from batch.storage import Storage
from batch.summary import read_parts
from collection.page import write_page
from collection.pictures import Picture, pictures_of
from collection.table import Table
from preprocess.temporary import temporary_folder

TABLE: Final = "photos.parquet"
PAGE: Final = "report.html"

FACES_SHOWN: Final = 6
PEOPLE_SHOWN: Final = 100
PROBLEMS_SHOWN: Final = 200
"""What the page shows at most: more would take long to open."""


@dataclass
class Examples:
    """Rows for the page: the best faces of each person, and photos that something is wrong with."""

    faces: dict[tuple[str, str], list[tuple[float, int, Picture]]] = field(default_factory=dict)
    problems: list[Row] = field(default_factory=list)
    _seen: int = 0

    def add(self, row: Row) -> None:
        """Keep a row if it belongs on the page."""
        if row["status"] not in ANSWERED and len(self.problems) < PROBLEMS_SHOWN:
            self.problems.append(row)
        for face in row["faces"]:
            if face["known"]:
                self._add_face(row, face)

    def _add_face(self, row: Row, face: dict[str, Any]) -> None:
        best = self.faces.setdefault((face["id"], face["label"]), [])
        self._seen += 1  # no two entries are equal, so that pictures are never compared
        listed = Listed(row["photo"], row["etag"], row["bytes"])
        entry = face["quality"]["score"], -self._seen, Picture(listed, face["box"])
        (heapq.heappush if len(best) < FACES_SHOWN else heapq.heappushpop)(best, entry)

    def best(self, identity: str, label: str) -> list[Picture]:
        """Return the best pictures of a person, the best first."""
        return [picture for _, _, picture in sorted(self.faces.get((identity, label), ()), reverse=True)]


def write_results(output: Storage, run: str, summary: dict[str, Any], source: Source, *, thumbnails: bool) -> None:
    """Write the table and the page of a run; pictures of faces are read from the source only with `thumbnails`.

    Raises:
        BatchError, OSError: the output cannot be read or written.
    """
    examples = Examples()
    with temporary_folder() as folder:
        with Table(folder / TABLE) as table:
            for row in _rows(output, run):
                table.add(row)
                examples.add(row)
        output.store(TABLE, folder / TABLE)
    people = summary["people"][:PEOPLE_SHOWN] if thumbnails else []
    pictures = {
        (person["id"], person["label"]): pictures_of(source, examples.best(person["id"], person["label"]))
        for person in people
    }
    output.write(PAGE, write_page(summary, examples.problems, pictures).encode())


def _rows(output: Storage, run: str) -> Iterator[Row]:
    for _, rows in read_parts(output, index(output, run)):
        yield from rows or ()
