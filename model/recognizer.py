"""Recognises the faces in a photo with a loaded bundle."""

import io
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Self

import numpy as np
from PIL import Image

from model import bundle as bundles
from model.bundle import Manifest
from model.cohort import FloatArray, normalised
from model.engines import Engine, engine_named
from model.enrolment import CONSIDERED, Seen
from model.gallery import Gallery
from model.known import KnownPeople
from model.prefetch import Download, download
from model.roster import Roster
from model.settings import Settings
from model.space import embedding_space
from model.verification import Verification, verify
from preprocess.align import Aligner
from preprocess.appearance import Appearance, Pose, Quality, appearance
from preprocess.detect import MAX_FACES, Box, Detector
from preprocess.errors import NoFaceError
from preprocess.geometry import Geometry
from preprocess.photo import Photo, RGBArray

TOP: Final = 5
"""How many of the likeliest people an answer lists."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A person, and the probability that the face is theirs, provided that the model knows the face's person.

    `enrolled` says whether the person is on the roster and the network was not trained on them.
    """

    label: str
    probability: float
    enrolled: bool
    id: str


@dataclass(frozen=True, slots=True)
class Detection:
    """The faces of a photo without their names, the most prominent first, and the milliseconds that each step took.

    `appearances` say how each of the `boxes` looks. `complete` and `rotation` are as in a Recognition.
    """

    boxes: tuple[Box, ...]
    appearances: tuple[Appearance, ...]
    width: int
    height: int
    version: str
    timing_ms: dict[str, float]
    complete: bool = True
    rotation: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A photo and the boxes of its most prominent faces, of which nothing else is known yet."""

    photo: Photo
    boxes: tuple[Box, ...]
    watch: "_Stopwatch"


@dataclass(frozen=True, slots=True)
class Embedding:
    """Some faces of a photo, and their (N, 512) float32 embeddings of unit length."""

    detection: Detection
    embeddings: FloatArray


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a photo: its position, how it looks, and its person.

    `similarity`, -1 to 1, is the mean cosine between the face's embedding and the three most similar prototypes of the
    likeliest person, after the mean embedding of strangers is subtracted. The face is `known` if its `score` with that
    person reaches the bundle's threshold; otherwise `label` and `id` are None. `enrolled` says whether a known person
    is on the roster and the network was not trained on them.
    """

    box: Box
    appearance: Appearance
    label: str | None
    probability: float
    similarity: float
    score: float
    known: bool
    enrolled: bool
    id: str | None
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True, slots=True)
class Recognition:
    """The faces of a photo, the most prominent first, and the milliseconds that each step took.

    `complete` is False if a small part of the photo may be missing, because its file ends early. `rotation` says by
    how many degrees, 0, 90, 180 or 270, the photo must be turned clockwise so that its most prominent face is upright.
    Boxes and landmarks are those of the photo as it is, before that. `roster` is the roster's version, or None.
    `embeddings`, (N, 512) float32 of unit length, are those of the faces.
    """

    faces: tuple[Face, ...]
    width: int
    height: int
    version: str
    timing_ms: dict[str, float]
    complete: bool = True
    rotation: int = 0
    roster: int | None = None
    embeddings: FloatArray | None = field(default=None, repr=False, compare=False)


class Recognizer:
    """A loaded bundle. Safe to share between threads.

    `startup_ms` holds the milliseconds that each step of loading took: `import` of the engine's library, `fetch` (the
    time spent waiting for the bundle), `load`, `warm_up` and `total`.
    """

    startup_ms: Mapping[str, float]

    def __init__(
        self, manifest: Manifest, gallery: Gallery, detector: Detector, aligner: Aligner, engine: Engine
    ) -> None:
        """Combine the parts of a bundle; `engine` runs its network."""
        self.manifest = manifest
        self.version = manifest.version
        self.engine = engine
        self.known = KnownPeople.of(manifest, gallery, None)
        self._roster: Roster | None = None
        self._geometry = manifest.geometry
        self._gallery = gallery
        self._detector = detector
        self._aligner = aligner
        self._lock = threading.Lock()

    @classmethod
    def load(cls, location: str, settings: Settings, download: Download = download) -> Self:
        """Return a warmed-up recognizer for the bundle at `location`, a folder or "s3://bucket/prefix".

        `settings` names the engine and says how many threads it gets. `download` makes the bundle's files available,
        those of the network last; see `model.prefetch.download`.

        Raises:
            BundleError: the bundle is missing, incomplete, altered or of another format; or there is no such engine.
            BundleUnavailableError: S3 cannot be reached now.
        """
        engine = engine_named(settings.engine)
        watch = _Stopwatch()
        with download(location, settings.engine) as parts:
            with watch.step("import"):
                engine.prepare(in_lambda=settings.in_lambda)
            with watch.step("fetch"):
                bundle = next(parts)
            with watch.step("load"):
                gallery = Gallery.load(bundle.path(engine.gallery), bundle.path(bundles.COHORT))
                detector = Detector(bundle.path(bundles.DETECTOR), settings.threads)
                aligner = Aligner(bundle.path(bundles.LANDMARKS))
            with watch.step("warm_up"):
                _warm_up(detector, aligner, bundle.manifest.geometry)
            with watch.step("fetch"):
                bundle = next(parts)
            with watch.step("load"):
                network = engine.load(bundle, settings.threads)
        with watch.step("warm_up"):
            recognizer = cls(bundle.manifest.of_engine(engine.name), gallery, detector, aligner, network)
            recognizer._warm_up()
        recognizer.startup_ms = watch.stop()
        return recognizer

    @property
    def space(self) -> str:
        """The name of the space of the embeddings, see `model.space`."""
        return embedding_space(self.manifest)

    @property
    def people(self) -> tuple[str, ...]:
        """The names of everybody whom it knows now."""
        return self.known.names

    def know(self, roster: Roster | None) -> None:
        """Know the people of this roster from now on, besides those of the bundle; None is nobody.

        Photos that are being recognised in other threads may still get an answer by the former one.
        """
        if roster is not self._roster:
            self.known, self._roster = KnownPeople.of(self.manifest, self._gallery, roster), roster

    def recognize(self, data: bytes) -> Recognition:
        """Return who is in the photo `data`.

        Raises:
            PhotoError: the bytes are not a usable photo, or there is no face in it.
        """
        watch = _Stopwatch()
        photo, boxes = self._find(data, watch)
        with watch.step("align"):
            chips = self._chips(photo, boxes)
            appearances = _appearances(photo, boxes)
        with watch.step("recognize"):
            embeddings, logits = self._run(chips)
            inside = [box.within(photo.width, photo.height) for box in boxes]
            known = self.known  # one version, also while another thread changes it
            faces = _name_faces(known, inside, appearances, embeddings, logits)
        return Recognition(faces, *self._about(photo, boxes, watch), known.version, embeddings)

    def detect(self, data: bytes) -> Detection:
        """Return the faces of the photo `data`, and recognise nobody.

        Raises:
            PhotoError: the bytes are not a usable photo, or there is no face in it.
        """
        found = self.find(data)
        return self._detection(found, found.boxes)

    def find(self, data: bytes) -> Found:
        """Return the photo `data` with the boxes of its MAX_FACES most prominent faces, for `embed`.

        Raises:
            PhotoError: the bytes are not a usable photo, or there is no face in it.
        """
        watch = _Stopwatch()
        return Found(*self._find(data, watch), watch)

    def embed(self, found: Found, number: int | None = None) -> Embedding:
        """Return the embeddings of a photo's faces, of all or of the one with this number; 1 is the most prominent."""
        boxes = found.boxes if number is None else (found.boxes[number - 1],)
        with found.watch.step("align"):
            chips = self._chips(found.photo, boxes)
        with found.watch.step("embed"):
            embeddings, _ = self._run(chips)
        return Embedding(self._detection(found, boxes), embeddings)

    def verify(self, first: Embedding, second: Embedding) -> Verification:
        """Compare the first face of one photo with that of another."""
        return verify(first.embeddings[0], second.embeddings[0], self._gallery.cohort)

    def see(self, data: bytes, number: int | None = None) -> Seen:
        """Return the faces of the photo `data` with embeddings that can be compared with those of a roster.

        These are of the CONSIDERED most prominent faces, and up to that with the `number`, counted from 1.

        Raises:
            PhotoError: the bytes are not a usable photo, or there is no face in it.
        """
        found = self.find(data)
        boxes = found.boxes[: max(CONSIDERED, number or 0)]
        chips = self._chips(found.photo, boxes)
        # The mirror image is added, as for the prototypes of a gallery.
        embeddings = normalised(self._run(chips)[0] + self._run(np.ascontiguousarray(chips[:, :, ::-1]))[0])
        seen = self._detection(found, boxes)
        return Seen(seen.boxes, seen.appearances, embeddings, chips, seen.width, seen.height)

    def align(self, data: bytes) -> RGBArray:
        """Return the aligned faces of the photo `data`, the most prominent first: (N, S, S, 3) uint8 RGB.

        Raises:
            PhotoError: the bytes are not a usable photo, or there is no face in it.
        """
        photo, boxes = self._find(data, _Stopwatch())
        return self._chips(photo, boxes)

    def _warm_up(self) -> None:
        """Name a face with made-up values, so that the first photo takes no longer than the second."""
        embeddings = np.zeros((1, self._gallery.embeddings.shape[1]), np.float32)
        logits = np.zeros((1, len(self.manifest.labels)), np.float32)
        nothing = Appearance(Pose(0, 0, 0), Quality(1, 0, 0, 0, 0), ())
        _name_faces(self.known, [Box(0, 0, 1, 1, score=0)], [nothing], embeddings, logits)

    def _find(self, data: bytes, watch: "_Stopwatch") -> tuple[Photo, tuple[Box, ...]]:
        """Decode a photo and return it with the boxes of its MAX_FACES most prominent faces."""
        with watch.step("decode"):
            photo = Photo(data)
        with watch.step("detect"):
            boxes = self._detector.detect(photo)
        if not boxes:
            raise NoFaceError("No face was found in the photo. Try one where the face is larger and less covered.")
        return photo, tuple(boxes[:MAX_FACES])

    def _detection(self, found: Found, boxes: Sequence[Box]) -> Detection:
        """Return what is seen of some of the faces that were found."""
        photo = found.photo
        with found.watch.step("align"):
            appearances = _appearances(photo, boxes)
        inside = tuple(box.within(photo.width, photo.height) for box in boxes)
        return Detection(inside, appearances, *self._about(photo, found.boxes, found.watch))

    def _about(
        self, photo: Photo, boxes: Sequence[Box], watch: "_Stopwatch"
    ) -> tuple[int, int, str, dict[str, float], bool, int]:
        """Return what every answer says besides its faces, from `width` to `rotation`."""
        turned = 90 * boxes[0].quarters
        return photo.width, photo.height, self.version, watch.stop(), photo.complete, turned

    def _chips(self, photo: Photo, boxes: Sequence[Box]) -> RGBArray:
        return np.stack([self._aligner.align(photo, box, self._geometry) for box in boxes])

    def _run(self, chips: RGBArray) -> tuple[FloatArray, FloatArray]:
        """Run (N, S, S, 3) chips through the network: (N, 512) embeddings and (N, C) logits."""
        with self._lock:
            return self.engine.run(chips)


def _name_faces(
    known: KnownPeople, boxes: list[Box], appearances: Iterable[Appearance], embeddings: FloatArray, logits: FloatArray
) -> tuple[Face, ...]:
    judged = known.judge(embeddings, logits)
    face = partial(_face, known)
    return tuple(map(face, boxes, appearances, judged.probabilities, judged.similarities, judged.scores))


def _face(
    known: KnownPeople,
    box: Box,
    appearance: Appearance,
    probabilities: FloatArray,
    similarities: FloatArray,
    scores: FloatArray,
) -> Face:
    likeliest = np.argsort(-probabilities, kind="stable")[:TOP]
    predictions = tuple(
        Prediction(known.names[person], float(probabilities[person]), int(person) >= known.trained, known.ids[person])
        for person in likeliest
    )
    first, similarity, score = predictions[0], float(similarities[likeliest[0]]), float(scores[likeliest[0]])
    is_known = score >= known.manifest.threshold
    return Face(
        box,
        appearance,
        first.label if is_known else None,
        first.probability,
        similarity,
        score,
        is_known,
        is_known and first.enrolled,
        first.id if is_known else None,
        predictions,
    )


def _appearances(photo: Photo, boxes: Iterable[Box]) -> tuple[Appearance, ...]:
    return tuple(appearance(photo, box.width, box.height, box.landmarks) for box in boxes)


def _warm_up(detector: Detector, aligner: Aligner, geometry: Geometry) -> None:
    """Detect and align in a photo of noise, so that the first photo takes no longer than the second."""
    file = io.BytesIO()
    Image.effect_noise((64, 64), 64).convert("RGB").save(file, "JPEG")
    photo = Photo(file.getvalue())
    detector.detect(photo)
    aligner.align(photo, Box(0, 0, photo.width, photo.height, score=0), geometry)


@dataclass
class _Stopwatch:
    """Measures milliseconds by step and in total."""

    started: float = field(default_factory=time.perf_counter)
    steps: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.steps[name] = self.steps.get(name, 0) + 1000 * (time.perf_counter() - began)

    def stop(self) -> dict[str, float]:
        return {**self.steps, "total": 1000 * (time.perf_counter() - self.started)}
