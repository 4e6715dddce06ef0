"""The geometry of an aligned face: its size, and how much of the photo around the face it shows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a chip is cut, the same for training and serving; docs/geometry.md has the measurements behind it.

    `size` is the chip's side in pixels. `padding` is the margin around the face as a fraction of the face, as in dlib,
    where 0.25, its own default, shows a face from the eyebrows to the chin. The cut is `stretch` times as high as wide
    before it is scaled to a square: the pretrained networks learned from boxes that were higher than wide,
    scaled to squares.
    """

    size: int = 224
    padding: float = 0.4
    stretch: float = 1.2


PHOTO_CHIP = Geometry(size=600)
"""The chip that `visage prepare` keeps of a photo; the network's input is scaled from it."""
