"""The manifest: the file that describes a bundle, and the names of the other files.

| file | content |
| --- | --- |
| `manifest.json` | describes the bundle; holds the size and SHA-256 of every other file |
| `model.pt` | TorchScript: (N, S, S, 3) uint8 RGB chips to (N, 512) unit-length embeddings and (N, C) logits; the
               weights of its convolutions are stored as float16, and it computes in float32 |
| `model.onnx`, `model.onnx.data` | the same as ONNX, and its weights, which are mapped into memory rather than parsed;
               it computes in whole numbers of eight bits, or in float32 where these differ too much |
| `gallery.npz` | prototypes: `embeddings` (P, 512) float32 of unit length, and `people` (P,): the person of each, as an
                  index into the labels; and what their scores need, see `model.gallery` |
| `gallery.onnx.npz` | the same by the network in ONNX, whose embeddings differ a little |
| `cohort.npz` | what strangers' embeddings are like, in numbers that are nobody's face, see `model.cohort` |
| `detector.onnx` | CenterFace, which finds faces: see `preprocess.centerface` |
| `landmarks.dat` | dlib's five-point shape predictor, which aligns them |
"""

import hashlib
import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Self

from model.errors import BundleError
from model.storage import FileEntry
from preprocess.geometry import PHOTO_CHIP, Geometry

FORMAT: Final = 5
MANIFEST: Final = "manifest.json"
MODEL: Final = "model.pt"
ONNX: Final = "model.onnx"
ONNX_WEIGHTS: Final = "model.onnx.data"
GALLERY: Final = "gallery.npz"
ONNX_GALLERY: Final = "gallery.onnx.npz"
COHORT: Final = "cohort.npz"
DETECTOR: Final = "detector.onnx"
LANDMARKS: Final = "landmarks.dat"

FILES: Final = frozenset({MODEL, ONNX, ONNX_WEIGHTS, GALLERY, ONNX_GALLERY, COHORT, DETECTOR, LANDMARKS})
"""Every file that a manifest may name."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the answers of an engine depend on, measured with its own embeddings and logits.

    `precision` is the number format of its network in the bundle; the others are as in a Manifest, and `held_out` as
    there in `metrics`.
    """

    precision: str
    threshold: float
    temperature: float
    calibration: Mapping[str, Any]
    held_out: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description of a bundle.

    `labels` are the people whom the network was trained to name, in the order of its logits. People who are enrolled
    are on a roster, see `model.roster`. A face counts as known from the score `threshold` on. Logits are divided by
    `temperature`. `calibration` says how these two were found. They hold for the default engine; `engines` has those of
    an engine whose network computes something else, by its name, see `of_engine`. `version` is a digest of everything
    else, so that two different bundles never have the same version.
    """

    labels: tuple[str, ...]
    geometry: Geometry
    threshold: float
    temperature: float
    calibration: Mapping[str, Any]
    metrics: Mapping[str, Any]
    training: Mapping[str, Any]
    libraries: Mapping[str, str]
    files: Mapping[str, FileEntry]
    engines: Mapping[str, Numbers] = field(default_factory=dict)
    format: int = FORMAT
    version: str = ""

    def of_engine(self, name: str) -> Self:
        """Return the manifest with the numbers of an engine in place of those of the default engine."""
        if name not in self.engines:
            return self
        own = self.engines[name]
        return replace(
            self,
            threshold=own.threshold,
            temperature=own.temperature,
            calibration=own.calibration,
            metrics={**self.metrics, "held_out": own.held_out},
        )

    def entries(self, names: Collection[str] | None = None) -> Mapping[str, FileEntry]:
        """Return the entries of the files called `names`, by default of all files.

        Raises:
            BundleError: the bundle has no such file.
        """
        missing = set(names or ()) - set(self.files)
        if missing:
            raise BundleError(f"The bundle has no {min(missing)}: it is older than this version. Export its run again.")
        return self.files if names is None else {name: self.files[name] for name in names}

    def sealed(self) -> Self:
        """Return the manifest with the version that its content gives it: twelve hexadecimal digits."""
        content = json.dumps(asdict(replace(self, version="")), sort_keys=True, ensure_ascii=False)
        return replace(self, version=hashlib.sha256(content.encode()).hexdigest()[:12])

    def to_json(self) -> str:
        """Return the text of `manifest.json`."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read `manifest.json`.

        Raises:
            BundleError: it is damaged, altered or of another format.
        """
        try:
            fields = json.loads(text)
            _check_format(fields["format"])
            files = {known_name(name): _entry(entry) for name, entry in fields["files"].items()}
            fields |= {"labels": tuple(fields["labels"])}
            engines = {name: Numbers(**numbers) for name, numbers in fields["engines"].items()}
            manifest = cls(**fields | {"geometry": Geometry(**fields["geometry"]), "files": files, "engines": engines})
            if manifest.version != manifest.sealed().version:
                raise BundleError("The bundle's manifest was altered: its version does not fit its content.")
            _check_values(manifest)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BundleError("The bundle's manifest is damaged. Export or publish it again.") from error
        return manifest


def _check_format(found: object) -> None:
    """Check that a manifest has the format that this version reads.

    Raises:
        BundleError: it has an older or a newer one.
        TypeError: it is not a number.
    """
    if type(found) is not int:
        raise TypeError(found)
    if found != FORMAT:
        advice = "Update Visage." if found > FORMAT else "Export its run again: `visage export RUN BUNDLE`."
        raise BundleError(f"The bundle has format {found}; this version reads {FORMAT}. {advice}")


def known_name(name: str) -> str:
    """Return `name` if a bundle may have a file of this name; any other name could point outside of its folder.

    Raises:
        BundleError: bundles have no such file.
    """
    if name not in FILES:
        raise BundleError(f"The bundle's manifest names a file that bundles do not have: {name!r}.")
    return name


def _entry(fields: Mapping[str, Any]) -> FileEntry:
    """Return the entry of a file.

    Raises:
        ValueError: no file can have this size or checksum.
    """
    entry = FileEntry(**fields)
    if type(entry.size) is not int or entry.size < 0:
        raise ValueError("size")
    if not isinstance(entry.sha256, str) or not re.fullmatch("[0-9a-f]{64}", entry.sha256):
        raise ValueError("sha256")
    return entry


def _check_values(manifest: Manifest) -> None:
    """Check that every field has a value that serving can work with.

    Raises:
        ValueError: a field has not.
    """
    geometry = manifest.geometry
    right = {
        "people": all(isinstance(label, str) and label for label in manifest.labels),
        "size": type(geometry.size) is int and 0 < geometry.size <= PHOTO_CHIP.size,
        "padding": _is_number(geometry.padding) and geometry.padding >= 0,
        "stretch": _is_number(geometry.stretch) and geometry.stretch > 0,
        "objects": all(isinstance(value, dict) for value in (manifest.metrics, manifest.training, manifest.libraries)),
        "numbers": _are_usable(manifest) and all(map(_are_usable, manifest.engines.values())),
        "precisions": all(isinstance(numbers.precision, str) for numbers in manifest.engines.values()),
    }
    wrong = [name for name, is_right in right.items() if not is_right]
    if wrong:
        raise ValueError(wrong)


def _are_usable(numbers: Manifest | Numbers) -> bool:
    """Whether a threshold, a temperature and their calibration are what serving can work with."""
    return (
        _is_number(numbers.threshold)
        and _is_number(numbers.temperature)
        and numbers.temperature > 0
        and isinstance(numbers.calibration, dict)
    )


def _is_number(value: object) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))
