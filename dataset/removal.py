"""Removes a person from a folder of aligned faces: chips, faces found, journal, decisions and report."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dataset import candidates
from dataset.aligned import JOURNAL, OUTPUT, OVERRIDES, PAGE, REPORT, by_label
from dataset.errors import PrepareError
from dataset.labels import found_as
from dataset.overrides import Overrides
from dataset.prepare import write_report
from preprocess.files import read_json
from preprocess.names import key, same

_FACES: Final = "faces"


def remove_person(aligned: Path, name: str) -> int:
    """Remove a person from a folder that `visage prepare` made; return how many files of faces were deleted.

    A call that was interrupted can be made again. The decisions on other people's photos stay as they are, and so do
    the photos themselves, which are elsewhere.

    Raises:
        PrepareError: `visage prepare` did not make the folder, or what it left there is damaged.
    """
    overrides = check_removal(aligned)  # raises before anything is deleted
    output = aligned / OUTPUT
    journal = candidates.read_journal(output / JOURNAL)
    name = found_as(name, {*by_label(aligned), *(photo.person for photo in journal.values())}) or name
    deleted = _remove_chips(aligned, name)
    others = [photo for photo in journal.values() if not same(photo.person, name)]
    if deleted or len(others) < len(journal):
        deleted += _remove_faces(output, {Path(file).name for photo in others for file in photo.files()})
    overrides.without(name).write(output / OVERRIDES)
    _remove_from_report(output, name)
    candidates.write_journal(output / JOURNAL, others)  # last: until then, another call knows what there is to do
    return deleted


def check_removal(aligned: Path) -> Overrides:
    """Check that a person can be removed from a folder, and return the owner's decisions in it.

    Raises:
        PrepareError: `visage prepare` did not make the folder, or what it left there is damaged.
    """
    if not (aligned / OUTPUT).is_dir():
        raise PrepareError(f"{aligned} was not made by `visage prepare`. Give the folder that it made.")
    return Overrides.read(aligned / OUTPUT / OVERRIDES)


def _remove_chips(aligned: Path, name: str) -> int:
    """Delete the faces in this person's folders, half-written ones too, and the folders if nothing else is in them."""
    folders = by_label(aligned).get(name, [])
    chips = [chip for folder in folders for kind in ("*.jpg", "*.jpg.part") for chip in folder.rglob(kind)]
    for chip in chips:
        chip.unlink()
    for folder in folders:
        if not any(path.is_file() for path in folder.rglob("*")):
            shutil.rmtree(folder)
    return len(chips)


def _remove_faces(output: Path, kept: set[str]) -> int:
    """Delete every face that was found and is not in the journal under somebody else's name."""
    faces = [face for face in (output / _FACES).glob("*") if face.name not in kept]
    for face in faces:
        face.unlink()
    return len(faces)


def _remove_from_report(output: Path, name: str) -> None:
    """Write the report again without the person; a report that is damaged is deleted."""
    try:
        report = read_json(output / REPORT)
        content = {
            "people": {person: counts for person, counts in report["people"].items() if not same(person, name)},
            "remarks": [remark for remark in report["remarks"] if not _mentions(remark, name)],
            "questions": [q for q in report.get("questions", []) if not same(q["person"], name)],
            "photos": [_without(photo, name) for photo in report["photos"] if not same(photo["person"], name)],
        }
        write_report(content, output)
    except (FileNotFoundError, ValueError, LookupError, TypeError, AttributeError):
        for file in (REPORT, PAGE):
            (output / file).unlink(missing_ok=True)


def _without(photo: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the outcome of somebody else's photo without the person's name in its reason."""
    reason = photo["reason"]
    return {**photo, "reason": "It shows another person." if reason and _mentions(reason, name) else reason}


def _mentions(text: str, name: str) -> bool:
    return key(name) in key(text)
