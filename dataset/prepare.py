"""Folders of photos to folders of aligned faces: of each photo, the face that its person's photos have in common.

`aligned.py` says what the files are called.
"""

import filecmp
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dataset import candidates, copies
from dataset.aligned import JOURNAL, OUTPUT, OVERRIDES, PAGE, REPORT, photos_of_chips, reported_chips
from dataset.candidates import Candidate, Candidates, DetectionTask, Embed
from dataset.consensus import FloatArray
from dataset.copies import IntArray
from dataset.errors import PrepareError
from dataset.folders import Listing, People, listing, walk
from dataset.labels import found_as
from dataset.overrides import Overrides
from dataset.progress import OnProgress
from dataset.report import write_page
from dataset.selection import Outcome, Question, Selection, select
from preprocess.files import replacing, write_text
from preprocess.names import normalised, printable, shown
from preprocess.temporary import temporary_folder


@dataclass(frozen=True)
class Report:
    """Every photo's outcome, a sentence on each thing that looks like a mistake, and what the owner has to decide."""

    outcomes: Sequence[Outcome]
    remarks: Sequence[str]
    questions: Sequence[Question] = ()

    @property
    def left_out(self) -> list[Outcome]:
        """The photos without a chip."""
        return [outcome for outcome in self.outcomes if outcome.reason]

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return, for each person, how many photos there are and how many have a chip."""
        people: dict[str, tuple[int, int]] = {}
        for outcome in self.outcomes:
            photos, chips = people.get(outcome.person, (0, 0))
            people[outcome.person] = photos + 1, chips + (outcome.chip is not None)
        return people

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `report.json`."""
        return {
            "people": {name: {"photos": n, "aligned": chips} for name, (n, chips) in self.counts().items()},
            "remarks": list(self.remarks),
            "questions": [asdict(question) for question in self.questions],
            "photos": [asdict(outcome) for outcome in self.outcomes],
        }


def prepare(
    photos: Path,
    aligned: Path,
    workers: int,
    embed: Embed,
    on_progress: OnProgress,
    *,
    keep: Sequence[Path] = (),
    drop: Sequence[Path] = (),
) -> Report:
    """Align the face of the folder's person in every photo under `photos`, and report on every photo.

    A photo that an earlier call processed, and that has not changed since, is not processed again. The chip of a photo
    that is gone is removed. `embed` is pickled to other processes; see `Embed` for what its `repr` must do. `keep` and
    `drop` name photos; in `keep`, PHOTO#2 is the second face from the left, and tells whom the folder shows.

    Raises:
        PrepareError: the folders cannot be prepared, a worker process was killed, or `keep` and `drop` name no photo or
            no face.
        OSError: the disk is full or read-only.
    """
    return plan(photos, aligned, keep, drop).carry_out(workers, embed, on_progress)


@dataclass(frozen=True)
class Plan:
    """The people to prepare, the folder for their faces, and the owner's decisions, old and new.

    `named` are the photos of the new decisions to keep, each with the number of its face if there is one.
    """

    people: People
    aligned: Path
    overrides: Overrides
    named: Sequence[tuple[str, int | None]]

    def carry_out(self, workers: int, embed: Embed, on_progress: OnProgress) -> Report:
        """Do what `prepare` does, and raise what it raises once it looks at photos."""
        output = self.aligned / OUTPUT
        self.overrides.write(output / OVERRIDES)
        tasks = _tasks(self.people, self.aligned, embed)
        found = candidates.find_faces(tasks, output / JOURNAL, workers, on_progress)
        _add_faces(self.overrides, found, self.named)
        self.overrides.write(output / OVERRIDES)
        report = _report(self.people, select(found, self.overrides))
        if len(self.people.photos) == 1:
            alone = f'There is one person only, "{next(iter(self.people.photos))}"; training needs at least two.'
            report = replace(report, remarks=[*report.remarks, alone])
        _copy_kept(report.outcomes, self.aligned)
        write_report(report.to_dict(), output)
        return report


def plan(photos: Path, aligned: Path, keep: Sequence[Path] = (), drop: Sequence[Path] = ()) -> Plan:
    """Return what `prepare` is going to do. Nothing is changed, and no photo is opened.

    Raises:
        PrepareError: what `prepare` raises before it looks at photos.
    """
    photos, aligned = photos.resolve(), aligned.resolve()
    if aligned == photos or aligned in photos.parents or photos in aligned.parents:
        raise PrepareError("The aligned faces need a folder of their own, outside the photos.")
    people = walk(photos)
    overrides = Overrides.read(aligned / OUTPUT / OVERRIDES)
    named = _named(keep, people)
    overrides.add(_whole(named), [name for name, _ in _named(drop, people)])
    return Plan(people, aligned, overrides, named)


def _report(people: People, selection: Selection) -> Report:
    return Report(selection.outcomes, [*people.remarks, *selection.remarks], selection.questions)


def write_report(content: Mapping[str, Any], output: Path) -> None:
    """Write `report.json` and `report.html` into the output folder, see `Report.to_dict`."""
    write_text(output / REPORT, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    write_page(content, output / PAGE)


@dataclass(frozen=True, slots=True)
class KeptFace:
    """A face that is kept: its label, its photo relative to the photos, what was found, and its chip as a JPEG file."""

    person: str
    photo: str
    face: Candidate
    picture: bytes = field(repr=False)


def select_faces(
    people: People, workers: int, embed: Embed, on_progress: OnProgress, *, keep: Sequence[Path] = ()
) -> tuple[list[KeptFace], Report]:
    """Return the faces that `prepare` would keep, without keeping them, and its report; it may have questions.

    Raises:
        PrepareError: a worker process was killed, or `keep` names no photo or no face.
    """
    named = _named(keep, people)
    with temporary_folder() as scratch:
        found = candidates.find_faces(_tasks(people, scratch, embed), scratch / JOURNAL, workers, on_progress)
        overrides = Overrides()
        overrides.add(_whole(named), [])
        _add_faces(overrides, found, named)
        report = _report(people, select(found, overrides))
        chosen = {outcome.thumbnail for outcome in report.outcomes if outcome.chip}
        kept = [
            KeptFace(photo.person, photo.photo, face, (scratch / face.chip).read_bytes())
            for photo in found
            for face in photo.faces
            if face.chip in chosen
        ]
    return kept, report


def group_copies(people: People, aligned: Path, workers: int, embed: Embed, on_progress: OnProgress) -> dict[Path, int]:
    """Return the number of each photo's group: photos with one number are copies of one picture, see `copies.groups`.

    The faces that are found stay in `aligned`: `prepare` does not look for them again.

    Raises:
        PrepareError: a worker process was killed.
    """
    tasks = _tasks(people, aligned, embed)
    found = candidates.find_faces(tasks, aligned / OUTPUT / JOURNAL, workers, on_progress)
    return {task.path: int(group) for task, group in zip(tasks, copies.groups(found), strict=True)}


def copies_of_chips(aligned: Path, chips: Sequence[str]) -> IntArray:
    """Return the number of the group of each chip's photo, (N,), see `copies.groups`.

    It is -1 for a chip that no `prepare` of this version wrote: copies of its photo are not looked for.
    """
    journal, photos = candidates.read_journal(aligned / OUTPUT / JOURNAL), photos_of_chips(aligned)
    names = [photos.get(normalised(chip), "") for chip in chips]
    known = {row: journal[name] for row, name in enumerate(names) if name in journal}
    numbers = np.full(len(chips), -1)
    numbers[list(known)] = copies.groups(list(known.values()))
    return numbers


def embed_all(
    strangers: Listing, workers: int, embed: Embed, on_progress: OnProgress, folder: Path | None = None
) -> dict[str, FloatArray]:
    """Return the (512,) embedding of the most prominent face of every photo, by its name; some have none.

    What was found is kept in `folder`, if it is given, so that an interrupted call goes on.

    Raises:
        PrepareError: no photo has a face, or a worker process was killed.
    """
    with temporary_folder() if folder is None else nullcontext(folder) as output:
        tasks = [DetectionTask(strangers.root, path, "", output, OUTPUT, embed) for path in strangers.photos]
        found = candidates.find_faces(tasks, output / JOURNAL, workers, on_progress)
    vectors = {photo.photo: photo.faces[0].vector() for photo in found if photo.faces}
    if not vectors:
        raise PrepareError(f"Not one photo in {strangers.root} has a face.")
    return vectors


def photos_of_strangers(folder: Path) -> Listing:
    """Return every photo under a folder, whoever they show.

    Raises:
        PrepareError: there is no such folder, or no photo in it.
    """
    found = listing(folder)
    if not found.photos:
        raise PrepareError(" ".join([f"{folder} holds no photos.", *found.remarks, "Give a folder of photos."]))
    return found


def _tasks(people: People, aligned: Path, embed: Embed) -> list[DetectionTask]:
    return [
        DetectionTask(people.root, path, person, aligned, OUTPUT, embed)
        for person, paths in people.photos.items()
        for path in paths
    ]


def _named(paths: Iterable[Path], people: People) -> list[tuple[str, int | None]]:
    """Return the names of photos given as paths, each with the number of its face if the path ends in #NUMBER."""
    known = [shown(path.relative_to(people.root).as_posix()) for owned in people.photos.values() for path in owned]
    photos, named = people.root.resolve(), []
    for path in paths:
        name, number = _known_as(path, photos, known), None
        photo, mark, digits = path.name.rpartition("#")
        if name is None and photo and mark and digits.isdecimal():
            name, number = _known_as(path.with_name(photo), photos, known), int(digits)
        if name is None:
            raise PrepareError(f"{printable(str(path))} is not one of the photos in {photos}. Give it as PERSON/PHOTO.")
        named.append((name, number))
    return named


def _known_as(file: Path, photos: Path, known: Sequence[str]) -> str | None:
    """Return the name of a photo given as a path, relative to the photos or to the working directory."""
    # A photo may itself be a link to a file elsewhere.
    spellings = (photos / file, file.resolve(), file.parent.resolve() / file.name)
    possible = [path for path in spellings if path.is_relative_to(photos)]
    found = (found_as(path.relative_to(photos).as_posix(), known) for path in possible)
    return next(filter(None, found), None)


def _whole(named: Iterable[tuple[str, int | None]]) -> list[str]:
    """Return the names of the photos of which no face was named."""
    return [name for name, number in named if number is None]


def _add_faces(overrides: Overrides, found: Iterable[Candidates], named: Sequence[tuple[str, int | None]]) -> None:
    """Add the faces that were named by their number."""
    photos = {photo.photo: photo for photo in found}
    for name, number in named:
        if number is not None:
            overrides.add_face(photos[name], number)


def _copy_kept(outcomes: Sequence[Outcome], aligned: Path) -> None:
    """Copy the kept faces to where training looks for them, and remove those of earlier calls that are not kept."""
    wanted = {aligned / outcome.chip: aligned / str(outcome.thumbnail) for outcome in outcomes if outcome.chip}
    for chip in _copied_before(aligned) - wanted.keys():
        chip.unlink(missing_ok=True)
    for chip, source in wanted.items():
        if not (chip.exists() and (chip.samefile(source) or filecmp.cmp(chip, source, shallow=False))):
            _copy(source, chip)


def _copied_before(aligned: Path) -> set[Path]:
    """Return the chips that an earlier call copied, according to its report."""
    return {aligned / chip for chip in reported_chips(aligned) if candidates.is_below(chip)}


def _copy(source: Path, target: Path) -> None:
    """Make a hard link, which takes no room, where the disk can; else a copy. It is there whole or not at all."""
    with replacing(target) as unfinished:
        unfinished.unlink(missing_ok=True)
        try:
            os.link(source, unfinished)
        except OSError:
            shutil.copyfile(source, unfinished)
