"""Adds people to a bundle by the embeddings of a few photos each, and removes people from a bundle."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from dataset.labels import normalised
from dataset.prepare import KeptFace
from model import bundle as bundles
from model.bundle import Bundle, Manifest
from model.gallery import FloatArray, Gallery
from training import calibration
from training.class_removal import remove_class
from training.members import check_forgettable, check_newcomers

LOOKALIKE: Final = 0.7
"""Similarity from which two people may be confused: about that of two photos of one person."""


def embeddings_of(kept: Sequence[KeptFace]) -> dict[str, FloatArray]:
    """Return the (K, 512) embeddings of each person's kept faces, by label."""
    people: dict[str, list[FloatArray]] = {}
    for face in kept:
        people.setdefault(face.person, []).append(face.face.vector())
    return {name: np.stack(rows) for name, rows in people.items()}


def enroll(
    bundle: Bundle, people: Mapping[str, FloatArray], target: Path, *, replace_existing: bool = False
) -> tuple[Bundle, list[str]]:
    """Write the bundle `target`: `bundle` and more people, each by the (K, 512) embeddings of their photos.

    Also return a remark on each of them who looks like somebody the bundle knows.

    Raises:
        BundleError: a name is taken, or `target` holds something already.
    """
    manifest, gallery = bundle.manifest, Gallery.load(bundle.path(bundles.GALLERY))
    newcomers = _by_label(people)
    check_newcomers(manifest, newcomers)
    remarks = []
    for name, embeddings in newcomers.items():
        remarks += _lookalikes(name, embeddings, manifest, gallery)
        gallery = gallery.joined_by(calibration.prototypes_of(embeddings), len(manifest.people))
        manifest = replace(manifest, enrolled=(*manifest.enrolled, name))
    with bundles.temporary_bundle(target) as source:
        _copy(bundle, source)
        gallery.save(source / bundles.GALLERY)
        return bundles.write(source, _recalibrated(manifest), target, replace_existing=replace_existing), remarks


def forget(bundle: Bundle, name: str, target: Path, *, replace_existing: bool = False) -> Bundle:
    """Write the bundle `target`: `bundle` without a person's name, prototypes and class of the last layer.

    The rest of the fine-tuned head was trained on the person's photos among others', and stays as it is.

    Raises:
        BundleError: the bundle does not know them, or nobody else was trained on; or `target` holds something.
        RemovalError: the network without them computes something else for the others.
    """
    manifest = bundle.manifest
    name = check_forgettable(manifest, name)
    person = manifest.people.index(name)
    with bundles.temporary_bundle(target) as source:
        _copy(bundle, source)
        Gallery.load(bundle.path(bundles.GALLERY)).without(person).save(source / bundles.GALLERY)
        if name in manifest.labels:
            remove_class(bundle.directory, source, person, manifest.geometry.size)
        return bundles.write(source, _without(manifest, name), target, replace_existing=replace_existing)


def enrolled_in(bundle: Bundle) -> dict[str, FloatArray]:
    """Return the (K, 512) prototypes of each person who is enrolled in a bundle, by label."""
    manifest, gallery = bundle.manifest, Gallery.load(bundle.path(bundles.GALLERY))
    return {
        name: gallery.embeddings[gallery.people == number]
        for number, name in enumerate(manifest.enrolled, start=len(manifest.labels))
    }


def _by_label(people: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return people by their names in NFC; two spellings of a name are one person."""
    labels: dict[str, FloatArray] = {}
    for name, embeddings in people.items():
        label = normalised(name)
        labels[label] = np.concatenate([labels[label], embeddings]) if label in labels else embeddings
    return labels


def _lookalikes(name: str, embeddings: FloatArray, manifest: Manifest, gallery: Gallery) -> list[str]:
    similarities = gallery.similarities(embeddings, len(manifest.people)).mean(axis=0)
    return [
        f'"{name}" looks like "{other}" (similarity {value:.2f}); they may be confused with each other.'
        for other, value in zip(manifest.people, similarities, strict=True)
        if value >= LOOKALIKE
    ]


def _copy(bundle: Bundle, source: Path) -> None:
    for name in bundle.manifest.files:
        shutil.copyfile(bundle.path(name), source / name)


def _recalibrated(manifest: Manifest) -> Manifest:
    """Return the manifest with the threshold for the number of people that it now names."""
    how = dict(manifest.calibration)
    if how["table"] and "LFW" in how["estimates"]:
        reached = calibration.similarity_at_rate(how["table"], how["false_accept_rate"], len(manifest.people))
        how["estimates"] = {**how["estimates"], "LFW": reached}
    return replace(manifest, calibration=how, threshold=calibration.threshold(how["estimates"]))


def _without(manifest: Manifest, name: str) -> Manifest:
    """Return the manifest without a person's name, in every place that has it."""
    training: dict[str, Any] = dict(manifest.training)
    others = {person: faces for person, faces in training["faces"].items() if normalised(person) != normalised(name)}
    training["faces"] = others
    rest = replace(
        manifest,
        labels=tuple(label for label in manifest.labels if label != name),
        enrolled=tuple(label for label in manifest.enrolled if label != name),
        training=training,
    )
    return _recalibrated(rest)
