"""The owner's decisions on photos and faces, remembered from call to call."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from dataset.candidates import Candidates
from dataset.errors import PrepareError
from dataset.words import counted
from preprocess.detect import Box, overlap
from preprocess.files import read_json, write_text
from preprocess.names import normalised, same

SAME_FACE: Final = 0.5
"""Intersection over union from which two boxes are one face: PASCAL VOC's criterion
(M. Everingham et al., "The PASCAL Visual Object Classes Challenge", IJCV 2010)."""

Rectangle = tuple[int, int, int, int]
"""Left, top, width and height in pixels of the upright photo."""


@dataclass
class Overrides:
    """Photos, by name in NFC, that the owner decided to keep or to drop, and faces that are the person's.

    A face is remembered by where it is in the photo: its number may change with the software that finds faces.
    """

    keep: set[str] = field(default_factory=set)
    drop: set[str] = field(default_factory=set)
    faces: dict[str, Rectangle] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the decisions of earlier calls.

        Raises:
            PrepareError: the file is damaged.
        """
        if not path.exists():
            return cls()
        try:
            return cls.from_dict(**read_json(path))
        except (ValueError, TypeError, AttributeError) as error:
            raise PrepareError(f"{path} is damaged. Delete it, and give your --keep and --drop again.") from error

    @classmethod
    def from_dict(cls, keep: Iterable[str], drop: Iterable[str], faces: dict[str, Any] | None = None) -> Self:
        """Return decisions from the content of the file; raise ValueError, TypeError or AttributeError if it is bad."""
        rectangles = {normalised(photo): _rectangle(*sides) for photo, sides in (faces or {}).items()}
        return cls(set(map(normalised, keep)), set(map(normalised, drop)), rectangles)

    def add(self, keep: Iterable[str], drop: Iterable[str]) -> None:
        """Add the decisions of this call, which replace earlier ones on the same photos."""
        kept, dropped = set(map(normalised, keep)), set(map(normalised, drop))
        self.keep = (self.keep | kept) - dropped
        self.drop = (self.drop - kept) | dropped
        self.faces = {photo: face for photo, face in self.faces.items() if photo not in kept | dropped}

    def add_face(self, photo: Candidates, number: int) -> None:
        """Add the decision that a face is the person's; faces are counted from the left, from 1.

        Raises:
            PrepareError: the photo has no such face.
        """
        order = photo.from_left()
        if not 1 <= number <= len(order):
            raise PrepareError(f"{photo.photo} has {counted(len(order), 'face')}; there is no face {number}.")
        name, box = normalised(photo.photo), photo.faces[order[number - 1]].box
        self.faces[name] = box.left, box.top, box.width, box.height
        self.keep.discard(name)
        self.drop.discard(name)

    def keeps(self, photo: str) -> bool:
        """Whether the owner decided to keep a photo, whichever its face is."""
        return normalised(photo) in self.keep

    def drops(self, photo: str) -> bool:
        """Whether the owner decided to drop a photo."""
        return normalised(photo) in self.drop

    def face_of(self, photo: Candidates) -> int | None:
        """Return the face that is the person's, an index; None if the owner named none, or it is not found any more."""
        wanted = self.faces.get(normalised(photo.photo))
        if wanted is None or not photo.faces:
            return None
        overlaps = [overlap(face.box, Box(*wanted, score=0)) for face in photo.faces]
        best = max(range(len(overlaps)), key=overlaps.__getitem__)
        return best if overlaps[best] >= SAME_FACE else None

    def without(self, name: str) -> Self:
        """Return the decisions on the photos of everybody but one person."""

        def is_others(photo: str) -> bool:
            return not same(photo.partition("/")[0], name)

        faces = {photo: face for photo, face in self.faces.items() if is_others(photo)}
        return type(self)(set(filter(is_others, self.keep)), set(filter(is_others, self.drop)), faces)

    def write(self, path: Path) -> None:
        """Write the file that `read` reads."""
        content = {"keep": sorted(self.keep), "drop": sorted(self.drop), "faces": dict(sorted(self.faces.items()))}
        write_text(path, json.dumps(content, indent=1))


def _rectangle(*sides: object) -> Rectangle:
    """Return four sides that a file gave; raise ValueError where they are not a rectangle."""
    match sides:
        case (int(left), int(top), int(width), int(height)) if width > 0 and height > 0:
            return left, top, width, height
    raise ValueError("not a rectangle")
