"""How measured figures are written: as a JSON file, as Markdown tables, and into a page of the documentation."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from preprocess.files import write_text

_BEGIN: Final = "<!-- measured -->\n"
_END: Final = "<!-- end of what was measured -->\n"


@dataclass(frozen=True)
class Figures:
    """The result of one measurement. Every measuring module has a function that takes its subject and returns one."""

    FILE: ClassVar[str]
    """Name of the JSON file."""

    def to_dict(self) -> dict[str, Any]:
        """Return the content of the JSON file: by default, the fields of the dataclass."""
        return asdict(self)

    def write(self, folder: Path) -> None:
        """Write the figures into `folder`."""
        write_json(folder / self.FILE, self.to_dict())


def write_json(path: Path, value: Any) -> None:
    """Write figures as JSON, one member a line, and make the folders on the way."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows))


def write_measured(page: Path, measured: str) -> None:
    """Replace the text between the two marks of a page, and keep the rest."""
    before, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    write_text(page, f"{before}{_BEGIN}\n{measured}\n{_END}{after}")
