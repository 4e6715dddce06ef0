"""Folders of sorted photos on the disk: where each photo is, and how they become as a state says.

A photo is linked into the folder of everybody in it: hard links take no room. Nothing is removed before it stands where
it belongs, so that an interruption loses no photo.
"""

import os
import shutil
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from collection.errors import SortError
from collection.sorting import Sorting, file_key
from dataset.folders import SORTED, UNSORTED, listing
from dataset.labels import stored
from preprocess.files import replacing
from preprocess.names import is_visible, key, shown

_LONGEST_SUFFIX: Final = 6


@dataclass
class Places:
    """Where each photo is, by file name: paths of files with the same content.

    `left_alone` are files that have the name of another photo.
    """

    paths: dict[str, list[Path]] = field(default_factory=dict)
    left_alone: list[Path] = field(default_factory=list)

    @classmethod
    def of(cls, photos: Path) -> "Places":
        """Look through the folder of sorted photos."""
        found = cls()
        for path in listing(photos).photos if photos.is_dir() else ():
            known = found.paths.setdefault(file_key(path.name), [])
            if known and not _same_content(known[0], path):
                found.left_alone.append(path)
            else:
                known.append(path)
        return found

    def by_folder(self, photos: Path) -> dict[str, set[str]]:
        """Return the names of the photos by the folder below `photos` that they are in; "" is that folder itself."""
        folders: dict[str, set[str]] = {}
        for name, paths in self.paths.items():
            for path in paths:
                folders.setdefault(_folder(path, photos), set()).add(name)
        return folders

    def add(self, name: str, path: Path) -> None:
        """Note that a photo is at a path."""
        self.paths.setdefault(name, []).append(path)


@dataclass
class Links:
    """How many files were made: hard links, which take no room, and copies."""

    linked: int = 0
    copied: int = 0

    def make(self, source: Path, target: Path) -> None:
        """Make a hard link where the disk can, else a copy with the same time of change. It is there whole, or not."""
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source.resolve(), target)
        except FileExistsError:
            raise
        except OSError:
            with replacing(target) as unfinished:
                shutil.copy2(source, unfinished)
            self.copied += 1
        else:
            self.linked += 1


def free_name(name: str, taken: AbstractSet[str]) -> str:
    """Return the name that a photo gets: its own where it can be, with a number where another one is called so.

    `taken` has the `key` of each name in use: some disks do not tell `a.jpg` from `A.JPG`.
    """
    stem, suffix = _halves(name)
    possible, count = f"{stem}{suffix}", 1
    while key(possible) in taken:
        count += 1
        possible = f"{stem} ({count}){suffix}"
    return possible


def _halves(name: str) -> tuple[str, str]:
    """Return a file's name as it can be on every disk, without and with its extension."""
    path = Path(shown(name))
    suffix = path.suffix if len(path.suffix) <= _LONGEST_SUFFIX and path.suffix[1:].isalnum() else ""
    return stored(path.name.removesuffix(suffix)), suffix


def apply(sorting: Sorting, former: Sorting, photos: Path, places: Places) -> Links:
    """Make the folders as `sorting` says; `former` is the state that they were made by.

    Raises:
        SortError: a folder that the owner made has the name of a person's.
        OSError: the disk is full or read-only.
    """
    _rename(sorting, former, photos, places)
    wanted = _wanted(sorting, places)
    links = Links()
    for name, folders in wanted.items():
        there = {_folder(path, photos) for path in places.paths[name]}
        for folder in folders - there:
            links.make(places.paths[name][0], photos / folder / name)
    for name, folders in wanted.items():
        for path in places.paths[name]:
            if _folder(path, photos) not in folders:
                path.unlink()
    for below in [path for path in photos.iterdir() if path.is_dir() and is_visible(path.name)]:
        _remove_empty(below)
    return links


def _wanted(sorting: Sorting, places: Places) -> dict[str, set[str]]:
    """Return the folders that each photo on the disk belongs into."""
    wanted = {}
    for name in places.paths:
        people = sorting.photos[name].people if name in sorting.photos else None
        if people is not None:
            wanted[name] = {sorting.people[number].folder for number in people} or {UNSORTED}
    return wanted


def _rename(sorting: Sorting, former: Sorting, photos: Path, places: Places) -> None:
    """Rename folders whose people are called otherwise: files that are no photos stay in them."""
    for number, person in sorting.people.items():
        before = former.people[number].folder if number in former.people else person.folder
        source, target = photos / before, photos / person.folder
        if before == person.folder or not source.is_dir():
            continue
        if target.exists() and not target.samefile(source):
            raise SortError(f"{target} exists already. Rename or remove it, or give another name.")
        source.rename(target)
        for paths in places.paths.values():
            paths[:] = [target / path.relative_to(source) if path.is_relative_to(source) else path for path in paths]


def _remove_empty(folder: Path) -> None:
    """Remove a folder with nothing in it; one with a file of the owner's stays."""
    for inner in [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]:
        _remove_empty(inner)
    if not any(folder.iterdir()):
        folder.rmdir()


def _folder(path: Path, photos: Path) -> str:
    """Return the folder directly below `photos` that a file is in, "" for none."""
    folder, *rest = path.relative_to(photos).parts
    return folder if rest else ""


def _same_content(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other) or one.stat().st_size == other.stat().st_size
    except OSError:
        return False


def check_free(photos: Path) -> None:
    """Check that a folder may become one of sorted photos: it is missing, empty, or is one already.

    Raises:
        SortError: it holds something else.
    """
    if photos.exists() and not photos.is_dir():
        raise SortError(f"{photos} is a file. Give a folder for the sorted photos.")
    if photos.is_dir() and not (photos / SORTED).is_file():
        others = sorted(path.name for path in photos.iterdir() if path.name != SORTED.parts[0])
        if others:
            raise SortError(
                f'{photos} holds other things, "{shown(others[0])}" first. Give a folder that is new or empty.'
            )
