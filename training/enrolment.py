"""People added to a bundle from a few photos each, by embedding alone, and people taken out of one."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from dataset.prepare import KeptFace
from model import bundle as bundles
from model.bundle import Bundle, Manifest
from model.errors import BundleError
from model.gallery import FloatArray, Gallery
from training import calibration
from training.export import save_onnx

ALIKE = 0.7
"""Similarity from which two people are likely to be taken for each other; photos of one person are about that alike."""


def embeddings_of(kept: Sequence[KeptFace]) -> dict[str, FloatArray]:
    """Return the (K, 512) embeddings of each person's kept faces."""
    people: dict[str, list[FloatArray]] = {}
    for face in kept:
        people.setdefault(face.person, []).append(face.face.vector())
    return {name: np.stack(rows) for name, rows in people.items()}


def enroll(
    bundle: Bundle, people: Mapping[str, FloatArray], target: Path, *, replace_existing: bool = False
) -> tuple[Bundle, list[str]]:
    """Write the bundle `target`: `bundle` and more people, each by the (K, 512) embeddings of their photos.

    Also return a sentence for each of them who looks like somebody the bundle knows.

    Raises:
        BundleError: a name is taken, or `target` holds something already.
    """
    manifest, gallery = bundle.manifest, Gallery.load(bundle.path(bundles.GALLERY))
    taken = sorted(set(people) & set(manifest.people))
    if taken:
        names = " and ".join(f'"{name}"' for name in taken)
        raise BundleError(f"The bundle knows {names} already. Rename the folder, or `visage forget` the old one first.")
    remarks = []
    for name, embeddings in people.items():
        remarks += _lookalikes(name, embeddings, manifest, gallery)
        gallery = gallery.joined_by(calibration.prototypes_of(embeddings), len(manifest.people))
        manifest = replace(manifest, enrolled=(*manifest.enrolled, name))
    with bundles.temporary_bundle(target) as source:
        _copy(bundle, source)
        gallery.save(source / bundles.GALLERY)
        return bundles.write(source, _recalibrated(manifest), target, replace_existing=replace_existing), remarks


def forget(bundle: Bundle, name: str, target: Path, *, replace_existing: bool = False) -> Bundle:
    """Write the bundle `target`: `bundle` without a person, their prototypes, and what the network has of their name.

    Raises:
        BundleError: the bundle does not know them, or knows by training nobody else; or `target` holds something.
    """
    manifest = bundle.manifest
    if name not in manifest.people:
        raise BundleError(f'The bundle knows nobody called "{name}". It knows {", ".join(manifest.people)}.')
    if manifest.labels == (name,):
        raise BundleError(f'"{name}" is the last person that the network was trained on. Train with others instead.')
    person = manifest.people.index(name)
    with bundles.temporary_bundle(target) as source:
        _copy(bundle, source)
        Gallery.load(bundle.path(bundles.GALLERY)).without(person).save(source / bundles.GALLERY)
        if name in manifest.labels:
            _drop_class(source, person)
        return bundles.write(source, _without(manifest, name), target, replace_existing=replace_existing)


def _lookalikes(name: str, embeddings: FloatArray, manifest: Manifest, gallery: Gallery) -> list[str]:
    alike = gallery.similarities(embeddings, len(manifest.people)).mean(axis=0)
    return [
        f'"{name}" looks like "{other}" (alike {value:.2f}); they may be taken for each other.'
        for other, value in zip(manifest.people, alike, strict=True)
        if value >= ALIKE
    ]


def _copy(bundle: Bundle, source: Path) -> None:
    for name in bundle.manifest.files:
        shutil.copyfile(bundle.path(name), source / name)


def _recalibrated(manifest: Manifest) -> Manifest:
    """Return the manifest with the threshold for as many people as it names now."""
    how = dict(manifest.calibration)
    if how["table"] and "LFW" in how["estimates"]:
        reached = calibration.similarity_at_rate(how["table"], how["false_accept_rate"], len(manifest.people))
        how["estimates"] = {**how["estimates"], "LFW": reached}
    return replace(manifest, calibration=how, threshold=calibration.threshold(how["estimates"]))


def _without(manifest: Manifest, name: str) -> Manifest:
    """Return the manifest with no trace of a name."""
    training: dict[str, Any] = dict(manifest.training)
    training["faces"] = {person: faces for person, faces in training["faces"].items() if person != name}
    rest = replace(
        manifest,
        labels=tuple(label for label in manifest.labels if label != name),
        enrolled=tuple(label for label in manifest.enrolled if label != name),
        training=training,
    )
    return _recalibrated(rest)


def _drop_class(folder: Path, index: int) -> None:
    """Remove a class from the last layer of either engine's network: its row of weights, its bias, and so its logit."""
    _drop_from_trace(folder / bundles.MODEL, index)
    _drop_from_onnx(folder, index)


def _drop_from_trace(model: Path, index: int) -> None:
    """Do so in a frozen trace."""
    network = torch.jit.load(model, map_location="cpu")  # type: ignore[no-untyped-call]
    _, logits = next(iter(network.graph.outputs())).node().inputs()
    for constant in list(logits.node().inputs())[1:]:
        rows = constant.toIValue()
        kept = torch.cat([rows[:index], rows[index + 1 :]])
        constant.node().t_("value", kept)
        constant.setType(torch._C.TensorType.get())  # noqa: SLF001  the shape that was traced no longer holds
    logits.setType(torch._C.TensorType.get())  # noqa: SLF001
    torch.jit.save(network, model)


def _drop_from_onnx(folder: Path, index: int) -> None:
    """Do so in ONNX, where the last layer is a Gemm of a transposed matrix and a bias."""
    network = onnx.load(folder / bundles.ONNX)
    (layer,) = (node for node in network.graph.node if "logits" in node.output)
    weights = {tensor.name: tensor for tensor in network.graph.initializer}
    for name in layer.input[1:]:
        kept = np.delete(onnx.numpy_helper.to_array(weights[name]), index, axis=0)
        weights[name].CopyFrom(onnx.numpy_helper.from_array(kept, name))
    classes = network.graph.output[1].type.tensor_type.shape.dim[1]
    classes.dim_value -= 1
    save_onnx(network, folder)
