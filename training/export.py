"""A training run to a bundle: writes the network for each engine, checks it, calibrates, and makes the gallery."""

import shutil
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import onnx
import torch

from dataset.centerface import network as network_of_detector
from model import bundle as bundles
from model.bundle import Bundle, Manifest
from model.cohort import Cohort, normalised
from model.engines import ENGINES, fusion
from model.gallery import FloatArray, Gallery, IntArray
from model.recognizer import naming_logits, naming_probabilities
from model.settings import cores
from preprocess.align import predictor_file
from preprocess.runtime import onnxruntime
from training import calibration
from training.calibration import Threshold
from training.cohorts import cohort_of
from training.errors import RunError
from training.faces import TEST, TRAIN, VALIDATION
from training.network import VisageNetwork, frozen, save_frozen, without_interpolation
from training.pretrained import UNREADABLE
from training.recipe import FALSE_ACCEPT_RATE
from training.run import NETWORK, SAMPLES, Description, finished

MAX_DIFFERENCE: Final = 5e-3
"""Largest accepted difference between a written network and the trained one, as a share of the largest value. With
weights in float16 it is about 1e-3."""

_OPSET: Final = 17

_LIBRARIES: Final = ("torch", "onnxruntime", "numpy", "Pillow", "dlib-bin", "facenet-pytorch")


@dataclass(frozen=True, slots=True)
class Export:
    """A bundle, and the largest difference between an engine's output and the trained network's on real chips."""

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
    faces = _Faces(
        samples["embeddings"],
        normalised(samples["embeddings"] + samples["mirrored"]),
        samples["logits"],
        np.array(description.people),
        np.array(description.roles),
    )
    if cohort is None:
        cohort = cohort_of(description.pretrained, description.geometry) or Cohort.unmeasured()
    trained = faces.roles == TRAIN
    gallery = calibration.gallery_of(faces.prototypes[trained], faces.people[trained], cohort)
    threshold = calibration.threshold(gallery, false_accept_rate, impostors=impostors, earlier=earlier)
    manifest = _manifest(description, metrics, gallery, faces, false_accept_rate, threshold)
    with bundles.temporary_bundle(target) as source:
        difference = _write(network, torch.from_numpy(samples["chips"]), source)
        gallery.save(source / bundles.GALLERY)
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

    def of(self, role: int) -> tuple[FloatArray, IntArray, FloatArray]:
        """Return embeddings, people and logits of the faces of one role."""
        mine = self.roles == role
        return self.embeddings[mine], self.people[mine], self.logits[mine]


def _manifest(
    description: Description,
    metrics: dict[str, Any],
    gallery: Gallery,
    faces: _Faces,
    false_accept_rate: float,
    threshold: Threshold,
) -> Manifest:
    """Calibrate on the faces that were kept from training, and collect all that a manifest says."""
    embeddings, people, logits = faces.of(VALIDATION)
    temperature = calibration.temperature(naming_logits(logits, gallery.compare(embeddings).scores), people)
    return Manifest(
        labels=description.labels,
        enrolled=(),
        geometry=description.geometry,
        threshold=threshold.value,
        temperature=temperature,
        calibration=threshold.to_dict(false_accept_rate),
        metrics={
            **{name: metrics[name] for name in ("training", "validation")},
            "held_out": _held_out(gallery, faces, threshold.value, temperature),
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
    except (*UNREADABLE, FileNotFoundError, BadZipFile, TypeError) as error:
        raise RunError(f"The training in {run} is damaged. Train again, with --restart.") from error
    if not samples.keys() >= {"embeddings", "mirrored", "logits", "chips"}:
        raise RunError(f"The training in {run} is of an older version. Train again, with --restart.")
    return network.eval(), samples


def _write(network: VisageNetwork, chips: torch.Tensor, folder: Path) -> float:
    """Write the network for each engine; return the largest difference of an engine's output on `chips`."""
    with torch.inference_mode():
        expected = [values.numpy() for values in network(chips)]
    _write_onnx(network, chips[:1], folder)
    save_frozen(_trace(network, chips[:1]), folder / bundles.MODEL)
    differences = {}
    for name, engine in ENGINES.items():
        found = engine(folder, cores()).run(chips.numpy())
        pairs = zip(expected, found, strict=True)
        differences[name] = max(float(abs(a - b).max() / abs(a).max()) for a, b in pairs)
    worst = max(differences, key=differences.__getitem__)
    if differences[worst] > MAX_DIFFERENCE:
        raise RunError(f"The network for {worst} differs by {differences[worst]:.1e}; nothing was exported.")
    return differences[worst]


def _trace(network: VisageNetwork, example: torch.Tensor) -> torch.jit.ScriptModule:
    """Return the frozen trace with its weights as float16; as float32 if this version of torch cannot do that."""
    trace = frozen(network, example)
    try:
        fusion.halve(trace)
    except fusion.FAILURES as error:
        fusion.log_slower("storing its weights as float16", error)
        return frozen(network, example)  # the first may be half changed
    return trace


def _write_onnx(network: VisageNetwork, example: torch.Tensor, folder: Path) -> None:
    """Write the network as ONNX, with constants folded by ONNX Runtime and weights in a separate file.

    With both, a session starts in 0.15 s instead of 0.32 s. Only optimizations that work on every processor are used.
    """
    with tempfile.NamedTemporaryFile(dir=folder.parent, suffix=".onnx") as file:
        trace_onnx(without_interpolation(network, example.shape[1]), example, file.name, ["embeddings", "logits"])
        optimize_onnx(file.name, folder)
    _halve_onnx(folder)


def trace_onnx(network: torch.nn.Module, example: torch.Tensor, file: str, outputs: list[str]) -> None:
    """Write a network as one ONNX file by torch's exporter, whose deprecation does not concern the user."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*legacy TorchScript-based ONNX export", category=DeprecationWarning)
        warnings.filterwarnings("ignore", module=r"torch\.onnx\.", category=DeprecationWarning)
        torch.onnx.export(
            network,
            (example,),
            file,
            dynamo=False,
            opset_version=_OPSET,
            input_names=["chips"],
            output_names=outputs,
            dynamic_axes={name: {0: "count"} for name in ("chips", *outputs)},
        )


def optimize_onnx(file: str, folder: Path) -> None:
    """Write the network in `file` into `folder` after ONNX Runtime has folded its constants."""
    library = onnxruntime()
    options = library.SessionOptions()
    options.graph_optimization_level = library.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folder / bundles.ONNX)
    options.add_session_config_entry("session.optimized_model_external_initializers_file_name", bundles.ONNX_WEIGHTS)
    library.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def save_onnx(network: onnx.ModelProto, folder: Path) -> None:
    """Write a network and its weights over those in `folder`."""
    weights = folder / bundles.ONNX_WEIGHTS
    weights.unlink()  # onnx would append to it
    onnx.save(network, folder / bundles.ONNX, save_as_external_data=True, location=bundles.ONNX_WEIGHTS)
    weights.chmod((folder / bundles.ONNX).stat().st_mode)


def _halve_onnx(folder: Path) -> None:
    """Store the convolutions' weights in float16; ONNX Runtime converts them to float32 when it loads them."""
    network = onnx.load(folder / bundles.ONNX)
    weights = {tensor.name: tensor for tensor in network.graph.initializer}
    for node in [node for node in network.graph.node if node.op_type == "Conv"]:
        name = node.input[1]
        half = onnx.numpy_helper.to_array(weights[name]).astype(np.float16)
        weights[name].CopyFrom(onnx.numpy_helper.from_array(half, f"{name}.half"))
        cast = onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT)
        network.graph.node.insert(0, cast)
    save_onnx(network, folder)
