"""A training run to a bundle: traces the network, checks the trace, gathers the gallery."""

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from model import bundle as bundles
from model.bundle import Bundle, Manifest
from model.errors import RunError
from model.faces import TRAIN, VALIDATION
from model.gallery import FALSE_REJECT_RATE, Gallery
from model.network import VisageNetwork, frozen
from model.train import METRICS, NETWORK, SAMPLES, Description
from preprocess import predictor_file

MAX_DIFFERENCE: Final = 1e-4
"""A trace further than this from the network it was made of is refused."""

_LIBRARIES: Final = ("torch", "numpy", "Pillow", "dlib-bin", "facenet-pytorch")


@dataclass(frozen=True, slots=True)
class Export:
    """A bundle, and the largest difference between its trace and the eager network on real chips."""

    bundle: Bundle
    difference: float


def export(
    run: Path, target: Path, *, false_reject_rate: float = FALSE_REJECT_RATE, replace_existing: bool = False
) -> Export:
    """Write the bundle `target` from a finished training run.

    Raises:
        RunError: the run is missing or unfinished, or the trace does not compute what the network does.
        BundleError: `target` holds something already.
    """
    bundles.check_target(target, replace_existing=replace_existing)
    description = Description.read(run)
    network, samples, metrics = _results(run, description)
    people, roles = np.array(description.people), np.array(description.roles)
    gallery = Gallery.of_means(samples["embeddings"][roles == TRAIN], people[roles == TRAIN])
    held_out = roles == VALIDATION
    manifest = Manifest(
        labels=description.labels,
        geometry=description.geometry,
        threshold=gallery.threshold(samples["embeddings"][held_out], people[held_out], false_reject_rate),
        metrics={name: metrics[name] for name in ("training", "validation")},
        training={
            "recipe": asdict(description.recipe),
            "pretrained": description.pretrained,
            "fingerprint": description.fingerprint,
            "faces": metrics["faces"],
            "false_reject_rate": false_reject_rate,
        },
        libraries={name: version(name) for name in _LIBRARIES},
        files={},
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".visage-", dir=target.parent) as folder:
        source = Path(folder) / "bundle"
        source.mkdir()
        difference = _trace(network, torch.from_numpy(samples["chips"]), source / bundles.MODEL)
        gallery.save(source / bundles.GALLERY)
        shutil.copyfile(predictor_file(), source / bundles.LANDMARKS)
        return Export(bundles.write(source, manifest, target, replace_existing=replace_existing), difference)


def _results(run: Path, description: Description) -> tuple[VisageNetwork, dict[str, Any], dict[str, Any]]:
    """Load what training left behind: the network, embeddings and chips, and the metrics."""
    if not (run / METRICS).exists():
        raise RunError(f"The training in {run} is not finished. Run `visage train` again; it goes on where it was.")
    recipe = description.recipe
    network = VisageNetwork(len(description.labels), recipe.fine_tuned_layers, recipe.input_size)
    network.load_state_dict(torch.load(run / NETWORK, map_location="cpu", weights_only=True))
    with np.load(run / SAMPLES, allow_pickle=False) as stored:
        samples = dict(stored)
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
