"""The folder of aligned faces: what its files are called, and whose faces they are.

ALIGNED/
├── <person>/<photo>.jpg      the kept face of each photo, 600x600
└── .visage/                  journal.jsonl, overrides.json, report.json, report.html, and every face found, in faces/
"""

from pathlib import Path
from typing import Final

from preprocess.files import read_json
from preprocess.names import is_visible, key, normalised, shown

OUTPUT: Final = ".visage"
REPORT: Final = "report.json"
PAGE: Final = "report.html"
JOURNAL: Final = "journal.jsonl"
OVERRIDES: Final = "overrides.json"


def reported_chips(aligned: Path) -> dict[str, object]:
    """Return the person of each chip as the last report has them; none without a report, or with a damaged one."""
    return _reported(aligned, "person")


def photos_of_chips(aligned: Path) -> dict[str, str]:
    """Return the photo of each chip as the last report has them; none without a report, or with a damaged one."""
    return {normalised(chip): str(photo) for chip, photo in _reported(aligned, "photo").items()}


def _reported(aligned: Path, what: str) -> dict[str, object]:
    try:
        photos = read_json(aligned / OUTPUT / REPORT)["photos"]
        return {chip: photo.get(what) for photo in photos if isinstance(chip := photo["chip"], str)}
    except (FileNotFoundError, NotADirectoryError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def by_label(aligned: Path) -> dict[str, list[Path]]:
    """Return each person's folders of aligned faces, by label.

    A folder has the person's label as its name. Where no file can be called so, the report knows the label. Folders
    whose names are the same, see `labels.same`, are one person's.
    """
    people = {chip.partition("/")[0]: person for chip, person in reported_chips(aligned).items()}
    labels = {folder: person for folder, person in people.items() if isinstance(person, str)}
    found: dict[str, list[Path]] = {}
    spelled: dict[str, str] = {}
    for path in sorted(aligned.iterdir()):
        if path.is_dir() and is_visible(path.name):
            name = normalised(path.name)
            own = labels.get(name, shown(name))
            label = spelled.setdefault(key(own), own)
            found.setdefault(label, []).append(path)
    return dict(sorted(found.items()))
