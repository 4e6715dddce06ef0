r"""How names of people, folders and photos are found and stored; `preprocess.names` shows and compares them.

| form | function | example |
| --- | --- | --- |
| the name on the disk, any bytes | - | `Rene\xe9`, where `\xe9` is one byte that is no UTF-8 |
| as it is shown: valid text of one line | `shown` | `Rene\xe9`, where `\xe9` is four characters |
| a person's label: the folder's name as it is shown, in NFC | `label_of` | `Zoë` |
| what it is compared by: two names with one key are the same | `key` | `zoe` and a combining diaeresis |
| the file name of a chip, valid on every file system | `stored`, `chip_names` | `Who~0c3f5b1de2a9`, for `Who?` |
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from dataset.errors import UnusableNameError
from preprocess.names import LINE_AND_DIRECTION, REFUSED, key, normalised, shown

MAX_STORED_BYTES: Final = 134
"""Bytes of a stored name. eCryptfs allows the fewest, 143; `.jpg` and `.part` take nine of them."""

_MAX_PATH_BYTES: Final = 1000
"""Bytes of a chip's path below the aligned faces. Linux allows 4,096 for a path and macOS 1,024."""

_UNSAFE: Final = re.compile(rf'[<>:"/\\|?*{LINE_AND_DIRECTION}\ud800-\udfff]')
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\..*)?", re.IGNORECASE)
"""What a file of Windows cannot be called. Source: Microsoft, "Naming Files, Paths, and Namespaces"."""

_DIGEST: Final = 12
_ENDS_IN_DIGEST: Final = re.compile(rf"~[0-9a-f]{{{_DIGEST}}}\Z")


def found_as(name: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` that somebody means who types `name`: the very name, else the only one that is alike.

    A name that the shell completed may have bytes that are no UTF-8; one that was copied from the screen is escaped.
    """
    names = list(names)
    typed = {name, shown(name)}
    for form in (str, normalised, key):
        wanted = set(map(form, typed))
        alike = [known for known in names if form(known) in wanted]
        if alike:
            return alike[0] if len(alike) == 1 else None
    return None


def similar(name: str, names: Iterable[str]) -> list[str]:
    """Return those of `names` that `name` may be a misspelling of: at most three, the most similar first."""
    by_key: dict[str, list[str]] = {}
    for known in names:
        by_key.setdefault(key(known), []).append(known)
    return [known for match in get_close_matches(key(name), by_key) for known in by_key[match]][:3]


def label_of(folder: str) -> str:
    """Return the label of the person whose folder has this name.

    Raises:
        UnusableNameError: the name tears lines apart, or shows nothing.
    """
    name = folder.strip()
    if REFUSED.search(name):
        raise UnusableNameError(
            f'The name of the folder "{shown(folder)}" has a control character, a line break, or a character that '
            "changes the direction of text."
        )
    if not key(name):
        raise UnusableNameError(f'The name of the folder "{_named(folder)}" has no character that can be seen.')
    return normalised(shown(name))


def _named(name: str) -> str:
    """Return a name with its code points, for one that cannot be seen."""
    return "".join(f"\\u{ord(character):04x}" for character in name)


def stored(name: str) -> str:
    """Return a name for a file or folder that is valid on ext4, eCryptfs, APFS and NTFS, and not hidden.

    That is the name itself where it can be, else what can be kept of it, and a digest. Names with different keys have
    stored names with different keys.
    """
    name = normalised(name)
    valid = _valid(name)
    is_valid = valid == name and len(name.encode()) <= MAX_STORED_BYTES
    return name if is_valid and not _ENDS_IN_DIGEST.search(key(name)) else _with_digest(valid, name)


def _valid(name: str) -> str:
    """Return what can be kept of a name in the name of a file."""
    kept = _UNSAFE.sub("_", name).lstrip(". \t").rstrip(". ")
    return f"_{kept}" if _RESERVED.fullmatch(kept) else kept


def _with_digest(valid: str, name: str) -> str:
    """Return a valid name, shortened, with the digest of the whole one."""
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:_DIGEST]
    kept = valid.encode()[: MAX_STORED_BYTES - _DIGEST - 1].decode(errors="ignore").rstrip(". ")
    return f"{kept}~{digest}"


def chip_names(person: str, photos: Iterable[str]) -> dict[str, str]:
    """Return the path of each photo's chip below the aligned faces, for all photos of one person.

    `photos` are paths below the photos, as they are shown, with slashes. Chips never share a path, also on a disk that
    ignores case.
    """
    paths = {photo: _chip_path(photo) for photo in photos}
    files = Counter(map(key, paths.values()))
    folders = {key(folder) for path in paths.values() for folder in _folders(path)}

    def is_taken(path: str) -> bool:
        return files[key(path)] > 1 or not folders.isdisjoint({key(path), key(f"{path}.part")})

    chips = {photo: _apart(path, photo) if is_taken(path) else path for photo, path in paths.items()}
    return {photo: f"{stored(person)}/{chip}" for photo, chip in chips.items()}


def _chip_path(photo: str) -> str:
    """Return the path of a photo's chip below its person's folder."""
    *folders, file = photo.split("/")
    path = "/".join(map(stored, (*folders[1:], file))) + ".jpg"
    return path if len(path.encode()) <= _MAX_PATH_BYTES else _apart(f"{stored(file)}.jpg", photo)


def _folders(path: str) -> Iterable[str]:
    """Yield the folders on the way to a file."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _apart(path: str, photo: str) -> str:
    """Return the path with a digest of the photo's whole name."""
    folder, slash, file = path.rpartition("/")
    return f"{folder}{slash}{_with_digest(file.removesuffix('.jpg'), photo)}.jpg"
