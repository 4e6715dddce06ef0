r"""How names of people, folders and photos are shown, compared and stored: the one place that decides it.

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
import unicodedata
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from dataset.errors import UnusableNameError

MAX_STORED_BYTES: Final = 134
"""Bytes of a stored name. eCryptfs allows the fewest, 143; `.jpg` and `.part` take nine of them."""

_MAX_PATH_BYTES: Final = 1000
"""Bytes of a chip's path below the aligned faces. Linux allows 4,096 for a path and macOS 1,024."""

_LINE_AND_DIRECTION: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
"""Control characters, separators of lines and paragraphs, and those that change the direction of what follows."""

_UNPRINTABLE: Final = re.compile(rf"[{_LINE_AND_DIRECTION}\ud800-\udfff]")
_REFUSED: Final = re.compile(rf"[{_LINE_AND_DIRECTION}]")
_ESCAPED: Final = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4})")

_INVISIBLE: Final = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2060-\u2065\u206a-\u206f"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0100-\U000e01ef]"
)
"""Characters that show nothing: Unicode's Default_Ignorable_Code_Point, without the joiners and the tags of flags.

Those change what is seen. Source: DerivedCoreProperties.txt of Unicode 15.
"""

_UNSAFE: Final = re.compile(rf'[<>:"/\\|?*{_LINE_AND_DIRECTION}\ud800-\udfff]')
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\..*)?", re.IGNORECASE)
"""What a file of Windows cannot be called. Source: Microsoft, "Naming Files, Paths, and Namespaces"."""

_DIGEST: Final = 12
_ENDS_IN_DIGEST: Final = re.compile(rf"~[0-9a-f]{{{_DIGEST}}}\Z")


def normalised(name: str) -> str:
    """Return a name in Unicode's NFC form, in which labels are kept.

    A folder from a Mac may be in NFD: the letter e, then a combining accent. A keyboard types NFC: one character. Both
    look the same. Source: Unicode Standard Annex 15.
    """
    return unicodedata.normalize("NFC", name)


def key(name: str) -> str:
    """Return what a name is compared by: without case, accents' form, invisible characters and the kind of spaces.

    Source: Unicode Standard 3.13, D145, canonical caseless matching.
    """
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())
    return " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFD", folded.casefold())).split())


def same(one: str, other: str) -> bool:
    """Whether two names are one: whoever sees or hears them takes them for the same."""
    return key(one) == key(other)


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


def printable(text: str) -> str:
    r"""Return a text of one line in valid Unicode: characters that are not are escaped, as in `\xff` and `\u2028`."""
    return _UNPRINTABLE.sub(_escape, text)


def shown(name: str) -> str:
    """Return a name of the disk, or a path, as it is shown; two different names never look the same.

    Where something is escaped, backslashes are doubled; so they are in a name that looks as if something was.
    """
    if _UNPRINTABLE.search(name) or _ESCAPED.search(unicodedata.normalize("NFD", name)):
        return printable(name.replace("\\", "\\\\"))
    return name


def _escape(match: re.Match[str]) -> str:
    number = ord(match.group())
    is_byte = 0xDC80 <= number <= 0xDCFF  # how Python shows a byte of a file's name that is no UTF-8
    return f"\\x{number - 0xDC00:02x}" if is_byte else f"\\u{number:04x}"


def label_of(folder: str) -> str:
    """Return the label of the person whose folder has this name.

    Raises:
        UnusableNameError: the name tears lines apart, or shows nothing.
    """
    name = folder.strip()
    if _REFUSED.search(name):
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
