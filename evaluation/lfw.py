"""Measures face verification on Labeled Faces in the Wild, by the protocol of its view 2.

G. B. Huang, M. Ramesh, T. Berg, E. Learned-Miller: "Labeled Faces in the Wild: A Database for Studying Face Recognition
in Unconstrained Environments", University of Massachusetts Amherst, report 07-49, 2007, "View 2".
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from dataset.progress import OnProgress
from evaluation.figures import Figures
from evaluation.lfw_faces import Subject, embed
from evaluation.lfw_pairs import LFW
from evaluation.plots import plot_roc
from evaluation.verification import Face, Verification, verify
from preprocess.files import sha256_of

ROC: Final = "roc.png"


@dataclass(frozen=True)
class Result(Figures):
    """The figures of one subject, and the options they were measured with."""

    FILE: ClassVar[str] = "lfw.json"

    subject: Subject
    faces: Mapping[str, Face]
    verification: Verification
    options: Mapping[str, bool]

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `lfw.json`."""
        return {
            **self.verification.to_dict(),
            "photos": len(self.faces),
            "photos_without_face": sum(not face.found for face in self.faces.values()),
            "options": {"flip": self.subject.flip, **self.options},
            "network": {"name": self.subject.name, "sha256": sha256_of(self.subject.embedder.file)},
            "geometry": asdict(self.subject.embedder.geometry),
        }

    def write(self, folder: Path) -> None:
        """Write the figures and the ROC curve into `folder`."""
        super().write(folder)
        plot_roc(*self.verification.roc(), folder / ROC)


def measure(
    lfw: LFW,
    subject: Subject,
    output: Path,
    workers: int,
    on_progress: OnProgress,
    *,
    subtract_mean: bool = False,
    crop_center: bool = False,
) -> Result:
    """Embed every photo and verify the pairs. A second call continues where an interrupted one stopped.

    Raises:
        DatasetError: a photo is damaged, or too few photos have a face.
        WorkerKilledError: a worker process was killed.
        OSError: the disk is full or read-only.
    """
    faces = embed(lfw, subject, output, workers, on_progress)
    verification = verify(lfw.pairs, faces, subtract_mean=subtract_mean, crop_center=crop_center)
    return Result(subject, faces, verification, {"subtract_mean": subtract_mean, "crop_center": crop_center})
