"""The routes of people: who is on the roster, and how they come, change and go."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from flask import Blueprint, Request, Response, g, jsonify, request

from api.answers import thumbnail as picture
from api.errors import BadParameterError, NoPhotoUsedError, NoThumbnailError, RequestReusedError, RosterUnavailableError
from api.loading import ModelLoader
from api.people_answers import added_json, imported_json, page_json, person_json, photo_json
from api.people_form import (
    NewPhotos,
    place_after,
    read_import,
    read_json_object,
    read_new_photos,
    read_page,
    read_roster,
)
from api.upload import UploadKey
from model.enrolment import Choice, Seen, choose
from model.errors import (
    BadNameError,
    NameTakenError,
    PersonChangedError,
    RosterBusyError,
    RosterUnreadableError,
    SharedError,
    SharedMissingError,
    TrainedPersonError,
    UploadMissingError,
    UploadUnavailableError,
)
from model.known import KnownPeople
from model.roster import FILE, Answer, Roster, checked_name, new_id, now
from model.roster_gallery import measured
from model.rosters import Rosters
from model.space import embedding_space
from model.storage import LINK_S
from preprocess.errors import PhotoError
from preprocess.names import key

if TYPE_CHECKING:
    from model.recognizer import Recognizer

T = TypeVar("T")

TakeUpload = Callable[[str], bytes]
"""Returns the bytes of an upload by its key."""

_MAX_KEY: Final = 200
"""Characters of an Idempotency-Key."""


def people_routes(model: ModelLoader, rosters: Rosters, take: TakeUpload, *, thumbnails: bool) -> Blueprint:
    """Return the routes; large photos come through `take`, and `thumbnails` says whether pictures are kept."""
    blueprint = Blueprint("people", __name__)
    desk = _Desk(model, rosters, take, thumbnails)
    _add_reading(blueprint, desk)
    _add_people(blueprint, desk)
    _add_photos(blueprint, desk)
    _add_near_misses(blueprint, desk)
    _add_backup(blueprint, desk)
    return blueprint


def _add_reading(blueprint: Blueprint, desk: "_Desk") -> None:
    """Add the routes that change nothing."""

    @blueprint.get("/people")
    def people() -> Response:
        """List people by their names."""
        page, known = read_page(request), desk.known()
        wanted = key(page.name)
        found = [place for place in known.sorted_by_name if wanted in place[0]]
        rest = [place for place in found if page.after is None or place > page.after]
        shown = rest[: page.limit]
        after = place_after(*shown[-1]) if len(rest) > len(shown) else None
        answer = page_json(known, [identity for _, identity in shown], after, len(found), thumbnails=desk.thumbnails)
        return _tagged(jsonify(answer), f"{known.roster.version}-{known.manifest.version}")

    @blueprint.get("/people/<identity>")
    def person(identity: str) -> Response:
        """Describe one person."""
        known = desk.known()
        _require(known, identity)
        return _tagged(jsonify(person_json(known, identity)), _revision(known, identity))

    @blueprint.get("/people/<identity>/thumbnail")
    def thumbnail(identity: str) -> Response:
        """Return a picture of a person."""
        loaded = desk.model.get()
        desk.rosters.show(loaded)
        entry = loaded.known.roster.find(identity)
        if entry is None or not (entry.thumbnail and desk.thumbnails):
            raise NoThumbnailError
        try:
            with _available():
                content = desk.rosters.thumbnail(loaded, identity).read()
        except RosterUnavailableError as error:
            if isinstance(error.__cause__, SharedMissingError):
                raise NoThumbnailError from error
            raise
        return Response(content.body, mimetype="image/jpeg")


def _add_people(blueprint: Blueprint, desk: "_Desk") -> None:
    """Add the routes by which people come, are renamed and go."""

    @blueprint.post("/people")
    def add() -> Response:
        """Add a person by photos."""
        given = read_new_photos(request)
        name = checked_name(given.name or "")
        loaded, identity = desk.fresh(), new_id()
        replayed = desk.replay(loaded, given)
        if replayed:
            return replayed
        _check_name(loaded.known, name)
        choices = desk.look(loaded, given, loaded.known.roster.rows(identity))
        desk.keep_thumbnail(loaded, identity, choices)

        def change(roster: Roster) -> Roster:
            changed, _ = roster.with_person(name, *_used(choices), identity)
            return changed.with_thumbnail(identity, kept=desk.thumbnails)

        response = desk.change(loaded, identity, change, given, choices, HTTPStatus.CREATED)
        response.headers["Location"] = f"people/{identity}"
        return response

    @blueprint.patch("/people/<identity>")
    def rename(identity: str) -> Response:
        """Give a person another name."""
        name = read_json_object(request.get_data(cache=False)).get("name")
        if not isinstance(name, str):
            raise BadNameError('Send {"name": NAME}.')
        loaded, name = desk.fresh(), checked_name(name)
        _require_on_roster(loaded.known, identity)
        _check_name(loaded.known, name, identity)
        revision = _expected(request)

        def change(roster: Roster) -> tuple[Roster, None]:
            roster.check_unchanged(identity, revision)
            return roster.renamed(identity, name), None

        desk.write(loaded, change)
        return _tagged(jsonify(person_json(loaded.known, identity)), _revision(loaded.known, identity))

    @blueprint.delete("/people/<identity>")
    def remove(identity: str) -> dict[str, Any]:
        """Remove a person for good."""
        loaded = desk.fresh()
        _require_on_roster(loaded.known, identity)
        revision = _expected(request)

        def change(roster: Roster) -> tuple[Roster, str]:
            roster.check_unchanged(identity, revision)
            return measured(roster.without(identity), loaded.known.gallery.cohort), roster.person(identity).name

        entry = loaded.known.roster.find(identity)
        loaded.known.roster.check_unchanged(identity, revision)
        if entry and entry.thumbnail:  # first: without a roster to name it, nobody would ever delete it
            with _available():
                desk.rosters.thumbnail(loaded, identity).delete()
        name = desk.write(loaded, change)
        return {
            "id": identity,
            "name": name,
            "gone_on": str(_last_copy(desk.rosters.former_days)),
            "roster": {"version": loaded.known.roster.version},
        }


def _add_photos(blueprint: Blueprint, desk: "_Desk") -> None:
    """Add the route by which people who are known get photos."""

    @blueprint.post("/people/<identity>/photos")
    def add_photos(identity: str) -> Response:
        """Add photos of a person."""
        given, loaded = read_new_photos(request), desk.fresh()
        name, revision = _require(loaded.known, identity), _expected(request)
        replayed = desk.replay(loaded, given)
        if replayed:
            return replayed
        former = [loaded.known.roster.rows(identity), _trained_rows(loaded.known, identity)]
        choices = desk.look(loaded, given, np.concatenate(former))
        entry = loaded.known.roster.find(identity)
        _with_entry(loaded.known.roster, loaded.known, identity, name).check_unchanged(identity, revision)
        if entry is None or not entry.thumbnail:
            desk.keep_thumbnail(loaded, identity, choices)

        def change(roster: Roster) -> Roster:
            roster = _with_entry(roster, loaded.known, identity, name)
            roster.check_unchanged(identity, revision)
            kept = roster.person(identity).thumbnail or desk.thumbnails
            return roster.with_photos(identity, *_used(choices)).with_thumbnail(identity, kept=kept)

        return desk.change(loaded, identity, change, given, choices)


def _add_near_misses(blueprint: Blueprint, desk: "_Desk") -> None:
    """Add the routes by which an owner says that a face is somebody else."""

    @blueprint.post("/people/<identity>/near-misses")
    def add_near_miss(identity: str) -> Response:
        """Remember a face that was taken for a person and is somebody else."""
        given, loaded = read_new_photos(request, most=1), desk.fresh()
        name, revision = _require(loaded.known, identity), _expected(request)
        replayed = desk.replay(loaded, given)
        if replayed:
            return replayed
        nobody = ""  # the face is of somebody else: there are no photos to compare it with
        choices = desk.look(loaded, given, loaded.known.roster.rows(nobody))
        embeddings, _ = _used(choices)

        def change(roster: Roster) -> Roster:
            roster = _with_entry(roster, loaded.known, identity, name)
            roster.check_unchanged(identity, revision)
            return roster.with_near_miss(identity, embeddings[0])

        return desk.change(loaded, identity, change, given, choices)

    @blueprint.delete("/people/<identity>/near-misses")
    def forget_near_misses(identity: str) -> Response:
        """Forget all near misses of a person."""
        loaded = desk.fresh()
        _require(loaded.known, identity)
        revision = _expected(request)

        def change(roster: Roster) -> tuple[Roster, None]:
            if roster.find(identity) is None:
                return roster, None
            roster.check_unchanged(identity, revision)
            return measured(roster.without_near_misses(identity), loaded.known.gallery.cohort), None

        desk.write(loaded, change)
        return _tagged(jsonify(person_json(loaded.known, identity)), _revision(loaded.known, identity))


def _add_backup(blueprint: Blueprint, desk: "_Desk") -> None:
    """Add the routes by which the roster leaves as a file, and comes back from one."""

    @blueprint.get("/people/export")
    def export() -> Response:
        """Return the file of the roster, or say where it can be downloaded."""
        loaded = desk.fresh()
        with _available():
            file = desk.rosters.backup(loaded)
        if isinstance(file, str):
            return jsonify({"url": file, "expires_in_s": LINK_S})
        named = {"Content-Disposition": f'attachment; filename="{FILE}"'}
        return Response(file, mimetype="application/octet-stream", headers=named)

    @blueprint.post("/people/import")
    def import_() -> dict[str, Any]:
        """Add the people of a file who are missing here."""
        given, loaded = read_import(request), desk.fresh()
        backup, remarks = _addable(read_roster(desk.take(given.upload.text), embedding_space(loaded.manifest)), loaded)

        def change(roster: Roster) -> tuple[Roster, tuple[int, int, list[str]]]:
            merged, left_out = roster.merged(backup, restore=given.restore)
            added = len(merged.people) - len(roster.people)
            gone = sum(merged.find(person.id) is None for person in backup.people) - len(left_out)
            return (measured(merged, loaded.known.gallery.cohort) if added else roster), (added, gone, left_out)

        added, gone, left_out = desk.write(loaded, change)
        return imported_json(loaded.known, added, gone, [*remarks, *left_out])


def _addable(backup: Roster, loaded: "Recognizer") -> tuple[Roster, list[str]]:
    """Return a roster without the people whose names are those of people on whom the network was trained, and remarks.

    Further photos of the latter stay.
    """
    trained = set(map(key, loaded.manifest.labels))
    taken = [person for person in backup.people if not person.trained and key(person.name) in trained]
    for person in taken:
        backup = backup.without(person.id)
    return backup, [
        f'"{person.name}" was left out: the network was trained on somebody of this name.' for person in taken
    ]


@dataclass(frozen=True)
class _Desk:
    """What the routes share: the model, its roster, and how photos and changes go through them."""

    model: ModelLoader
    rosters: Rosters
    take: TakeUpload
    thumbnails: bool

    def fresh(self) -> "Recognizer":
        """Return the model, which knows the newest roster.

        Raises:
            RosterUnavailableError: there is none, and it cannot be read now.
        """
        loaded = self.model.get()
        with _available():
            self.rosters.require(loaded)
        return loaded

    def known(self) -> KnownPeople:
        """Return everybody who is known by the newest roster."""
        return self.fresh().known

    def replay(self, loaded: "Recognizer", given: NewPhotos) -> Response | None:
        """Return the former answer to a request that was sent again, None if it was not.

        Raises:
            RequestReusedError: another request had the same Idempotency-Key.
        """
        digests = _digest(request, given)
        former = loaded.known.roster.answered(digests[0]) if digests else None
        if former is None or digests is None:
            return None
        if former.body != digests[1]:
            raise RequestReusedError
        return _json(former.answer, former.status)

    def look(self, loaded: "Recognizer", given: NewPhotos, former: np.ndarray[Any, Any]) -> list[Choice]:
        """Choose the person's face in each photo.

        Raises:
            NoPhotoUsedError: no photo can be used.
        """
        seen = [self._see(loaded, photo, face) for photo, face in zip(given.photos, given.numbers, strict=True)]
        choices = choose(seen, given.numbers, former, loaded.known.gallery.cohort)
        g.faces = sum(choice.face is not None for choice in choices)
        if not g.faces:
            raise NoPhotoUsedError([photo_json(choice) for choice in choices])
        return choices

    def _see(self, loaded: "Recognizer", photo: bytes | UploadKey, face: int | None) -> Seen | Exception:
        try:
            return loaded.see(self.take(photo.text) if isinstance(photo, UploadKey) else photo, face)
        except (PhotoError, UploadMissingError, UploadUnavailableError) as error:
            return error

    def keep_thumbnail(self, loaded: "Recognizer", identity: str, choices: list[Choice]) -> None:
        """Keep a picture of the best of the chosen faces, if the owner wants pictures to be kept.

        Raises:
            RosterUnavailableError: it cannot be written now.
        """
        chosen = [choice for choice in choices if choice.face is not None]
        if self.thumbnails:
            best = max(chosen, key=lambda choice: choice.quality)
            with _available():
                self.rosters.thumbnail(loaded, identity).put(picture(best.chip), "image/jpeg")

    def write(self, loaded: "Recognizer", change: Callable[[Roster], tuple[Roster, T]]) -> T:
        """Change the roster.

        Raises:
            RosterUnavailableError: it cannot be read or written now.
        """
        with _available():
            return self.rosters.change(loaded, change)

    def change(
        self,
        loaded: "Recognizer",
        identity: str,
        change: Callable[[Roster], Roster],
        given: NewPhotos,
        choices: list[Choice],
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Response:
        """Change a person on the roster by photos, and return the answer. It is remembered with the change.

        Raises:
            RosterUnavailableError: the roster cannot be read or written now.
        """
        digests = _digest(request, given)

        def remembered(roster: Roster) -> tuple[Roster, dict[str, Any]]:
            changed = measured(change(roster).numbered(roster.version + 1), loaded.known.gallery.cohort)
            answer = added_json(KnownPeople.of(loaded.manifest, loaded.known.gallery, changed), identity, choices)
            if digests:
                changed = changed.with_answer(Answer(*digests, now(), status, answer))
            return changed, answer

        answer = self.write(loaded, remembered)
        return _tagged(_json(answer, status), _revision(loaded.known, identity))


def _used(choices: list[Choice]) -> tuple[np.ndarray[Any, Any], list[float]]:
    """Return the (K, 512) embeddings and the qualities of the chosen faces."""
    chosen = [choice for choice in choices if choice.face is not None]
    return np.concatenate([choice.embedding for choice in chosen]), [choice.quality for choice in chosen]


def _require(known: KnownPeople, identity: str) -> str:
    """Return the name of somebody who is known.

    Raises:
        UnknownPersonError: nobody has this id.
    """
    return known.names[known.number_of(identity)]


def _require_on_roster(known: KnownPeople, identity: str) -> None:
    """Check that somebody is on the roster alone.

    Raises:
        UnknownPersonError: nobody has this id.
        TrainedPersonError: the network was trained on the person.
    """
    name = _require(known, identity)
    if known.number_of(identity) < known.trained:
        raise TrainedPersonError(name)


def _check_name(known: KnownPeople, name: str, identity: str = "") -> None:
    """Check that nobody but the person with this id has a name.

    Raises:
        NameTakenError: somebody has.
    """
    for other in known.named(name):
        if other != identity:
            raise NameTakenError(_require(known, other), other)


def _with_entry(roster: Roster, known: KnownPeople, identity: str, name: str) -> Roster:
    """Return the roster with an entry for somebody on whom the network was trained."""
    is_trained = known.number_of(identity) < known.trained
    return roster.with_trained(identity, name) if is_trained else roster


def _trained_rows(known: KnownPeople, identity: str) -> np.ndarray[Any, Any]:
    """Return the (K, 512) prototypes of somebody on whom the network was trained."""
    number = known.number_of(identity)
    return known.gallery.embeddings[known.gallery.people == number if number < known.trained else slice(0)]


def _json(answer: Any, status: int) -> Response:
    response = jsonify(answer)
    response.status_code = status
    return response


def _tagged(response: Response, tag: str) -> Response:
    """Return an answer with its ETag; a 304 without a body if the request has that version already."""
    response.set_etag(tag)
    response.make_conditional(request)
    return response


def _revision(known: KnownPeople, identity: str) -> str:
    entry = known.roster.find(identity)
    return str(entry.revision if entry else 0)


def _expected(given: Request) -> int | None:
    """Return the revision of a person that `If-Match` names; None if any will do.

    Raises:
        PersonChangedError: it is not the ETag of any version of a person.
    """
    header = given.headers.get("If-Match", "").strip()
    if header in {"", "*"}:
        return None
    tag = header.removeprefix("W/").strip('"')
    if not (tag.isascii() and tag.isdecimal() and len(tag) < 16):
        raise PersonChangedError("the person")
    return int(tag)


def _digest(sent: Request, given: NewPhotos) -> tuple[str, str] | None:
    """Return digests of a request's Idempotency-Key with its sender and address, and of what was sent.

    The boundary of a form may be another one when the request is sent again.

    Raises:
        BadParameterError: the key is too long.
    """
    text = sent.headers.get("Idempotency-Key", "")
    if not text:
        return None
    if len(text) > _MAX_KEY:
        raise BadParameterError(f"The header `Idempotency-Key` may have {_MAX_KEY} characters.")
    content = hashlib.sha256(repr((given.name, given.numbers)).encode())
    for photo in given.photos:
        content.update(hashlib.sha256(photo.text.encode() if isinstance(photo, UploadKey) else photo).digest())
    sender = hashlib.sha256(f"{g.get('key')} {sent.path} {text}".encode(errors="replace"))
    return sender.hexdigest()[:32], content.hexdigest()[:32]


@contextmanager
def _available() -> Iterator[None]:
    """Turn what is wrong with the roster as a whole into one error, whose cause is logged."""
    try:
        yield
    except (SharedError, RosterUnreadableError, RosterBusyError) as error:
        raise RosterUnavailableError from error


def _last_copy(former_days: int) -> Any:
    """Return the day on which the last former version of a roster is gone; S3 deletes them once a day."""
    later = timedelta(days=former_days + 1 if former_days else 0)
    return (datetime.now(UTC) + later).date()
