"""A training run to a bundle: traces the network, checks the trace, gathers the gallery."""

import json
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from scipy.special import softmax  # type: ignore[import-untyped]

from model import bundle as bundles
from model import calibration
from model.bundle import Bundle, Manifest
from model.calibration import FALSE_ACCEPT_RATE
from model.errors import RunError
from model.faces import TEST, TRAIN, VALIDATION
from model.gallery import FloatArray, Gallery, IntArray
from model.network import VisageNetwork, frozen
from model.train import METRICS, NETWORK, SAMPLES, Description
from preprocess import Geometry, predictor_file

MAX_DIFFERENCE: Final = 1e-4
"""A trace further than this from the network it was made of is refused."""

_LIBRARIES: Final = ("torch", "numpy", "Pillow", "dlib-bin", "facenet-pytorch")


@dataclass(frozen=True, slots=True)
class Export:
    """A bundle, and the largest difference between its trace and the eager network on real chips."""

    bundle: Bundle
    difference: float


def export(
    run: Path,
    target: Path,
    *,
    false_accept_rate: float = FALSE_ACCEPT_RATE,
    impostors: FloatArray | None = None,
    replace_existing: bool = False,
) -> Export:
    """Write the bundle `target` from a finished training run.

    Its threshold lets a share `false_accept_rate` of strangers pass: of `impostors`, the (M, 512) embeddings of
    strangers' faces, if there are enough of them, else of strangers measured before, see `calibration.estimates`.

    Raises:
        RunError: the run is missing or unfinished, or the trace does not compute what the network does.
        BundleError: `target` holds something already.
    """
    bundles.check_target(target, replace_existing=replace_existing)
    description = Description.read(run)
    network, samples, metrics = _results(run, description)
    faces = _Faces(samples["embeddings"], samples["logits"], np.array(description.people), np.array(description.roles))
    gallery = calibration.gallery_of(*faces.of(TRAIN)[:2])
    manifest = _manifest(description, metrics, gallery, faces, false_accept_rate, impostors)
    with bundles.workshop(target) as source:
        difference = _trace(network, torch.from_numpy(samples["chips"]), source / bundles.MODEL)
        gallery.save(source / bundles.GALLERY)
        shutil.copyfile(predictor_file(), source / bundles.LANDMARKS)
        return Export(bundles.write(source, manifest, target, replace_existing=replace_existing), difference)


@dataclass(frozen=True)
class _Faces:
    """The run's chips: (N, 512) embeddings, (N, C) logits, whose they are and what for."""

    embeddings: FloatArray
    logits: FloatArray
    people: IntArray
    roles: IntArray

    def of(self, role: int) -> tuple[FloatArray, IntArray, FloatArray]:
        """Return embeddings, people and logits of the faces that are for one purpose."""
        mine = self.roles == role
        return self.embeddings[mine], self.people[mine], self.logits[mine]


def _manifest(
    description: Description,
    metrics: dict[str, Any],
    gallery: Gallery,
    faces: _Faces,
    false_accept_rate: float,
    impostors: FloatArray | None,
) -> Manifest:
    """Calibrate on the faces that training did not learn from, and write down all that is known of the model."""
    table = None
    if description.geometry == Geometry(description.recipe.size):
        table = calibration.IMPOSTORS.get(description.pretrained["name"])
    found = calibration.estimates(
        false_accept_rate, gallery, faces.embeddings, faces.people, impostors=impostors, table=table
    )
    threshold = calibration.threshold(found)
    embeddings, people, logits = faces.of(VALIDATION)
    temperature = calibration.temperature(logits, people)
    similarities = gallery.similarities(embeddings, logits.shape[1])
    certainty = calibration.certainty(similarities, softmax(logits / temperature, axis=1), people, threshold)
    return Manifest(
        labels=description.labels,
        enrolled=(),
        geometry=description.geometry,
        threshold=threshold,
        certainty=certainty,
        temperature=temperature,
        calibration={"false_accept_rate": false_accept_rate, "estimates": found, "table": table},
        metrics={
            **{name: metrics[name] for name in ("training", "validation")},
            "held_out": _held_out(gallery, faces, threshold, certainty, temperature),
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


def _held_out(
    gallery: Gallery, faces: _Faces, threshold: float, certainty: float, temperature: float
) -> dict[str, Any] | None:
    """Return the figures of the faces kept for judging, or else of those that chose epoch and temperature."""
    embeddings, people, logits = faces.of(TEST if TEST in faces.roles else VALIDATION)
    probabilities = softmax(logits / temperature, axis=1)
    similarities = gallery.similarities(embeddings, logits.shape[1])
    return calibration.figures(similarities, probabilities, people, threshold, certainty)


def _results(run: Path, description: Description) -> tuple[VisageNetwork, dict[str, Any], dict[str, Any]]:
    """Load what training left behind: the network, embeddings and chips, and the metrics."""
    if not (run / METRICS).exists():
        raise RunError(f"The training in {run} is not finished. Run `visage train` again; it goes on where it was.")
    recipe = description.recipe
    network = VisageNetwork(len(description.labels), recipe.fine_tuned_layers, recipe.input_size)
    network.load_state_dict(torch.load(run / NETWORK, map_location="cpu", weights_only=True))
    with np.load(run / SAMPLES, allow_pickle=False) as stored:
        samples = dict(stored)
    if "logits" not in samples:
        raise RunError(f"The training in {run} is of an older version. Train again, with --restart.")
    return network.eval(), samples, json.loads((run / METRICS).read_text(encoding="utf-8"))


def _trace(network: VisageNetwork, chips: torch.Tensor, path: Path) -> float:
    """Trace, freeze, save; load the file again and return its largest difference from `network` on `chips`."""
    with torch.inference_mode():
        expected = network(chips)
    torch.jit.save(frozen(network, chips[:1]), path)
    loaded = torch.jit.load(path)  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        found = loaded(chips)
    difference = max(float((a - b).abs().max()) for a, b in zip(expected, found, strict=True))
    if difference > MAX_DIFFERENCE:
        raise RunError(f"The trace differs from the network by {difference:.1e}; nothing was exported.")
    return difference
