"""The HTML page of a preparation: for each person, the photos that were kept and those that were set aside."""

import shlex
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, TemplateError

from dataset.words import counted
from preprocess.files import write_text
from preprocess.geometry import PHOTO_CHIP

_TEMPLATES = Path(__file__).parent / "templates"


def write_page(report: Mapping[str, Any], path: Path) -> None:
    """Write the HTML page for the content of `report.json` to `path`, inside the aligned faces' output folder.

    Raises:
        ValueError: the content is damaged.
    """
    try:
        write_text(path, _page(report))
    except TemplateError as error:
        raise ValueError("The report is damaged.") from error


def _page(report: Mapping[str, Any]) -> str:
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True)
    environment.filters |= {"shell": shlex.quote, "counted": counted}
    people = [_person(name, list(photos)) for name, photos in groupby(report["photos"], key=lambda p: p["person"])]
    return environment.get_template("report.html").render(
        people=people,
        kept=sum(len(person["kept"]) for person in people),
        photos=len(report["photos"]),
        remarks=report["remarks"],
        questions=report["questions"],
        stretch=PHOTO_CHIP.stretch,
    )


def _person(name: str, photos: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Split a person's photos into kept ones, lowest agreement first, and those set aside, sorted by cause."""
    kept = [photo for photo in photos if photo["chip"]]
    aside = [photo for photo in photos if not photo["chip"]]
    return {
        "name": name,
        "kept": sorted(kept, key=lambda photo: 1 if photo["agreement"] is None else photo["agreement"]),
        "aside": sorted(aside, key=lambda photo: (photo["cause"], photo["photo"])),
    }
