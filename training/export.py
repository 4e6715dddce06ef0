"""A training run to a bundle: writes the network, checks it for each engine, calibrates, and makes the galleries."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import torch

from dataset.centerface import network as network_of_detector
from model import bundle as bundles
from model.bundle import Bundle, Manifest, Numbers
from model.cohort import Cohort, FloatArray, normalised
from model.engines import FLOAT32, ONNX, TorchScript, fusion
from model.gallery import Gallery
from model.known import naming_logits, naming_probabilities
from model.prototypes import IntArray
from model.settings import cores
from preprocess.align import predictor_file
from preprocess.files import DAMAGED_ARRAYS, sha256_of
from training import calibration
from training.cohorts import cohort_of
from training.errors import RunError
from training.faces import TEST, TRAIN, VALIDATION
from training.loop import OUTPUTS
from training.network import VisageNetwork, frozen, save_frozen
from training.onnx_network import MIN_COSINE
from training.pretrained import UNREADABLE
from training.recipe import FALSE_ACCEPT_RATE
from training.run import NETWORK, SAMPLES, Description, finished

MAX_DIFFERENCE: Final = 5e-3
"""Largest accepted difference between TorchScript's network and the trained one, as a share of the largest value. With
weights in float16 it is about 1e-3."""

_LIBRARIES: Final = ("torch", "onnxruntime", "numpy", "Pillow", "dlib-bin", "facenet-pytorch")


@dataclass(frozen=True, slots=True)
class Export:
    """A bundle, and the largest difference between TorchScript's output and the trained network's on real chips."""

    bundle: Bundle
    difference: float


def export(
    run: Path,
    target: Path,
    *,
    false_accept_rate: float = FALSE_ACCEPT_RATE,
    cohort: Cohort | None = None,
    impostors: FloatArray | None = None,
    earlier: Mapping[str, Any] | None = None,
    replace_existing: bool = False,
) -> Export:
    """Write the bundle `target` from a finished training run.

    Its threshold accepts a share `false_accept_rate` of strangers: of `impostors`, the (M, 512) embeddings of their
    faces, if there are enough of them, else of those that `cohort` stands for. By default it is the one that comes with
    Visage for these weights, if there is one. `earlier` is the calibration of an earlier bundle, whose threshold
    impostors may have determined. See `calibration.threshold`.

    Raises:
        RunError: the run is missing, unfinished or damaged, or a written network computes something else.
        BundleError: `target` holds something already.
    """
    bundles.check_target(target, replace_existing=replace_existing)
    description, metrics = finished(run)
    network, samples = _results(run, description)
    if cohort is None:
        cohort = cohort_of(description.pretrained, description.geometry) or Cohort.unmeasured()
    measured = partial(_measure, cohort=cohort, rate=false_accept_rate, impostors=impostors, earlier=earlier)
    gallery, numbers = measured(_Faces.of_samples(samples, description), FLOAT32)
    onnx_gallery, onnx_numbers = measured(
        _Faces.of_samples(samples, description, "onnx_"), str(samples["onnx_precision"])
    )
    manifest = _manifest(description, metrics, numbers, {ONNX.name: onnx_numbers}, false_accept_rate)
    with bundles.temporary_bundle(target) as source:
        for name in ONNX.files:
            shutil.copyfile(run / name, source / name)
        difference = _write(network, samples, source)
        gallery.save(source / bundles.GALLERY)
        onnx_gallery.save(source / bundles.ONNX_GALLERY)
        cohort.save(source / bundles.COHORT)
        (source / bundles.DETECTOR).write_bytes(network_of_detector())
        shutil.copyfile(predictor_file(), source / bundles.LANDMARKS)
        return Export(bundles.write(source, manifest, target, replace_existing=replace_existing), difference)


@dataclass(frozen=True)
class _Faces:
    """The run's N chips: (N, 512) embeddings, (N, C) logits, and (N,) people and roles.

    `prototypes` (N, 512) are the embeddings with those of the mirrored chips added.
    """

    embeddings: FloatArray
    prototypes: FloatArray
    logits: FloatArray
    people: IntArray
    roles: IntArray

    @classmethod
    def of_samples(cls, samples: Mapping[str, Any], description: Description, network: str = "") -> Self:
        """Return the faces as a network has seen them: `network` is what its values' names begin with."""
        embeddings, mirrored, logits = (samples[network + name] for name in OUTPUTS)
        prototypes = normalised(embeddings + mirrored)
        return cls(embeddings, prototypes, logits, np.array(description.people), np.array(description.roles))

    def of(self, role: int) -> tuple[FloatArray, IntArray, FloatArray]:
        """Return embeddings, people and logits of the faces of one role."""
        mine = self.roles == role
        return self.embeddings[mine], self.people[mine], self.logits[mine]


def _measure(
    faces: _Faces,
    precision: str,
    *,
    cohort: Cohort,
    rate: float,
    impostors: FloatArray | None,
    earlier: Mapping[str, Any] | None,
) -> tuple[Gallery, Numbers]:
    """Return the gallery of a network, and its numbers: calibrated on the faces that were kept from training."""
    trained = faces.roles == TRAIN
    gallery = calibration.gallery_of(faces.prototypes[trained], faces.people[trained], cohort)
    threshold = calibration.threshold(gallery, rate, impostors=impostors, earlier=earlier)
    embeddings, people, logits = faces.of(VALIDATION)
    temperature = calibration.temperature(naming_logits(logits, gallery.compare(embeddings).scores), people)
    held_out = _held_out(gallery, faces, threshold.value, temperature)
    return gallery, Numbers(precision, threshold.value, temperature, threshold.to_dict(rate), held_out)


def _manifest(
    description: Description,
    metrics: dict[str, Any],
    numbers: Numbers,
    engines: Mapping[str, Numbers],
    false_accept_rate: float,
) -> Manifest:
    """Collect all that a manifest says."""
    return Manifest(
        labels=description.labels,
        geometry=description.geometry,
        threshold=numbers.threshold,
        temperature=numbers.temperature,
        calibration=numbers.calibration,
        metrics={
            **{name: metrics[name] for name in ("training", "validation")},
            "held_out": numbers.held_out,
            "false_accept_rate": false_accept_rate,
        },
        training={
            "recipe": asdict(description.recipe),
            "pretrained": description.pretrained,
            "fingerprint": description.fingerprint,
            "faces": metrics["faces"],
        },
        libraries={name: version(name) for name in _LIBRARIES},
        files={},
        engines=engines,
    )


def _held_out(gallery: Gallery, faces: _Faces, threshold: float, temperature: float) -> dict[str, Any] | None:
    """Return the figures of the test faces, or of the validation faces where there are no test faces."""
    embeddings, people, logits = faces.of(TEST if TEST in faces.roles else VALIDATION)
    compared = gallery.compare(embeddings)
    probabilities = naming_probabilities(logits, compared, temperature)
    return calibration.figures(compared.scores, probabilities, people, threshold)


def _results(run: Path, description: Description) -> tuple[VisageNetwork, dict[str, Any]]:
    """Load the results of a training: the network, and embeddings and chips."""
    recipe = description.recipe
    network = VisageNetwork(len(description.labels), recipe.fine_tuned_layers, recipe.input_size)
    try:
        network.load_state_dict(torch.load(run / NETWORK, map_location="cpu", weights_only=True))
        # Given a path, numpy leaves the file of a torn archive open.
        with (run / SAMPLES).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            samples = dict(stored)
        checksums = [sha256_of(run / name) for name in ONNX.files] if "onnx_files" in samples else []
    except PermissionError:
        raise
    except (*UNREADABLE, *DAMAGED_ARRAYS) as error:
        raise RunError(f"The training in {run} is damaged. Train again, with --restart.") from error
    if not samples.keys() >= {*OUTPUTS, *(f"onnx_{name}" for name in (*OUTPUTS, "precision", "files")), "chips"}:
        raise RunError(f"The training in {run} is of an older version. Train again, with --restart.")
    if samples["onnx_files"].tolist() != checksums:
        raise RunError(f"The training in {run} is damaged. Train again, with --restart.")
    return network.eval(), samples


def _write(network: VisageNetwork, samples: Mapping[str, Any], folder: Path) -> float:
    """Write the network for TorchScript beside that for ONNX Runtime, and compare both on the samples' chips.

    Return the largest difference of TorchScript's output.
    """
    chips = torch.from_numpy(samples["chips"])
    with torch.inference_mode():
        expected = [values.numpy() for values in network(chips)]
    save_frozen(_trace(network, chips[:1]), folder / bundles.MODEL)
    pairs = zip(expected, TorchScript(folder, cores()).run(samples["chips"]), strict=True)
    difference = max(float(abs(a - b).max() / abs(a).max()) for a, b in pairs)
    if difference > MAX_DIFFERENCE:
        raise RunError(f"The network for TorchScript differs by {difference:.1e}; nothing was exported.")
    embeddings, _ = ONNX(folder, cores()).run(samples["chips"])
    cosine = float((expected[0] * embeddings).sum(axis=1).mean())
    if cosine < MIN_COSINE:
        raise RunError(f"The network for ONNX Runtime has a cosine of {cosine:.3f} only; nothing was exported.")
    return difference


def _trace(network: VisageNetwork, example: torch.Tensor) -> torch.jit.ScriptModule:
    """Return the frozen trace with its weights as float16; as float32 if this version of torch cannot do that."""
    trace = frozen(network, example)
    try:
        fusion.halve(trace)
    except fusion.FAILURES as error:
        fusion.log_slower("storing its weights as float16", error)
        return frozen(network, example)  # the first may be half changed
    return trace
