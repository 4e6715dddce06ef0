"""Lists folders of photos, one folder for each person, with a remark on everything that looks like a mistake."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from dataset.errors import PrepareError
from dataset.labels import normalised

_IGNORED = frozenset({"thumbs.db", "desktop.ini"})


@dataclass
class People:
    """Each person's photos, by label, and a sentence on everything that looks like a mistake."""

    photos: dict[str, list[Path]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def walk(root: Path) -> People:
    """Return the people under `root`: every folder's name, in NFC, is a label; every file in it, however deep, a photo.

    There is a remark on each folder without photos, on folders whose names some disks take for one, and on files
    outside of the folders. Hidden files and what file managers leave behind are ignored without a remark.

    Raises:
        PrepareError: there is no such folder, or nobody in it.
    """
    if not root.is_dir():
        raise PrepareError(f"No such folder: {root}. Give a folder that holds one folder of photos for each person.")
    people = People()
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    for folder in _distinct(folders, people.remarks):
        label, photos = normalised(folder.name), files(folder)
        if len(photos) < len(_visible_files(folder)):
            people.remarks.append(f'In "{label}", files whose names are not UTF-8 are left out. Rename them.')
        if photos:
            people.photos[label] = photos
        else:
            people.remarks.append(f'The folder "{label}" has no photos and is left out.')
    loose = [path.name for path in root.iterdir() if path.is_file() and is_visible(Path(path.name))]
    if loose:
        files_are = "file is" if len(loose) == 1 else "files are"
        people.remarks.append(f"{len(loose)} {files_are} outside the folders and left out; the first is {min(loose)}.")
    if not people.photos:
        sentences = [f"{root} holds no folder with photos.", *people.remarks]
        raise PrepareError(f"{' '.join(sentences)} Make one folder for each person and put photos into it.")
    return people


def _distinct(folders: list[Path], remarks: list[str]) -> list[Path]:
    """Leave out folders whose names are the same on some disks: those that ignore case, or normalise accents."""
    same: defaultdict[str, list[Path]] = defaultdict(list)
    for folder in folders:
        same[normalised(folder.name).casefold()].append(folder)
    for group in same.values():
        if len(group) > 1:
            names = " and ".join(f'"{folder.name}"' for folder in group)
            remarks.append(
                f"The folders {names} differ only in case, or in how their accents are stored, and are left out. "
                "Merge or rename them."
            )
    return [group[0] for group in same.values() if len(group) == 1]


def by_label(aligned: Path) -> dict[str, list[Path]]:
    """Return each person's folders of aligned faces, by label; a disk may hold one name in two spellings."""
    found: dict[str, list[Path]] = {}
    for path in sorted(aligned.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            found.setdefault(normalised(path.name), []).append(path)
    return dict(sorted(found.items()))


def files(folder: Path) -> list[Path]:
    """Return the visible files of a folder, however deep, whose names are valid text."""
    return [path for path in _visible_files(folder) if _is_text(path)]


def _visible_files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if is_visible(path.relative_to(folder)))


def is_visible(path: Path) -> bool:
    """Whether a relative path is the user's own: not hidden, and not left behind by a file manager."""
    return path.name.lower() not in _IGNORED and not any(part.startswith(".") for part in path.parts)


def _is_text(path: Path) -> bool:
    """Whether the name is valid text. A disk may hold any bytes as a name; Python shows invalid ones as surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in str(path))
