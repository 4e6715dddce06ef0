"""The HTML page of a batch: how many photos of whom, what each status means, and what went wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from batch.rows import AGAIN, ANSWERED, STATUSES, Row
from dataset.words import counted

_TEMPLATES = Path(__file__).parent / "templates"


def write_page(
    summary: Mapping[str, Any],
    problems: Sequence[Row],
    pictures: Mapping[tuple[str, str], Sequence[tuple[str, str]]],
) -> str:
    """Return the page. `pictures` has keys of photos and data URLs of faces, by the id and label of a person."""
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True)
    environment.filters |= {"counted": counted}
    wrong = {status: count for status, count in summary["statuses"].items() if status not in ANSWERED}
    return environment.get_template("batch.html").render(
        summary=summary,
        meanings=STATUSES,
        problems=problems,
        hidden=sum(wrong.values()) - len(problems),
        again=sum(count for status, count in wrong.items() if status in AGAIN),
        pictures=pictures,
    )
