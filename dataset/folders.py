"""Walks folders of photos, one folder a person, and says what is odd about them."""

import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from dataset.errors import PrepareError

_IGNORED = frozenset({"thumbs.db", "desktop.ini"})


@dataclass
class People:
    """Each person's photos, and a sentence for everything that is odd."""

    photos: dict[str, list[Path]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def walk(root: Path) -> People:
    """Return the people under `root`: every folder's name is a label, every file in it, however deep, a photo.

    Folders without photos, folders whose names differ only in case and files that belong to nobody each get a remark.
    Hidden files and what file managers leave behind are passed over in silence.

    Raises:
        PrepareError: there is no such folder, or nobody in it.
    """
    if not root.is_dir():
        raise PrepareError(f"No such folder: {root}. Give a folder that holds one folder of photos a person.")
    people = People()
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    for folder in _distinct(folders, people.remarks):
        found = files(folder)
        photos = [photo for photo in found if _is_spelled(photo)]
        if len(photos) < len(found):
            people.remarks.append(f'In "{folder.name}", files whose names are not UTF-8 are left out. Rename them.')
        if photos:
            people.photos[folder.name] = photos
        else:
            people.remarks.append(f'The folder "{folder.name}" has no photos; nobody of that name is prepared.')
    loose = [path.name for path in root.iterdir() if path.is_file() and _is_visible(Path(path.name))]
    if loose:
        people.remarks.append(f"{len(loose)} files lie beside the folders and belong to nobody, {min(loose)} first.")
    if not people.photos:
        raise PrepareError(f"{root} holds no folder with photos. Make one folder a person and put photos into it.")
    return people


def _distinct(folders: list[Path], remarks: list[str]) -> list[Path]:
    """Leave out folders that would be one folder on a disk that ignores case or spells accents differently."""
    same: defaultdict[str, list[Path]] = defaultdict(list)
    for folder in folders:
        same[unicodedata.normalize("NFC", folder.name).casefold()].append(folder)
    for group in same.values():
        if len(group) > 1:
            names = " and ".join(f'"{folder.name}"' for folder in group)
            remarks.append(f"The folders {names} differ only in case and are left out. Merge or rename them.")
    return [group[0] for group in same.values() if len(group) == 1]


def files(folder: Path) -> list[Path]:
    """Return the visible files of a folder, however deep."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if _is_visible(path.relative_to(folder)))


def _is_visible(path: Path) -> bool:
    return path.name.lower() not in _IGNORED and not any(part.startswith(".") for part in path.parts)


def _is_spelled(path: Path) -> bool:
    """Whether the name is text; a disk may hold any bytes, which Python shows as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in str(path))
