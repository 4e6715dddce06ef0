"""Pictures without people, on which a detector should find nothing: photos that packages contain, and drawn ones.

Each entry says what is to be seen, so that anybody can check that it is nobody. Of the same packages, `astronaut.png`,
`camera.png`, `coins.png` (heads of emperors) and `grace_hopper.jpg` are left out: they show people.
"""

import gzip
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from preprocess.files import package_folder, replacing


@dataclass(frozen=True, slots=True)
class Packaged:
    """A picture inside scikit-image's package: its name and SHA-256, and what it shows."""

    name: str
    sha256: str
    shows: str


SCIKIT_IMAGE: Final = (
    Packaged("brick.png", "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf", "a brick wall"),
    Packaged("cell.png", "8d23a7fb81f7cc877cd09f330357fc7f595651306e84e17252f6e0a1b3f61515", "a cell in a microscope"),
    Packaged("chelsea.png", "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb", "a cat from the front"),
    Packaged("chessboard_GRAY.png", "3e51870774515af4d07d820bd8827364c70839bf9b573c746e485095e893df90", "squares"),
    Packaged("clock_motion.png", "f029226b28b642e80113d86622e9b215ee067a0966feaf5e60604a1e05733955", "a blurred clock"),
    Packaged("coffee.png", "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7", "a cup on a table"),
    Packaged("color.png", "7d2df993de2b4fa2a78e04e5df8050f49a9c511aa75e59ab3bd56ac9c98aef7e", "a circle of colours"),
    Packaged("grass.png", "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89", "grass"),
    Packaged("gravel.png", "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12", "gravel"),
    Packaged("horse.png", "c7fb60789fe394c485f842291ea3b21e50d140f39d6dcb5fb9917cc178225455", "a horse's outline"),
    Packaged("hubble_deep_field.jpg", "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4", "galaxies"),
    Packaged("ihc.png", "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef", "stained tissue"),
    Packaged("logo.png", "f2c57fe8af089f08b5ba523d95573c26e62904ac5967f4c8851b27d033690168", "a snake as a logo"),
    Packaged("microaneurysms.png", "a1e1be59aa447f8ce082f7fa809997ab369a2b137cb6c4202abc647c7ccf6456", "blood vessels"),
    Packaged("moon.png", "78739619d11f7eb9c165bb5d2efd4772cee557812ec847532dbb1d92ef71f577", "craters of the moon"),
    Packaged("motorcycle_left.png", "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179", "a motorcycle"),
    Packaged("motorcycle_right.png", "5fc913ae870e42a4b662314bc904d1786bcad8e2f0b9b67dba5a229406357797", "the same"),
    Packaged("page.png", "341a6f0a61557662b02734a9b6e56ec33a915b2c41886b97509dedf2a43b47a3", "a printed page"),
    Packaged(
        "phantom.png", "552ff698167aa402cceb17981130607a228a0a0aa7c519299eaa4d5f301ba36c", "ellipses in an ellipse"
    ),
    Packaged("retina.jpg", "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6", "the back of an eye"),
    Packaged("rocket.jpg", "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c", "a rocket at night"),
    Packaged("text.png", "bd84aa3a6e3c9887850d45d606c96b2e59433fbef50338570b63c319e668e6d1", "handwriting"),
)

_INSTALLED: Final = {
    ("sklearn", "datasets/images/china.jpg"): "a Chinese temple, a bridge, no visitors",
    ("sklearn", "datasets/images/flower.jpg"): "a dahlia",
    ("matplotlib", "mpl-data/sample_data/Minduka_Present_Blue_Pack.png"): "a drawn present",
    ("matplotlib", "mpl-data/sample_data/logo2.png"): "a logo with letters",
}
_SLICE: Final = "mpl-data/sample_data/s1045.ima.gz"
"""A slice through a head, as an MRI scanner sees it: 256 x 256 numbers of 16 bits, as Matplotlib's examples read it."""

_SIDE: Final = 640
_LARGE: Final = 400
"""Long side, in pixels, from which the quarters of a packaged picture are pictures of their own."""

Drawing = Callable[[ImageDraw.ImageDraw], None]
Texture = Callable[[np.random.Generator], npt.NDArray[np.float64]]


def complete(folder: Path) -> list[Path]:
    """Add all other pictures to the `folder` of scikit-image's, unless they are there, and return their paths."""
    pictures = _installed() | _drawn()
    for packaged in SCIKIT_IMAGE:
        with Image.open(folder / packaged.name) as image:
            pictures |= _quarters(packaged.name, image.convert("RGB"))
    for name, picture in pictures.items():
        if not (folder / name).exists():
            with replacing(folder / name) as unfinished:
                picture.save(unfinished, format="PNG")
    return sorted(path for path in folder.iterdir() if path.suffix in {".png", ".jpg"})


def _installed() -> dict[str, Image.Image]:
    """Return the pictures of installed packages, and the quarters of the large ones."""
    pictures: dict[str, Image.Image] = {}
    for package, path in _INSTALLED:
        with Image.open(package_folder(package) / path) as image:
            name, rgb = Path(path).with_suffix(".png").name, image.convert("RGB")
        pictures |= {name: rgb} | _quarters(name, rgb)
    scanned = np.frombuffer(gzip.decompress((package_folder("matplotlib") / _SLICE).read_bytes()), np.uint16).reshape(
        256, 256
    )
    return pictures | {"mri.png": _grey(scanned / scanned.max())}


def _quarters(name: str, image: Image.Image) -> dict[str, Image.Image]:
    """Return the four quarters of a picture, if it is large: they show other things at another scale."""
    if max(image.size) < _LARGE:
        return {}
    x, y = image.width // 2, image.height // 2
    places = [(0, 0, x, y), (x, 0, image.width, y), (0, y, x, image.height), (x, y, image.width, image.height)]
    return {f"{Path(name).stem}-{number}.png": image.crop(place) for number, place in enumerate(places, 1)}


def _drawn() -> dict[str, Image.Image]:
    """Return textures, texts, charts, things and animals. The same call gives the same pixels."""
    textures = {f"{name}.png": _grey(texture(np.random.default_rng(7))) for name, texture in TEXTURES.items()}
    drawings = {f"{name}.png": _drawing(draw) for name, draw in DRAWINGS.items()}
    return textures | drawings | {f"chart-{name}.png": _chart(name) for name in CHARTS}


def _grey(values: npt.NDArray[np.float64]) -> Image.Image:
    """Return (H, W) numbers, from the least to the greatest, as grey from black to white."""
    low, high = values.min(), values.max()
    return Image.fromarray(((values - low) * (255 / (high - low))).astype(np.uint8)).convert("RGB")


def _drawing(draw: Drawing) -> Image.Image:
    image = Image.new("RGB", (_SIDE, _SIDE), "white")
    draw(ImageDraw.Draw(image))
    return image


def _noise(power: float) -> Texture:
    """Return noise whose amplitude falls with the frequency to this power: clouds at 1 and more."""

    def texture(random: np.random.Generator) -> npt.NDArray[np.float64]:
        spectrum = np.fft.rfft2(random.normal(size=(_SIDE, _SIDE)))
        frequencies = np.hypot(np.fft.fftfreq(_SIDE)[:, None], np.fft.rfftfreq(_SIDE)[None])
        frequencies[0, 0] = 1
        clouds: npt.NDArray[np.float64] = np.fft.irfft2(spectrum / frequencies**power)
        return clouds

    return texture


def _cells(count: int) -> Texture:
    """Return the distance to the nearest of `count` points: stones, scales, cells."""

    def texture(random: np.random.Generator) -> npt.NDArray[np.float64]:
        points, (y, x) = random.uniform(0, _SIDE, (count, 2)), np.mgrid[:_SIDE, :_SIDE]
        nearest = np.full((_SIDE, _SIDE), math.inf)
        for across, down in points:
            nearest = np.minimum(nearest, np.hypot(x - across, y - down))
        return nearest

    return texture


def _waves(across: float, down: float, rings: float = 0) -> Texture:
    """Return stripes and rings: cloth, wood, water."""

    def texture(random: np.random.Generator) -> npt.NDArray[np.float64]:
        y, x = np.mgrid[:_SIDE, :_SIDE]
        radius = np.hypot(x - 0.4 * _SIDE, y - 0.6 * _SIDE)
        grain = 0.2 * random.normal(size=x.shape)
        waves: npt.NDArray[np.float64] = np.sin(across * x) + np.sin(down * y) + np.sin(rings * radius) + grain
        return waves

    return texture


TEXTURES: Final[Mapping[str, Texture]] = {
    "noise-white": _noise(0),
    "noise-half": _noise(0.5),
    "noise-pink": _noise(1),
    "clouds": _noise(1.6),
    "hills": _noise(2),
    "stones-20": _cells(20),
    "stones-100": _cells(100),
    "stones-400": _cells(400),
    "stripes": _waves(0.1, 0),
    "cloth": _waves(0.2, 0.2),
    "plaid": _waves(0.05, 0.07),
    "rings": _waves(0, 0, 0.12),
    "wood": _waves(0.02, 0, 0.3),
}


def _text(size: int, words: str) -> Drawing:
    """Return a page full of the same words, in letters of this size."""

    def draw(page: ImageDraw.ImageDraw) -> None:
        line = " ".join([words] * 40)
        for number in range(_SIDE // size):
            page.text((10, number * 1.2 * size), line[number * 7 :], "black", ImageFont.load_default(size))

    return draw


def _windows(page: ImageDraw.ImageDraw) -> None:
    """A house with two windows and a door, which have the places of eyes and mouth."""
    page.rectangle((120, 220, 520, 600), "wheat", "black", 4)
    page.polygon([(80, 220), (320, 60), (560, 220)], "brown")
    for left in (180, 380):
        page.rectangle((left, 290, left + 80, 370), "lightblue", "black", 4)
    page.rectangle((270, 450, 370, 600), "saddlebrown", "black", 4)


def _facade(page: ImageDraw.ImageDraw) -> None:
    """A block of flats: rows of windows."""
    for left in range(20, _SIDE, 80):
        for top in range(20, _SIDE, 100):
            page.rectangle((left, top, left + 45, top + 60), "slategrey", "black", 2)


def _car(page: ImageDraw.ImageDraw) -> None:
    """A car from the front: two lamps above a grille."""
    page.polygon([(180, 160), (460, 160), (520, 300), (120, 300)], "lightblue", "black")
    page.rounded_rectangle((80, 290, 560, 500), 40, "firebrick", "black", 4)
    for left in (120, 440):
        page.ellipse((left, 330, left + 80, 410), "lightyellow", "black", 5)
    page.rectangle((240, 400, 400, 460), "black")
    for left in (100, 460):
        page.rectangle((left, 500, left + 80, 570), "black")


def _socket(page: ImageDraw.ImageDraw) -> None:
    """A power outlet: two holes and a third below."""
    page.rounded_rectangle((150, 120, 490, 520), 40, "whitesmoke", "grey", 5)
    page.rectangle((240, 220, 265, 300), "black")
    page.rectangle((375, 220, 400, 300), "black")
    page.ellipse((290, 370, 350, 430), "black")


def _machine(page: ImageDraw.ImageDraw) -> None:
    """A washing machine: knobs above a round door."""
    page.rectangle((120, 60, 520, 600), "gainsboro", "black", 4)
    for left in (160, 260, 440):
        page.ellipse((left, 90, left + 50, 140), "dimgrey")
    page.ellipse((190, 220, 450, 480), "steelblue", "silver", 30)


def _clock(page: ImageDraw.ImageDraw) -> None:
    """A clock with its hands."""
    page.ellipse((80, 80, 560, 560), "ivory", "black", 12)
    for hour in range(12):
        x, y = 320 + 200 * math.sin(hour * math.pi / 6), 320 - 200 * math.cos(hour * math.pi / 6)
        page.text((x, y), str(hour or 12), "black", ImageFont.load_default(40), anchor="mm")
    page.line((320, 320, 320, 170), "black", 10)
    page.line((320, 320, 430, 380), "black", 14)


def _tree(page: ImageDraw.ImageDraw) -> None:
    """Trees in a row on a meadow."""
    page.rectangle((0, 420, _SIDE, _SIDE), "yellowgreen")
    for left in range(20, 600, 150):
        page.rectangle((left + 45, 330, left + 70, 480), "saddlebrown")
        page.ellipse((left, 180, left + 120, 360), "forestgreen")


def _ball(page: ImageDraw.ImageDraw) -> None:
    """A ball with dark patches."""
    page.ellipse((100, 100, 540, 540), "white", "black", 5)
    for x, y in ((320, 320), (180, 240), (460, 240), (230, 460), (410, 460), (320, 130)):
        page.regular_polygon((x, y, 55), 5, fill="black")


def _fish(page: ImageDraw.ImageDraw) -> None:
    """A fish from its side."""
    page.rectangle((0, 0, _SIDE, _SIDE), "lightblue")
    page.polygon([(430, 320), (580, 220), (580, 420)], "darkorange")
    page.ellipse((100, 210, 470, 430), "orange", "black", 4)
    page.ellipse((160, 270, 200, 310), "white", "black", 10)


def _butterfly(page: ImageDraw.ImageDraw) -> None:
    """A butterfly with eyespots on its wings."""
    for left, right in ((60, 310), (330, 580)):
        page.ellipse((left, 100, right, 340), "goldenrod", "black", 5)
        page.ellipse((left + 40, 330, right - 40, 540), "peru", "black", 5)
        middle = (left + right) / 2
        page.ellipse((middle - 40, 180, middle + 40, 260), "black", "white", 12)
    page.ellipse((300, 130, 340, 520), "black")


def _leaves(page: ImageDraw.ImageDraw) -> None:
    """Leaves in many greens."""
    random = np.random.default_rng(3)
    for x, y, wide, high, green in random.integers(0, 256, (400, 5)) * (2.5, 2.5, 0.5, 0.3, 1):
        page.ellipse((x, y, x + wide + 5, y + high + 5), (20, 60 + int(green) // 2, 30), "black")


def _blocks(page: ImageDraw.ImageDraw) -> None:
    """Black and white blocks, as in a code that phones scan."""
    bits = np.random.default_rng(5).integers(0, 2, (32, 32))
    for row, column in np.argwhere(bits):
        page.rectangle((column * 20, row * 20, column * 20 + 19, row * 20 + 19), "black")


def _notes(page: ImageDraw.ImageDraw) -> None:
    """Notes on their lines."""
    for top in range(60, 600, 120):
        for line in range(5):
            page.line((20, top + 14 * line, 620, top + 14 * line), "black", 2)
        for number, step in enumerate(np.random.default_rng(top).integers(0, 9, 14)):
            page.ellipse((40 + 40 * number, top + 7 * step - 8, 62 + 40 * number, top + 7 * step + 8), "black")


def _dice(page: ImageDraw.ImageDraw) -> None:
    """Dice with their dots."""
    page.rectangle((0, 0, _SIDE, _SIDE), "darkgreen")
    for left, top, dots in ((60, 80, 5), (360, 80, 3), (60, 360, 4), (360, 360, 6)):
        page.rounded_rectangle((left, top, left + 220, top + 220), 30, "white", "black", 3)
        for dot in range(dots):
            x, y = left + 60 + 100 * (dot % 2), top + 50 + 60 * (dot // 2)
            page.ellipse((x - 20, y - 20, x + 20, y + 20), "black")


DRAWINGS: Final[Mapping[str, Drawing]] = {
    "text-small": _text(14, "the quick brown fox jumps over the lazy dog"),
    "text-large": _text(60, "Rain in Spain & 0123456789"),
    "text-letters": _text(160, "OO 8 QQ B @"),
    "house": _windows,
    "flats": _facade,
    "car": _car,
    "socket": _socket,
    "washing-machine": _machine,
    "clock": _clock,
    "trees": _tree,
    "ball": _ball,
    "fish": _fish,
    "butterfly": _butterfly,
    "leaves": _leaves,
    "blocks": _blocks,
    "notes": _notes,
    "dice": _dice,
}

CHARTS: Final[Sequence[str]] = ("lines", "bars", "pie", "points", "contours", "polar")


def _chart(kind: str) -> Image.Image:
    """Return a chart as Matplotlib draws it."""
    random = np.random.default_rng(11)
    figure = Figure(figsize=(6.4, 6.4), dpi=100)
    axes = figure.add_subplot(projection="polar" if kind == "polar" else None)
    x, y = np.linspace(0, 6, 60), random.normal(size=60)
    match kind:
        case "bars":
            axes.bar(x, np.abs(y))
        case "pie":
            axes.pie(np.abs(y[:7]))
        case "points":
            axes.scatter(y, random.normal(size=60), s=300 * np.abs(y))
        case "contours":
            axes.contourf(np.sin(x)[:, None] * np.cos(2 * x)[None])
        case _:
            axes.plot(x, y.cumsum())
    canvas = io.BytesIO()
    figure.savefig(canvas, format="png")
    return Image.open(canvas).convert("RGB")
