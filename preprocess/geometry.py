"""How an aligned face is cut."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a chip is cut, in one place for training and serving; docs/geometry.md has the measurements behind it.

    `size` is the chip's side in pixels, `padding` the margin around the face as a fraction of the face, dlib's measure:
    0.25 is its own chip, eyebrows to chin. `stretch` is how many times taller than wide the cut is before it becomes a
    square: the pretrained networks learned from detector boxes, which are upright rectangles squeezed into squares.
    """

    size: int = 224
    padding: float = 0.35
    stretch: float = 1.25


PHOTO_CHIP = Geometry(size=600)
"""What `visage prepare` keeps of a photo; the network's input is scaled from it."""
