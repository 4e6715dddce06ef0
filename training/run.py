"""The folder of a training run: its files, its description, and which training may write to it.

| file | content |
| --- | --- |
| `run.json` | what is trained: recipe, labels, pretrained weights, the data's fingerprint, copies, each face's role |
| `activations.npy`, `activations.count` | the frozen layers' output for every chip; removed when training is done |
| `checkpoint.pt` | the state of the training after the last epoch that is complete |
| `network.pt` | the network of the best epoch, once training is done |
| `model.onnx`, `model.onnx.data` | the same network for the second engine, see `training.onnx_network` |
| `samples.npz` | every chip's embedding and logits by either, and a few chips, for export |
| `metrics.json` | loss and accuracy of every epoch and of the result; its presence marks the run as finished |
| `curves.png` | drawn from `metrics.json` by `visage train` |
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from dataset.tally import count_copies
from model.engines import ONNX
from preprocess.files import read_json
from preprocess.geometry import Geometry
from preprocess.names import is_visible, normalised
from training.errors import RunError
from training.recipe import Recipe

RUN: Final = "run.json"
ACTIVATIONS: Final = "activations.npy"
CHECKPOINT: Final = "checkpoint.pt"
NETWORK: Final = "network.pt"
SAMPLES: Final = "samples.npz"
METRICS: Final = "metrics.json"
CURVES: Final = "curves.png"

_FILES: Final = frozenset(
    {RUN, ACTIVATIONS, "activations.count", CHECKPOINT, NETWORK, *ONNX.files, SAMPLES, METRICS, CURVES}
)


@dataclass(frozen=True)
class Description:
    """The content of `run.json`. Two runs with the same description are the same training.

    Faces with the same number in `copies` are from copies of one picture, see `AlignedFaces.copies`. It is empty in a
    run of an older version, which did not look for copies.
    """

    recipe: Recipe
    labels: tuple[str, ...]
    pretrained: Mapping[str, str]
    fingerprint: str
    geometry: Geometry
    chips: tuple[str, ...]
    people: tuple[int, ...]
    roles: tuple[int, ...]
    copies: tuple[int, ...] = ()

    def copy_counts(self) -> dict[str, int] | None:
        """Return how many faces are from copies, see `tally.count_copies`; None if nobody looked for them."""
        return count_copies(self.copies) if self.copies else None

    def to_json(self) -> str:
        """Return the text of `run.json`."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, run: Path) -> Self:
        """Read a run's description.

        Raises:
            RunError: the folder holds no training run.
        """
        try:
            fields = {"copies": ()} | read_json(run / RUN)
            fields |= {name: tuple(fields[name]) for name in ("chips", "people", "roles", "copies")}
            fields["labels"] = tuple(map(normalised, fields["labels"]))  # older versions kept the folder's spelling
            recipe, geometry = Recipe.from_dict(fields["recipe"]), Geometry(**fields["geometry"])
            return cls(**fields | {"recipe": recipe, "geometry": geometry})
        except FileNotFoundError as error:
            raise RunError(f"No training run at {run}. Run `visage train ALIGNED {run}` first.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"{run / RUN} is damaged, or of an older version. Train into another folder, or start afresh with "
                "--restart."
            ) from error


def discard(run: Path) -> None:
    """Delete the files of a run; its folder stays, and so does a folder that holds no run.

    Raises:
        RunError: the folder also holds files that no training wrote; nothing was deleted.
    """
    check_discard(run)
    # The description is deleted last, so that an interrupted call can be repeated.
    ours = filter(_is_ours, run.iterdir()) if (run / RUN).exists() else ()
    for path in sorted(ours, key=lambda path: path.name == RUN):
        path.unlink()


def check_discard(run: Path) -> None:
    """Check that `discard` will delete the files of a run, if there is one.

    Raises:
        RunError: the folder also holds files that no training wrote.
    """
    foreign = foreign_files(run) if (run / RUN).exists() else []
    if foreign:
        others = f" and {len(foreign) - 1} more" if foreign[1:] else ""
        raise RunError(
            f"{run} also holds {foreign[0]}{others}, which no training wrote; nothing was deleted. Move what you need "
            "elsewhere, or train into another folder."
        )


def finished(run: Path) -> tuple[Description, dict[str, Any]]:
    """Return the description and the metrics of a finished run.

    Raises:
        RunError: the run is missing, unfinished or damaged.
    """
    description, metrics = Description.read(run), read_metrics(run)
    if metrics is None:
        raise RunError(f"The training in {run} is not finished. Run `visage train` again; it continues.")
    return description, metrics


def read_metrics(run: Path) -> dict[str, Any] | None:
    """Return the content of `metrics.json`; None where the training is not finished.

    Raises:
        RunError: the file is damaged.
    """
    if not (run / METRICS).exists():
        return None
    try:
        metrics = read_json(run / METRICS)
        faces = {normalised(name): count for name, count in metrics["faces"].items()}
        return {**metrics, **{name: metrics[name] for name in ("training", "validation", "epochs")}, "faces": faces}
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise RunError(f"{run / METRICS} is damaged. Delete it and run `visage train` again.") from error


def foreign_files(run: Path) -> list[str]:
    """Return the sorted names of the user's own files in the folder of a run."""
    return sorted(path.name for path in run.iterdir() if not _is_ours(path) and is_visible(path.name))


def _is_ours(path: Path) -> bool:
    """Whether a training wrote this file, completely or in part."""
    return path.name.removesuffix(".part") in _FILES and not path.is_dir()
