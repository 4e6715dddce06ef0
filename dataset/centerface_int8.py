"""What `quantize` needs to know of CenterFace's network: the range of each tensor, and the layers that stay exact."""

from typing import Final

from onnx import ModelProto

from dataset import quantization
from dataset.quantization import Ranges

RANGES: Final[Ranges] = {
    "input.1": (0, 255),
    "365": (0.00, 12.24),
    "368": (0.00, 21.72),
    "369": (-19.86, 15.94),
    "373": (0.00, 21.43),
    "376": (0.00, 11.86),
    "377": (-13.94, 12.02),
    "381": (0.00, 6.76),
    "384": (0.00, 10.90),
    "385": (-10.22, 11.26),
    "387": (-14.22, 14.52),
    "390": (0.00, 9.07),
    "393": (0.00, 7.37),
    "394": (-5.68, 6.48),
    "398": (0.00, 9.61),
    "401": (0.00, 4.88),
    "402": (-5.50, 8.90),
    "404": (-7.83, 10.66),
    "407": (0.00, 18.06),
    "410": (0.00, 7.43),
    "411": (-12.76, 11.26),
    "413": (-13.02, 16.35),
    "416": (0.00, 8.87),
    "419": (0.00, 10.37),
    "420": (-9.74, 7.73),
    "424": (0.00, 7.09),
    "427": (0.00, 5.36),
    "428": (-4.46, 4.22),
    "430": (-10.15, 8.74),
    "433": (0.00, 5.90),
    "436": (0.00, 5.06),
    "437": (-5.52, 4.42),
    "439": (-9.84, 11.01),
    "442": (0.00, 5.70),
    "445": (0.00, 7.32),
    "446": (-8.59, 9.50),
    "448": (-12.56, 13.28),
    "451": (0.00, 6.28),
    "454": (0.00, 7.88),
    "455": (-4.76, 4.59),
    "459": (0.00, 7.17),
    "462": (0.00, 12.97),
    "463": (-5.56, 3.73),
    "465": (-5.96, 5.71),
    "468": (0.00, 8.07),
    "471": (0.00, 17.32),
    "472": (-12.69, 7.33),
    "474": (-15.01, 8.30),
    "477": (0.00, 5.68),
    "480": (0.00, 18.09),
    "481": (-9.59, 9.11),
    "485": (0.00, 10.14),
    "488": (0.00, 17.02),
    "489": (-5.38, 5.34),
    "491": (-9.00, 10.26),
    "494": (0.00, 8.64),
    "497": (0.00, 11.88),
    "498": (-10.60, 8.43),
    "500": (-13.92, 15.09),
    "503": (0.00, 9.04),
    "506": (0.00, 11.63),
    "507": (-7.81, 7.58),
    "511": (0.00, 7.49),
    "514": (0.00, 7.56),
    "517": (0.00, 7.20),
    "518": (0.00, 12.34),
    "521": (0.00, 12.10),
    "524": (0.00, 6.57),
    "525": (0.00, 12.10),
    "528": (0.00, 9.19),
    "531": (0.00, 2.00),
    "532": (0.00, 9.19),
    "535": (0.00, 3.85),
}
"""The least and the largest value of each tensor, by its name in the package's file.

Measured with the network in float32 on 85 web photos of people, some of them masked, cut to the face, or turned by a
quarter or a half; scaled to 256 pixels, with a margin around the faces in every second photo.
"""

_HEADS: Final = "head."
"""What the names of the last layers' weights begin with. These say where a face is, and stay in float32."""


def quantize(model: ModelProto) -> None:
    """Compute the convolutions and sums of the network in eight bits."""
    quantization.quantize(model, RANGES, lambda convolution: convolution.input[1].startswith(_HEADS))
