"""How names of people are shown and compared, wherever they come from: folders, requests, keys."""

import re
import unicodedata
from typing import Final

LINE_AND_DIRECTION: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
"""Control characters, separators of lines and paragraphs, and those that change the direction of what follows."""

_UNPRINTABLE: Final = re.compile(rf"[{LINE_AND_DIRECTION}\ud800-\udfff]")
REFUSED: Final = re.compile(rf"[{LINE_AND_DIRECTION}]")
_ESCAPED: Final = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4})")

_INVISIBLE: Final = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2060-\u2065\u206a-\u206f"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0100-\U000e01ef]"
)
"""Characters that show nothing: Unicode's Default_Ignorable_Code_Point, without the joiners and the tags of flags.

Those change what is seen. Source: DerivedCoreProperties.txt of Unicode 15.
"""


_NOT_THE_USERS: Final = re.compile(
    r"\..*"  # hidden
    r"|@eadir|@tmp|#recycle|#snapshot|synophoto_.*|synoindex_.*"  # Synology
    r"|@recycle|@recently-snapshot|@__thumb|@transcode|@sharebin"  # QNAP
    r"|\$recycle\.bin|recycler|recycled|system volume information|found\.\d{3}"  # Windows
    r"|thumbs\.db|ehthumbs(?:_vista)?\.db|desktop\.ini"
    r"|__macosx|icon\r|network trash folder|temporary items"  # macOS
    r"|lost\+found|node_modules|__pycache__"  # Linux and programs
    r"|picasa\.ini|zbthumbnail\.info"
    r"|.*\.(?:photoslibrary|photolibrary|migratedphotolibrary|aplibrary|lrdata|lrcat-data)",  # Apple's, Lightroom's
    re.DOTALL,
)
"""Names, without case, of folders and files that are hidden, or that systems and programs put beside photos."""


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


def is_visible(name: str) -> bool:
    """Whether a file or folder is the user's own: not hidden, and not made by a system or a program."""
    return not _NOT_THE_USERS.fullmatch(name.casefold())


def _escape(match: re.Match[str]) -> str:
    number = ord(match.group())
    is_byte = 0xDC80 <= number <= 0xDCFF  # how Python shows a byte of a file's name that is no UTF-8
    return f"\\x{number - 0xDC00:02x}" if is_byte else f"\\u{number:04x}"
