"""The page that shows what became of every photo."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

_TEMPLATES = Path(__file__).parent / "templates"


def write_page(report: Mapping[str, Any], path: Path) -> None:
    """Write the HTML page for the content of `report.json` to `path`, inside the aligned faces' output folder."""
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True)
    left_out = [photo for photo in report["photos"] if photo["reason"]]
    page = environment.get_template("report.html").render(**report, left_out=left_out)
    path.write_text(page, encoding="utf-8")
