"""The keys of the API: random, shown once, and kept as hashes in one object of the stage's bucket.

A key is `visage_STAGE_` and 256 random bits. Nobody can try so many, so a plain SHA-256 is enough: the slow hashes for
passwords are there because passwords can be guessed, and each request would have to wait for one.
"""

import hmac
import json
import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Self

from model.errors import KeysError

OBJECT: Final = "access/keys.json"
"""Where the keys are in the bucket of models."""

RECOGNIZE: Final = "recognize"
PEOPLE: Final = "people"
SCOPES: Final = (RECOGNIZE, PEOPLE)
"""What a key may be for: to ask about photos, and to change whom the service knows."""

DEFAULT_RATE: Final = 300
"""Requests a minute. A visitor's running camera sends 240."""

MAX_KEYS: Final = 1000

_FORMAT: Final = 1
_SECRET_BYTES: Final = 32
_MAX_CHARACTERS: Final = 100
"""Of a key's name."""

_KEPT: Final = timedelta(days=90)
"""A revoked key is listed so long, and whoever uses it learns that it was revoked."""

_OF_A_STAGE: Final = re.compile(r"visage_([a-z0-9-]+)_[A-Za-z0-9_-]{43}")
"""The form of a key: its stage, and 32 bytes in base64 without padding (RFC 4648, section 5)."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key. `id` names it in logs; `rate` is how many requests a minute it may make.

    It works until the end of `last_day` in UTC, if there is one, and unless it was `revoked` on some day.
    """

    id: str
    name: str
    sha256: str
    scopes: tuple[str, ...]
    rate: int
    created: date
    last_day: date | None = None
    revoked: date | None = None

    def works(self, today: date) -> bool:
        """Tell whether it can be used on this day."""
        return self.revoked is None and not self.is_over(today)

    def is_over(self, today: date) -> bool:
        """Tell whether its last day has passed."""
        return self.last_day is not None and today > self.last_day


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys of a stage. It does not change: each change makes another one."""

    stage: str
    keys: tuple[Key, ...] = ()

    def find(self, text: str) -> Key | None:
        """Return the key with this text, whether or not it still works.

        The time that this takes tells nothing about the keys: all are compared, each in constant time.
        """
        digest, found = _digest(text), None
        for key in self.keys:
            if hmac.compare_digest(digest, key.sha256):
                found = key
        return found

    def is_of_another_stage(self, text: str) -> bool:
        """Tell whether a text has the form of a key, and names another stage."""
        match = _OF_A_STAGE.fullmatch(text)
        return match is not None and match[1] != self.stage

    def created(
        self, name: str, scopes: Iterable[str], today: date, last_day: date | None = None, rate: int = DEFAULT_RATE
    ) -> tuple[Self, Key, str]:
        """Return the keys with a new one, what is kept of it, and its text, which is not kept.

        Raises:
            KeysError: the name is empty, too long, not one line or that of a key that works; there is no scope or an
                unknown one; the last day has passed; or there are too many keys.
        """
        name = _checked_name(name)
        if any(_same(name, key.name) and key.works(today) for key in self.keys):
            raise KeysError(f'There is a key named "{name}". Revoke that one first, or give another name.')
        wanted = set(scopes)
        if not wanted or not wanted <= set(SCOPES):
            raise KeysError(f"A key needs one of the scopes {' and '.join(SCOPES)}, or both.")
        if last_day is not None and last_day < today:
            raise KeysError(f"The last day {last_day} has passed.")
        kept = self._without_forgotten(today)
        if len(kept) >= MAX_KEYS:
            raise KeysError(f"There are {len(kept)} keys. A stage may have {MAX_KEYS}: revoke some, and wait 90 days.")
        text = f"visage_{self.stage}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        ordered = tuple(scope for scope in SCOPES if scope in wanted)
        key = Key(secrets.token_hex(4), name, _digest(text), ordered, rate, today, last_day)
        return replace(self, keys=(*kept, key)), key, text

    def revoked(self, name: str, today: date) -> tuple[Self, Key]:
        """Return the keys after the one with this name or id was revoked, and what is kept of that one.

        Raises:
            KeysError: there is no such key.
        """
        named = [key for key in self.keys if key.id == name.strip() or _same(name, key.name)]
        if not named:
            raise KeysError(f'There is no key named "{name}". `visage keys list` shows all.')
        former = next((key for key in named if key.revoked is None), named[-1])
        key = replace(former, revoked=former.revoked or today)
        changed = tuple(key if each is former else each for each in self.keys)
        return replace(self, keys=changed), key

    def _without_forgotten(self, today: date) -> tuple[Key, ...]:
        return tuple(key for key in self.keys if key.revoked is None or today - key.revoked <= _KEPT)

    def to_json(self) -> bytes:
        """Return the content of the object."""
        document = {"format": _FORMAT, **asdict(self)}
        return json.dumps(document, indent=1, ensure_ascii=False, default=str).encode()  # str: of days

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read the content of the object.

        Raises:
            KeysError: it is damaged, or a newer version of Visage wrote it.
        """
        try:
            document = json.loads(content)
            is_newer = document["format"] > _FORMAT
            keys = () if is_newer else tuple(_key(stored) for stored in _list(document["keys"]))
            stage = _text(document["stage"])
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise KeysError(
                f"{OBJECT} in the bucket of models is damaged. Bring back a former version of it."
            ) from error
        if is_newer:
            raise KeysError("A newer version of Visage wrote the keys. Update Visage.")
        return cls(stage, keys)


def today() -> date:
    """Return the day in UTC."""
    return datetime.now(UTC).date()


def _key(stored: dict[str, object]) -> Key:
    rate = stored["rate"]
    if not isinstance(rate, int) or rate < 1:
        raise TypeError("not a rate")
    return Key(
        id=_text(stored["id"]),
        name=_text(stored["name"]),
        sha256=_text(stored["sha256"]).encode("ascii").decode(),  # hmac.compare_digest takes no other text
        scopes=tuple(map(_text, _list(stored["scopes"]))),
        rate=rate,
        created=date.fromisoformat(_text(stored["created"])),
        last_day=_day(stored["last_day"]),
        revoked=_day(stored["revoked"]),
    )


def _day(value: object) -> date | None:
    return None if value is None else date.fromisoformat(_text(value))


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _digest(text: str) -> str:
    return sha256(text.encode(errors="replace")).hexdigest()


def _checked_name(name: str) -> str:
    name = unicodedata.normalize("NFC", name.strip())
    if not name or not name.isprintable() or len(name) > _MAX_CHARACTERS:
        raise KeysError(f"The name of a key must be one line of 1 to {_MAX_CHARACTERS} characters.")
    return name


def _same(one: str, other: str) -> bool:
    return unicodedata.normalize("NFC", one.strip()).casefold() == unicodedata.normalize("NFC", other).casefold()
