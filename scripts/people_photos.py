"""Sends photos of a person to the API, and shows what became of each."""

import shlex
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from dataset.words import counted
from model.uploads import CONTENT_TYPE
from preprocess.errors import PhotoError
from preprocess.files import read_photo
from preprocess.names import printable
from scripts.client import Client, NoAnswerError
from scripts.console import Answer, CommandError, out

_BATCH: Final = 20
"""Photos of one request. With one processor, 20 large ones take about half of the 29 seconds that a request has."""

_ATTEMPTS: Final = 4
_OPEN: Final = {"urn:visage:problem:several-faces", "urn:visage:problem:unlike-others"}
"""Why photos are not used that may be used if the owner says which face is the person."""

_TAKEN: Final = "urn:visage:problem:name-taken"

_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


@dataclass
class Sent:
    """What became of photos. `listed` has each photo, and why it cannot be read, "" where it can."""

    listed: Mapping[Path, str]
    results: dict[Path, Answer] = field(default_factory=dict)
    person: Answer | None = None
    roster: Answer | None = None
    remarks: list[str] = field(default_factory=list)

    def to_json(self) -> Answer:
        """Return all of it as JSON."""
        photos = [{"file": str(path), **self.results[path]} for path in self.listed if path in self.results]
        return {"person": self.person, "photos": photos, "remarks": self.remarks, "roster": self.roster}

    def refuse(self, path: Path, detail: str) -> None:
        """Say why a photo cannot be sent."""
        self.results[path] = {"used": False, "problem": {"detail": detail}}

    def add(self, paths: Sequence[Path], answer: Mapping[str, Any]) -> None:
        """Add what the API answered to some photos."""
        self.results |= dict(zip(paths, answer["photos"], strict=True))
        self.person = answer.get("person", self.person)
        self.roster = answer.get("roster", self.roster)
        self.remarks = answer.get("remarks", self.remarks)

    def require_all_used(self) -> None:
        """Check that all photos were used.

        Raises:
            CommandError: one was not.
        """
        unused = [path for path in self.listed if not self.results.get(path, {}).get("used")]
        if unused:
            raise CommandError(f"Photos that were not used: {len(unused)} of {len(self.listed)}.")


def choose_faces(given: Sequence[str], photos: Mapping[Path, str]) -> dict[Path, int]:
    """Read options `PHOTO=N`; PHOTO is one of `photos` as it was given, or the name of its file.

    Raises:
        CommandError: an option has another form, or there is no such photo.
    """
    faces = {}
    for text in given:
        name, _, number = text.rpartition("=")
        found = [path for path in photos if path == Path(name)] or [path for path in photos if path.name == name]
        if not (number.isascii() and number.isdecimal() and int(number) and name):
            raise CommandError(f"--face {text} is not PHOTO=N, such as us.jpg=2.")
        if len(found) != 1:
            which = "none" if not found else "several"
            raise CommandError(f"--face {text}: {which} of the photos is called so. Give the photo as it is listed.")
        faces[found[0]] = int(number)
    return faces


def send_photos(client: Client, sent: Sent, faces: Mapping[Path, int], *, name: str, identity: str | None) -> None:
    """Add a person called `name` by photos; or add the photos to the person with the id `identity`.

    `sent` gets what became of each photo, also if an error ends it.

    Raises:
        NoAnswerError, CommandError: the API does not do so.
    """
    for path, reason in sent.listed.items():
        if reason:
            sent.refuse(path, reason)
    for batch in _batches(sent):
        known = sent.person["id"] if sent.person else identity
        try:
            answer = _send(client, batch, faces, f"people/{known}/photos" if known else "people", "" if known else name)
        except NoAnswerError as error:
            if error.answer.get("type") == _TAKEN:
                raise CommandError(f"{error} The option for that is --to-existing.") from error
            if not isinstance(error.answer.get("photos"), list):
                raise
            answer = error.answer
        sent.add(list(batch), answer)


def _batches(sent: Sent) -> Iterator[dict[Path, bytes]]:
    """Yield the photos that can be read, some at a time."""
    batch: dict[Path, bytes] = {}
    for path, reason in sent.listed.items():
        if reason:
            continue
        try:
            batch[path] = read_photo(path)
        except PhotoError as error:
            sent.refuse(path, str(error))
        except OSError as error:
            sent.refuse(path, f"The file cannot be read: {error.strerror or error}.")
        if len(batch) == _BATCH:
            yield batch
            batch = {}
    if batch:
        yield batch


def _send(client: Client, batch: Mapping[Path, bytes], faces: Mapping[Path, int], route: str, name: str) -> Answer:
    """Send photos in one request; through S3 if they are too large for it. It may be sent again: once it counts."""
    from api.upload import MAX_PHOTO_BYTES

    numbers = [faces.get(path) for path in batch]
    how: dict[str, Any]
    if sum(map(len, batch.values())) > MAX_PHOTO_BYTES:
        uploads = [client.upload(photo) for photo in batch.values()]
        how = {"json": {"uploads": uploads, "faces": numbers} | ({"name": name} if name else {})}
    else:
        photos = [("image", ("photo", photo, CONTENT_TYPE)) for photo in batch.values()]
        named = [("face", str(number or "")) for number in numbers] if faces else []
        how = {"form": [*([("name", name)] if name else []), *named, *photos]}
    once = {"Idempotency-Key": str(uuid.uuid4())}
    return client.send("POST", route, _is_added, headers=once, attempts=_ATTEMPTS, **how)


def _is_added(answer: Answer) -> bool:
    return {"person", "photos", "remarks", "roster"} <= answer.keys()


def show_photos(sent: Sent) -> None:
    """Print what became of each photo, and which options answer what is open."""
    for path, result in sent.results.items():
        if result["used"]:
            advice = f" ({', '.join(result['advice'])})" if result["advice"] else ""
            out.print(printable(f"used {path}{advice}"))
        else:
            out.print(Text("not used", "yellow"), printable(f"{path}: {result['problem']['detail']}"))
            _show_faces(path, result)
    for remark in sent.remarks:
        out.print(Text("note", "yellow"), printable(remark))
    if sent.person:
        person = sent.person
        kept = f"{counted(person['photos'], 'photo')} kept"
        well = "" if person["quality"] is None else f", known to {person['quality']:.0%}"
        out.print(printable(f"{person['name']}: {kept}{well}, id {person['id']}"))


def _show_faces(path: Path, result: Answer) -> None:
    """Print the options that say which face is the person, from the left to the right."""
    if result["problem"].get("type") not in _OPEN:
        return
    middles = {number: 2 * face["box"]["left"] + face["box"]["width"] for number, face in enumerate(result["faces"], 1)}
    for place, number in enumerate(sorted(middles, key=middles.__getitem__)):
        place_in_words = _ORDINALS[place] if place < len(_ORDINALS) else f"{place + 1}th"
        out.print(f"  --face {shlex.quote(f'{printable(str(path))}={number}')}  (the {place_in_words} from the left)")
