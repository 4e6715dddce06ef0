"""Enrols people by a few photos each, and removes people from a roster or a bundle."""

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dataset.prepare import KeptFace
from model import bundle as bundles
from model import strangers
from model.bundle import Bundle, Manifest
from model.cohort import Cohort, FloatArray
from model.engines import ENGINES
from model.gallery import Gallery
from model.known import KnownPeople
from model.prototypes import ALIKE, IntArray
from model.roster import Roster
from model.roster_gallery import measured
from model.roster_storage import of_bundle
from preprocess.appearance import TURNED, pose
from preprocess.names import normalised
from training import calibration
from training.class_removal import remove_class
from training.discriminant import fit
from training.members import check_forgettable, check_newcomers

_ENOUGH_PHOTOS: Final = 3
"""Of so many photos, a poor one does no harm."""

_SMALL: Final = 48
_BLURRED: Final = 30.0
"""Side of a face in pixels, and sharpness of its chip, under which a photo is a poor reference."""

_ALIKE_SHARE: Final = 0.03
"""The share of strangers that are too much like everybody to be a good reference."""

GALLERIES: Final = (bundles.GALLERY, bundles.ONNX_GALLERY)


def embeddings_of(kept: Sequence[KeptFace]) -> dict[str, FloatArray]:
    """Return the (K, 512) embeddings of each person's kept faces, by label."""
    return _by_person((face.person, face.face.vector()) for face in kept)


def _by_person(found: Iterable[tuple[str, FloatArray]]) -> dict[str, FloatArray]:
    """Return (512,) embeddings by their person, (K, 512) each."""
    people: dict[str, list[FloatArray]] = {}
    for person, embedding in found:
        people.setdefault(person, []).append(embedding)
    return {person: np.stack(rows) for person, rows in people.items()}


def poor_references(kept: Sequence[KeptFace], cohort: Cohort) -> list[str]:
    """Return a remark on each kept photo that is a poor reference for its person, if they have few photos."""
    counts = Counter(normalised(face.person) for face in kept)
    few = [face for face in kept if counts[normalised(face.person)] < _ENOUGH_PHOTOS]
    if not few:
        return []
    alike = _alike_to_everybody(np.stack([face.face.vector() for face in few]), cohort)
    remarks = []
    for face, is_alike in zip(few, alike, strict=True):
        reasons = [
            *(["its face is small"] if min(face.face.box.width, face.face.box.height) < _SMALL else []),
            *(["it is blurred"] if face.face.sharpness < _BLURRED else []),
            *(["the head is turned away"] if pose(face.face.box.landmarks).away > TURNED else []),
            *(["to the network its face is like many others'"] if is_alike else []),
        ]
        if reasons:
            remarks.append(
                f"{face.photo} is a poor reference: {' and '.join(reasons)}. Add another photo of the person."
            )
    return remarks


def _alike_to_everybody(embeddings: FloatArray, cohort: Cohort) -> npt.NDArray[np.bool_]:
    """Return which of (N, 512) embeddings are more like the cohort than all but a few strangers are."""
    if not cohort.is_measured:
        return np.zeros(len(embeddings), np.bool_)
    own, usual = (_likeness(cohort.centred(faces), cohort) for faces in (embeddings, strangers.draw(cohort)))
    alike: npt.NDArray[np.bool_] = own > np.quantile(usual, 1 - _ALIKE_SHARE)
    return alike


def _likeness(faces: FloatArray, cohort: Cohort) -> FloatArray:
    """Return the mean (N,) of the ALIKE largest cosines of (N, 512) centred faces with the cohort's centres."""
    largest = np.partition(faces @ cohort.centres.T, -min(ALIKE, len(cohort.centres)), axis=1)[:, -ALIKE:]
    mean: FloatArray = largest.mean(axis=1)
    return mean


def enroll(bundle: Bundle, people: Mapping[str, FloatArray]) -> tuple[Roster, list[str]]:
    """Put people on the roster beside a bundle, by the (K, 512) embeddings of their photos.

    Also return a remark on each of them who looks like somebody who is known already.

    Raises:
        BundleError: the network was trained on somebody of this name.
        RosterError: a name is taken, or the roster cannot be used.
        SharedError: the roster cannot be written; it stays as it was.
    """
    newcomers = _by_label(people)
    check_newcomers(bundle.manifest.labels, newcomers)
    gallery = gallery_of(bundle)

    def change(roster: Roster) -> tuple[Roster, list[str]]:
        remarks = []
        for name, embeddings in newcomers.items():
            known = KnownPeople.of(bundle.manifest, gallery, roster)
            remarks += [
                f'"{name}" looks like "{other.name}" (similarity {other.similarity:.2f}); they may be confused with '
                "each other."
                for other in known.lookalikes(embeddings)
            ]
            roster, _ = roster.with_person(name, embeddings, ())
        return measured(roster, gallery.cohort), remarks

    roster, _, remarks = of_bundle(bundle).change(change)
    return roster, remarks


def forget_enrolled(bundle: Bundle, name: str) -> Roster:
    """Remove a person from the roster beside a bundle, if there is one of this very name.

    Raises:
        RosterError, SharedError: the roster cannot be used or written.
    """

    def change(roster: Roster) -> tuple[Roster, None]:
        found = [person.id for person in roster.people if person.name == name]
        return (measured(roster.without(found[0]), gallery_of(bundle).cohort) if found else roster), None

    return of_bundle(bundle).change(change)[0]


def copy_roster(source: Bundle, target: Bundle) -> None:
    """Put the people of the roster beside one bundle on that beside another one.

    Raises:
        RosterError, SharedError: a roster cannot be used or written.
    """
    roster, _ = of_bundle(source).read()
    if roster.people:
        cohort = gallery_of(target).cohort
        of_bundle(target).change(lambda other: (measured(other.merged(roster)[0], cohort), None))


def forget(bundle: Bundle, name: str, target: Path, *, replace_existing: bool = False) -> Bundle:
    """Write the bundle `target`: `bundle` without the prototypes and the class of a person whom it was trained on.

    The rest of the fine-tuned head was trained on the person's photos among others', and stays as it is.

    Raises:
        BundleError: the bundle does not know them, or nobody else was trained on; or `target` holds something.
        RemovalError: the network without them computes something else for the others.
    """
    manifest = bundle.manifest
    name = check_forgettable(manifest, name)
    person = manifest.labels.index(name)
    galleries = {file: _without_person(gallery_of(bundle, file), person) for file in GALLERIES}
    with bundles.temporary_bundle(target) as source:
        made = _with_galleries(bundle, _without(manifest, name), galleries, source)
        remove_class(bundle.directory, source, person, manifest.geometry.size)
        return bundles.write(source, made, target, replace_existing=replace_existing)


def gallery_of(bundle: Bundle, file: str = bundles.GALLERY) -> Gallery:
    """Return the gallery in a file of a bundle, by default that of the default engine."""
    return Gallery.load(bundle.path(file), bundle.path(bundles.COHORT))


def _without_person(gallery: Gallery, person: int) -> Gallery:
    """Return the gallery without a person's prototypes. The number of everybody after them decreases by one."""
    others = gallery.people != person
    people: IntArray = gallery.people[others]
    return calibration.with_strangers(fit(gallery.embeddings[others], people - (people > person), gallery.cohort))


def _by_label(people: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return people by their names in NFC; two spellings of a name are one person."""
    labels: dict[str, FloatArray] = {}
    for name, embeddings in people.items():
        label = normalised(name)
        labels[label] = np.concatenate([labels[label], embeddings]) if label in labels else embeddings
    return labels


def _with_galleries(bundle: Bundle, manifest: Manifest, galleries: Mapping[str, Gallery], source: Path) -> Manifest:
    """Write a bundle's files with other galleries into `source`; return the manifest with the thresholds for these."""
    for name in bundle.manifest.files:
        shutil.copyfile(bundle.path(name), source / name)
    for file, gallery in galleries.items():
        gallery.save(source / file)
    engines = {
        name: replace(numbers, **_calibrated(numbers.calibration, galleries[ENGINES[name].gallery]))
        for name, numbers in manifest.engines.items()
    }
    return replace(manifest, engines=engines, **_calibrated(manifest.calibration, galleries[bundles.GALLERY]))


def _calibrated(earlier: Mapping[str, Any], gallery: Gallery) -> dict[str, Any]:
    """Return the threshold for the people that a gallery now has, and its calibration, after an earlier one."""
    rate = earlier["false_accept_rate"]
    threshold = calibration.threshold(gallery, rate, earlier=earlier)
    return {"threshold": threshold.value, "calibration": threshold.to_dict(rate)}


def _without(manifest: Manifest, name: str) -> Manifest:
    """Return the manifest without a person's name, in every place that has it."""
    training: dict[str, Any] = dict(manifest.training)
    others = {person: faces for person, faces in training["faces"].items() if normalised(person) != normalised(name)}
    training["faces"] = others
    return replace(
        manifest,
        labels=tuple(label for label in manifest.labels if label != name),
        training=training,
    )
