"""Where a detector sees a face, whichever detector it is."""

from dataclasses import dataclass
from typing import Final

SAME_FACE: Final = 0.3
"""Least intersection over union of two rectangles of one face; it is low because detectors draw different ones."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A face's position in pixels of the photo, and the detector's score on a scale of its own."""

    left: float
    top: float
    width: float
    height: float
    score: float

    @property
    def area(self) -> float:
        """The number of pixels inside."""
        return self.width * self.height

    def moved(self, right: float, down: float) -> "Rectangle":
        """Return the rectangle at another place."""
        return Rectangle(self.left + right, self.top + down, self.width, self.height, self.score)


def overlap(one: Rectangle, other: Rectangle) -> float:
    """Return the intersection of two rectangles over their union, 0 to 1."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.area + other.area - shared) if shared else 0.0


def same_face(one: Rectangle, other: Rectangle) -> bool:
    """Whether two rectangles show one face: they overlap enough, or each contains the other's centre."""
    return overlap(one, other) >= SAME_FACE or (_contains_centre(one, other) and _contains_centre(other, one))


def _contains_centre(one: Rectangle, other: Rectangle) -> bool:
    x, y = one.left + one.width / 2 - other.left, one.top + one.height / 2 - other.top
    return 0 <= x <= other.width and 0 <= y <= other.height
