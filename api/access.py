"""Decides who may use which route: visitors, or whoever has a key with the right scope.

API Gateway itself checks JWTs and signatures of IAM before it calls the function, which then asks for no keys.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from werkzeug.datastructures import Authorization

from api.errors import (
    KeyMissingError,
    KeyOfAnotherStageError,
    KeyOverError,
    KeyRevokedError,
    KeyScopeError,
    KeysUnavailableError,
    KeyUnknownError,
    TooManyRequestsError,
)
from model.keys import PEOPLE, RECOGNIZE, Key, Keys, today
from model.settings import AccessSettings
from model.storage import SharedObject
from model.watched import OnFailure, Read, Watched

BY_GATEWAY: Final = ("jwt", "iam")
"""The kinds of access that API Gateway checks."""

_PATIENCE_S: Final = 1
"""How long S3 may take to connect, and to answer. It takes some hundredths of a second; a visitor waits meanwhile."""

_BURST_S: Final = 10
"""A key may make the requests of so many seconds at once."""


@dataclass(frozen=True, slots=True)
class Need:
    """The scope that a key must have for a route, and whether visitors may use the route where the API is open."""

    scope: str
    visitors: bool = False


THUMBNAIL: Final = "/people/{id}/thumbnail"

NEEDS: Final[dict[str, Need | None]] = {
    "/recognize": Need(RECOGNIZE, visitors=True),
    "/detect": Need(RECOGNIZE, visitors=True),
    "/align": Need(RECOGNIZE, visitors=True),
    "/verify": Need(RECOGNIZE, visitors=True),
    "/embed": Need(RECOGNIZE),
    "/uploads": Need(RECOGNIZE, visitors=True),
    "/labels": Need(RECOGNIZE, visitors=True),
    "/people": Need(PEOPLE),
    "/people/export": Need(PEOPLE),
    "/people/import": Need(PEOPLE),
    "/people/{id}": Need(PEOPLE),
    "/people/{id}/photos": Need(PEOPLE),
    "/people/{id}/near-misses": Need(PEOPLE),
    THUMBNAIL: Need(PEOPLE),
    "/health": None,
    "/openapi.json": None,
}
"""What each route needs; None for those that are always open. A route that is not listed answers with an error."""


def route_of(rule: str) -> str:
    """Return the route of a rule of Flask, as NEEDS and the contract name it."""
    return rule.replace("<identity>", "{id}")


def needed_scope(route: str, access: AccessSettings) -> str | None:
    """Return the scope that a key must have for this route, None if the function asks for no key."""
    need = _need(route, access)
    if need is None or access.auth in BY_GATEWAY:
        return None
    is_private = access.private_labels and route == "/labels"
    if access.auth == "none" and need.visitors and not is_private:
        return None
    return need.scope


def _need(route: str, access: AccessSettings) -> Need | None:
    """Return what a route needs. The owner decides whether visitors may see thumbnails."""
    is_for_visitors = route == THUMBNAIL and access.thumbnails == "visitors"
    return Need(RECOGNIZE, visitors=True) if is_for_visitors else NEEDS[route]


class Keyring:
    """The keys of the stage as this process knows them. Safe to share between threads.

    They are read when the first key has to be checked, so no snapshot of the function contains any.
    """

    def __init__(
        self,
        access: AccessSettings,
        on_failure: OnFailure,
        read: Read | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Read the keys with `read`, by default from S3; report each failure to `on_failure`."""
        self._access = access

        def connect() -> Read:
            return read or SharedObject(access.keys or "", patience_s=_PATIENCE_S).newer

        self._keys = Watched(connect, Keys.from_json, access.seconds, on_failure, clock=clock)

    def get(self) -> Keys:
        """Return the keys, as new as the settings ask for.

        Raises:
            KeysUnavailableError: they cannot be read now, and those at hand are too old.
        """
        keys = self._keys.get(within=max(self._access.seconds, self._access.outage_seconds))
        if keys is None:
            raise KeysUnavailableError(self._access.seconds)
        return keys

    def prepare(self) -> None:
        """Make the connection's client before the first request needs it."""
        self._keys.prepare()


class Rates:
    """Counts the requests of each key in this process, and refuses those that are too many.

    Source of the method: the generic cell rate algorithm, ITU-T I.371.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds and never goes back."""
        self._clock = clock
        self._lock = threading.Lock()
        self._expected: dict[str, float] = {}

    def count(self, key: Key) -> None:
        """Count a request.

        Raises:
            TooManyRequestsError: the key has made as many as it may.
        """
        with self._lock:
            now = self._clock()
            expected = max(now, self._expected.get(key.id, now))
            wait = expected - now - _BURST_S
            if wait > 0:
                raise TooManyRequestsError(math.ceil(wait))
            self._expected[key.id] = expected + 60 / key.rate


class Guard:
    """Lets a request pass to its route, or refuses it."""

    def __init__(self, access: AccessSettings, keyring: Keyring, rates: Rates | None = None) -> None:
        """`keyring` is asked only where a key is needed."""
        self.access = access
        self._keyring = keyring
        self._rates = rates or Rates()

    def prepare(self) -> None:
        """Do what the first check of a key would have to wait for, unless only the owner's requests need keys."""
        if any(need and need.visitors and needed_scope(route, self.access) for route, need in NEEDS.items()):
            self._keyring.prepare()

    def admit(
        self, route: str, authorization: Authorization | None, claims: Mapping[str, Any] = MappingProxyType({})
    ) -> Key | None:
        """Return the key of a request, None where the function asks for no key.

        `claims` are those of a JWT that API Gateway has checked. The owner's requests need the scope `people` in it.

        Raises:
            AccessError: the request is refused.
        """
        need = _need(route, self.access)
        if self.access.auth == "jwt" and need and need.scope == PEOPLE and PEOPLE not in _scopes(claims):
            raise KeyScopeError(PEOPLE)
        scope = needed_scope(route, self.access)
        if scope is None:
            return None
        key = self._known(_bearer(authorization))
        if scope not in key.scopes:
            raise KeyScopeError(scope)
        self._rates.count(key)
        return key

    def is_owner(self, key: Key | None, authorization: Authorization | None, claims: Mapping[str, Any]) -> bool:
        """Tell whether a request that was admitted is an owner's, who wants to see changes at once.

        On a stage that visitors may use without a key, whoever sends one counts as one: nothing else depends on it.
        """
        if key is not None:
            return PEOPLE in key.scopes
        if self.access.auth == "jwt":
            return PEOPLE in _scopes(claims)
        return self.access.auth == "none" and authorization is not None

    def _known(self, text: str) -> Key:
        """Return the key with this text, which works."""
        keys = self._keyring.get()
        key = keys.find(text)
        if key is None:
            raise KeyOfAnotherStageError if keys.is_of_another_stage(text) else KeyUnknownError
        if key.revoked is not None:
            raise KeyRevokedError
        if key.is_over(today()):
            raise KeyOverError
        return key


def guard_for(access: AccessSettings, on_failure: OnFailure) -> Guard:
    """Return the guard for these settings. It reports to `on_failure` why the keys cannot be read."""
    return Guard(access, Keyring(access, on_failure))


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    """Return the scopes that a JWT grants: `scope` (RFC 8693, section 4.2), or `scp` of Microsoft and Okta.

    API Gateway writes a list as text in brackets.
    """
    found = claims.get("scope") or claims.get("scp") or ""
    text = " ".join(map(str, found)) if isinstance(found, list) else str(found)
    return text.strip("[]").replace(",", " ").split()


def _bearer(authorization: Authorization | None) -> str:
    """Return the key in the header `Authorization: Bearer KEY`."""
    if authorization is None or authorization.type != "bearer" or not authorization.token:
        raise KeyMissingError
    return authorization.token
