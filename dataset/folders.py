"""Lists folders of photos: decides what is a person's folder and what is a photo, and says what is left out.

docs/photos.md states the rules for users.
"""

import errno
import os
import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dataset.errors import PrepareError, UnusableNameError
from dataset.labels import label_of
from dataset.words import counted
from preprocess.names import is_visible, key, shown

_KINDS: Final = {
    "videos and sounds": re.compile(
        "3g2|3gp|aac|amr|avi|flac|flv|insv|lrv|m2ts|m4a|m4v|mkv|mov|mp3|mp4|mpeg|mpg|mts|oga|ogg|ogv|opus|vob|wav|webm|"
        "wmv"
    ),
    "raw photos": re.compile(
        "3fr|ari|arw|cr2|cr3|crw|dcr|dng|erf|gpr|iiq|k25|kdc|mef|mos|mrw|nef|nrw|orf|pef|raf|raw|rw2|rwl|sr2|srf|srw|"
        "x3f"
    ),
    "other files": re.compile(
        "7z|aae|bak|crdownload|csv|ctg|db|docx?|download|exe|gz|html?|ini|jsonl?|lnk|log|lrcat|md|nfo|odt|on1|pages|"
        "part|pdf|pp3|pptx?|rar|rtf|tar|tgz|thm|tmp|txt|url|vcf|xlsx?|xml|xmp|ya?ml|zip"
    ),
}
"""Extensions of files that are no photos, by kind. A file with any other name is opened, and judged by its content."""

SORTED: Final = Path(".visage/sort.json")
UNSORTED: Final = "unsorted"
"""Below what `visage sort` has sorted: its own file, and the folder of the photos that are nobody's."""

_LISTED: Final = 5
"""The number of names that a remark lists; more would hide the other remarks."""


@dataclass
class Listing:
    """The photos under `root`, sorted, and a sentence on everything that is left out.

    `unreadable` has the files and folders that the system refused to show, and its reason.
    """

    root: Path
    photos: list[Path] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)


@dataclass
class People:
    """Each person's photos, by label, and a sentence on everything that is left out or looks like a mistake.

    All photos are under `root`.
    """

    root: Path
    photos: dict[str, list[Path]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """The number of photos of all people."""
        return sum(map(len, self.photos.values()))


def walk(root: Path) -> People:
    """Return the people under `root`: every folder is a person, and every photo in it, however deep, is theirs.

    Folders whose names are the same, see `labels.same`, are one person. docs/photos.md says what is left out, and so
    is what `visage sort` has left unsorted.

    Raises:
        PrepareError: there is no such folder, or nobody in it.
        OSError: the folder itself cannot be read.
    """
    if not root.is_dir():
        raise PrepareError(f"No such folder: {root}. Give a folder that holds one folder of photos for each person.")
    scan = _Scan(root)
    is_sorted = (root / SORTED).is_file()
    by_folder: dict[str, list[Path]] = {name: [] for name in scan.top if not (is_sorted and name == UNSORTED)}
    loose: list[Path] = []
    unsorted = 0
    for photo in scan.photos:
        folder, *rest = photo.relative_to(root).parts
        if is_sorted and folder == UNSORTED and rest:
            unsorted += 1
        else:
            (by_folder[folder] if rest else loose).append(photo)
    labels, refused = _with_labels(by_folder)
    empty = [name for name in labels if not by_folder[name] and name not in scan.unreadable]
    merged = _merged({name: label for name, label in labels.items() if by_folder[name]})
    photos = {label: sorted(photo for name in names for photo in by_folder[name]) for label, names in merged.items()}
    remarks = [
        *refused,
        *_one_person(merged),
        *_empty(empty),
        *_loose(loose),
        *_unsorted(unsorted),
        *scan.remarks(),
        *_too_deep(root, photos),
    ]
    if not photos:
        raise PrepareError(_nobody(root, loose, remarks))
    return People(root, photos, remarks)


def listing(folder: Path) -> Listing:
    """Return the photos in a folder, however deep, whoever is in them.

    Raises:
        PrepareError: there is no such folder.
        OSError: the folder itself cannot be read.
    """
    if not folder.is_dir():
        raise PrepareError(f"No such folder: {folder}. Give a folder of photos.")
    scan = _Scan(folder)
    unreadable = {folder / name: reason for name, reason in scan.unreadable.items()}
    return Listing(folder, scan.photos, scan.remarks(), unreadable)


def files(folder: Path) -> list[Path]:
    """Return the photos in a folder, however deep; see `listing`."""
    return listing(folder).photos


class _Scan:
    """One way through a tree: real folders first, then those that links lead to, each folder once.

    `photos` are sorted, `top` has the names of the folders directly in the root.
    """

    def __init__(self, root: Path) -> None:
        self.photos: list[Path] = []
        self.top: list[str] = []
        self.unreadable: dict[str, str] = {}
        self._root = root
        self._skipped: set[str] = set()
        self._kinds: dict[str, Counter[str]] = {kind: Counter() for kind in _KINDS}
        self._counted: list[str] = []
        self._dangling: list[str] = []
        self._special: list[str] = []
        self._folders, self._links = deque([root]), deque[Path]()
        self._seen = {_identity(parent) for parent in root.resolve().parents}
        while self._folders or self._links:
            self._visit((self._folders or self._links).popleft())
        self.photos.sort()

    def remarks(self) -> list[str]:
        """Return a sentence on each kind of thing that was left out."""
        denied = [name for name, reason in self.unreadable.items() if reason == "Permission denied"]
        others = {name: reason for name, reason in self.unreadable.items() if name not in denied}
        sentences = {
            "You have no permission to read {}.": denied,
            "These links lead nowhere: {}.": self._dangling,
            "These links lead to folders above them, or counted already, and are not followed: {}.": self._counted,
            "These are pipes, sockets or devices, and left out: {}.": self._special,
            "Skipped, because they are hidden, or were made by a system or a program: {}.": sorted(self._skipped),
        }
        return [
            *(f"{_named([name])} cannot be read: {reason}." for name, reason in others.items()),
            *(sentence.format(_named(names)) for sentence, names in sentences.items() if names),
            *self._not_photos(),
        ]

    def _not_photos(self) -> Iterable[str]:
        """Yield a sentence on the files that are no photos."""
        kinds = {kind: counts for kind, counts in self._kinds.items() if counts}
        if kinds:
            each = (f"{kind} {counts.total()} ({', '.join(sorted(counts))})" for kind, counts in kinds.items())
            advice = " Export raw photos as JPEG to use them." if "raw photos" in kinds else ""
            yield f"Left out, because they are no photos: {', '.join(each)}.{advice}"

    def _visit(self, folder: Path) -> None:
        """List a folder, and queue the folders in it."""
        try:
            identity = _identity(folder)
            if identity in self._seen:
                self._counted.append(self._name(folder))
                return
            self._seen.add(identity)
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if folder == self._root:
                raise
            self._note_error(folder, error)
            return
        for entry in found:
            path = folder / entry.name
            try:
                self._take(entry, path)
            except OSError as error:
                self._note_error(path, error)

    def _take(self, entry: os.DirEntry[str], path: Path) -> None:
        """Queue a folder, take a photo, and note everything else; nothing is opened."""
        is_folder, is_file = entry.is_dir(), entry.is_file()
        if not is_visible(entry.name):
            self._skipped.add(entry.name)
        elif is_folder:
            if path.parent == self._root:
                self.top.append(entry.name)
            (self._links if entry.is_symlink() else self._folders).append(path)
        elif not is_file:
            (self._special if path.exists() else self._dangling).append(self._name(path))
        elif kind := _kind(entry.name):
            self._kinds[kind][Path(entry.name).suffix.lower()] += 1
        else:
            self.photos.append(path)

    def _note_error(self, path: Path, error: OSError) -> None:
        """Note what the system refused; a link that leads to itself leads nowhere."""
        if error.errno == errno.ELOOP:
            self._dangling.append(self._name(path))
        else:
            self.unreadable[self._name(path)] = os.strerror(error.errno or 0)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()


def _identity(folder: Path) -> tuple[int, int]:
    """Return what two paths to one folder have in common."""
    status = folder.stat()
    return status.st_dev, status.st_ino


def _kind(name: str) -> str | None:
    """Return the kind of file that is no photo, by its name; None for a photo."""
    extension = name.rpartition(".")[2].lower()
    return next((kind for kind, extensions in _KINDS.items() if extensions.fullmatch(extension)), None)


def _with_labels(folders: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Return each folder's label, and a sentence on each folder that cannot have one."""
    labels, refused = {}, []
    for folder in folders:
        try:
            labels[folder] = label_of(folder)
        except UnusableNameError as error:
            refused.append(f"{error} It is left out. Rename it.")
    return labels, refused


def _merged(labels: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the folders of each person, by label: folders whose labels are the same name are one person's."""
    groups: dict[str, list[str]] = {}
    for folder, label in labels.items():
        groups.setdefault(key(label), []).append(folder)
    return dict(sorted((labels[folders[0]], folders) for folders in groups.values()))


def _one_person(merged: Mapping[str, list[str]]) -> Iterable[str]:
    for label, folders in merged.items():
        if len(folders) > 1:
            yield (
                f"The folders {_named(folders)} are taken for one person, {_named([label])}: their names differ only "
                "in case, in spaces, or in how accents are stored. If they are two people, give them other names."
            )


def _named(names: Iterable[str]) -> str:
    """Return a list of names for a sentence: the first ones, and how many more there are."""
    quoted = [f'"{shown(name)}"' for name in names]
    listed, more = quoted[:_LISTED], len(quoted) - _LISTED
    if more > 0:
        return f"{', '.join(listed)} and {more} more"
    return " and ".join([", ".join(listed[:-1]), listed[-1]] if listed[1:] else listed)


def _empty(folders: list[str]) -> Iterable[str]:
    if folders:
        yield f"Without photos, and left out: {_named(folders)}."


def _loose(photos: list[Path]) -> Iterable[str]:
    if photos:
        first = min(photo.name for photo in photos)
        count = counted(len(photos), "photo")
        yield f"Outside the folders, and left out: {count}; the first is {_named([first])}."


def _unsorted(photos: int) -> Iterable[str]:
    if photos:
        yield f'Left out, because `visage sort` has left them unsorted: {counted(photos, "photo")} in "{UNSORTED}".'


def _too_deep(root: Path, people: Mapping[str, list[Path]]) -> Iterable[str]:
    """Say that the only person seems to be a folder of people."""
    if len(people) != 1:
        return
    (photos,) = people.values()
    parts = [photo.relative_to(root).parts for photo in photos]
    inner = sorted({part[1] for part in parts if len(part) > 2})
    if len(inner) > 1 and all(len(part) > 2 for part in parts):
        folder = root / parts[0][0]
        yield (
            f"There is one folder only, {_named([parts[0][0]])}, and it holds folders: {_named(inner)}. If these are "
            f"the people, give {shown(str(folder))}."
        )


def _nobody(root: Path, loose: list[Path], remarks: list[str]) -> str:
    """Return why there is nobody under a folder, and what to do."""
    above = f" If {root} is one person's folder, give the folder above it." if loose else ""
    sentences = " ".join([f"{root} holds no folder with photos.", *remarks])
    return f"{sentences} Make one folder for each person and put photos into it.{above}"
