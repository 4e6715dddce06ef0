"""The API's answers as JSON Schema, with examples."""

from typing import Any, Final, get_args

from api.people_schemas import PEOPLE_EXAMPLES, PEOPLE_SCHEMAS
from api.schema import list_of, object_of, ref, with_optional
from model.engines import ENGINES
from model.face_json import LANDMARKS
from model.uploads import CONTENT_TYPE, LIFETIME_S, MAX_UPLOAD_BYTES
from model.version import VERSION
from preprocess.appearance import Advice
from preprocess.detect import MAX_FACES

_LABEL: Final = {
    "type": ["string", "null"],
    "description": "The person's name; null if the model does not know the face.",
}
_PROBABILITY: Final = {
    "type": "number",
    "minimum": 0,
    "maximum": 1,
    "description": (
        "The probability of the likeliest person, provided that the model knows the face's person. Nine in ten answers "
        "with 0.9 are right."
    ),
}
_KNOWN: Final = {
    "type": "boolean",
    "description": (
        "Whether the face is of somebody whom the model knows: its score with the likeliest person reaches the model's "
        "threshold, as that of `measured.false_accept_rate` of strangers does."
    ),
}
_ENROLLED: Final = {
    "type": "boolean",
    "description": "Whether the person was enrolled from a few photos rather than trained on; false if not known.",
}
_SHARE: Final = {"type": "number", "minimum": 0, "maximum": 1}
_COSINE: Final = {"type": "number", "minimum": -1, "maximum": 1}
_NUMBER: Final = {"type": "integer", "minimum": 1, "maximum": MAX_FACES}
_PIXELS: Final = {"type": "integer", "minimum": 0}
_MS: Final = {"type": "number", "minimum": 0}
_PRECISIONS: Final = list(dict.fromkeys(precision for engine in ENGINES.values() for precision in engine.precisions))

_DEGREES: Final = {"type": "number", "minimum": -180, "maximum": 180}
_POINT: Final = object_of(
    "A place in pixels of the upright photo. It may lie outside.", x={"type": "number"}, y={"type": "number"}
)
_SEEN: Final = {
    "box": ref("Box"),
    "detection_score": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "description": "How sure the detector is that this is a face; below 0.5, the picture only resembles one.",
    },
    "landmarks": ref("Landmarks"),
    "pose": ref("Pose"),
    "quality": ref("Quality"),
    "advice": {
        "type": "array",
        "description": (
            "Why a name may be wrong: the face has few pixels (`too_small`), is not sharp (`blurred`), looks away from "
            "the camera (`turned_away`), has a mask, a hand or something else before it (`covered`), or has hardly any "
            "light (`too_dark`). Empty where a name can be trusted."
        ),
        "items": {"enum": list(get_args(Advice))},
        "uniqueItems": True,
    },
}
"""What is seen of a face, whoever it is."""

SCHEMAS: Final[dict[str, Any]] = {
    "Recognition": object_of(
        "Who is in a photo.",
        label=_LABEL,
        probability=_PROBABILITY,
        known=_KNOWN,
        enrolled=_ENROLLED,
        faces=list_of("Face", "Every face, the most prominent first.", minItems=1),
        image=ref("Image"),
        model=ref("KnownModel"),
        timing_ms=object_of(
            "Milliseconds that each step took.", decode=_MS, detect=_MS, align=_MS, recognize=_MS, total=_MS
        ),
    ),
    "Detection": object_of(
        "The faces in a photo.",
        faces=list_of("DetectedFace", "Every face, the most prominent first.", minItems=1),
        image=ref("Image"),
        model=ref("Model"),
        timing_ms=object_of("Milliseconds that each step took.", decode=_MS, detect=_MS, align=_MS, total=_MS),
    ),
    "Embeddings": object_of(
        "The faces in a photo, and their embeddings.",
        faces=list_of("EmbeddedFace", "Every face, the most prominent first.", minItems=1),
        space={
            "type": "string",
            "description": (
                "The name of the embedding space. Embeddings can be compared only with others of the same space, which "
                "models share that have the same pretrained weights and the same alignment of faces."
            ),
        },
        image=ref("Image"),
        model=ref("Model"),
        timing_ms=object_of(
            "Milliseconds that each step took.", decode=_MS, detect=_MS, align=_MS, embed=_MS, total=_MS
        ),
    ),
    "Verification": object_of(
        "Whether two photos show one person.",
        same={"type": "boolean", "description": "Whether they do: whether `score` reaches `threshold`."},
        similarity=_COSINE
        | {
            "description": (
                "The cosine of the two faces' embeddings, after the mean embedding of strangers is subtracted. 1 is "
                "the same picture, about 0 another person."
            )
        },
        score={
            "type": "number",
            "description": (
                "The similarity, less half of how alike each face is to strangers: faces that are like many others "
                "must be more alike to each other."
            ),
        },
        threshold={"type": "number", "description": "The score from which two faces count as one person's."},
        false_accept_rate={
            "type": ["number", "null"],
            "minimum": 0,
            "maximum": 1,
            "description": (
                "The share of pairs of different people whose score reaches the threshold, measured on random pairs. "
                "Relatives pass more often, and people of the same age, sex and origin; people of whom the network has "
                "seen few pass up to a hundred times as often. Null where nobody has measured it for this model's "
                "network: the threshold is a cautious one then."
            ),
        },
        a=ref("ComparedFace"),
        b=ref("ComparedFace"),
        model=ref("Model"),
        timing_ms=object_of(
            "Milliseconds that each step took, in both photos.", decode=_MS, detect=_MS, align=_MS, embed=_MS, total=_MS
        ),
    ),
    "Image": object_of(
        "The size of the photo in pixels, whether all of it is there, and how it lies.",
        width=_PIXELS,
        height=_PIXELS,
        complete={
            "type": "boolean",
            "description": "False if the file ends early, so that a small part of the photo may be missing.",
        },
        rotation={
            "type": "integer",
            "enum": [0, 90, 180, 270],
            "description": (
                "How many degrees the photo must be turned clockwise so that its most prominent face is upright. "
                "It is not 0 where a camera was held sideways and the file's metadata do not say so. `width`, "
                "`height`, boxes and landmarks are those of the photo before that turn, as the metadata turn it."
            ),
        },
    ),
    "DetectedFace": object_of("One face of a photo, whoever it is.", **_SEEN),
    "EmbeddedFace": object_of(
        "One face of a photo, and its embedding.",
        **_SEEN,
        embedding={
            "type": "array",
            "description": (
                "512 numbers, a vector of length 1; examples show the first four. The cosine of two such vectors says "
                "how alike the faces are."
            ),
            "items": _COSINE,
        },
    ),
    "ComparedFace": object_of(
        "The face of a photo that was compared.",
        **_SEEN,
        face=_NUMBER | {"description": "Its number in the photo; 1 is the most prominent face."},
        faces=_NUMBER | {"description": "The number of faces in the photo."},
    ),
    "Landmarks": object_of(
        "Five points of a face. Right is the person's own right: it is on the left of the photo.",
        **dict.fromkeys(LANDMARKS, _POINT),
    ),
    "Pose": object_of(
        "How a head is turned, in degrees, estimated from the landmarks; 0 looks straight at the camera.",
        yaw=_DEGREES | {"description": "Above 0 if the face looks to the right side of the photo."},
        pitch=_DEGREES | {"description": "Above 0 if the face looks up."},
        roll=_DEGREES | {"description": "Above 0 if the head is tilted clockwise."},
    ),
    "Quality": object_of(
        "How good the picture of a face is.",
        size={"type": "integer", "minimum": 0, "description": "The side, in pixels, of a square as large as the box."},
        sharpness={
            "type": "number",
            "minimum": 0,
            "description": "The variance of the Laplacian of the upright face. Below 10 it is blurred; 200 is sharp.",
        },
        brightness={"type": "number", "minimum": 0, "maximum": 255, "description": "The mean of the face in grey."},
        share=_SHARE | {"description": "The part of the photo that the face fills."},
        score=_SHARE | {"description": "All of it in one number: 1 is a good picture."},
    ),
    "Face": object_of(
        "One face of a photo.",
        **_SEEN,
        label=_LABEL,
        probability=_PROBABILITY,
        similarity={
            "type": "number",
            "minimum": -1,
            "maximum": 1,
            "description": (
                "The similarity of the face and the likeliest person's photos: the mean cosine with the three most "
                "similar prototypes, after the mean embedding of strangers is subtracted. 1 is the same picture, about "
                "0 a stranger. `known` does not depend on it alone."
            ),
        },
        known=_KNOWN,
        enrolled=_ENROLLED,
        id={"type": ["string", "null"], "description": "The person's id in `/people`; null if not known."},
        predictions=list_of("Prediction", "The five likeliest people, the likeliest first.", minItems=1, maxItems=5),
    ),
    "Box": object_of(
        "A face's position in pixels of the photo: from the forehead to the chin, and from ear to ear.",
        left=_PIXELS,
        top=_PIXELS,
        width=_PIXELS,
        height=_PIXELS,
    ),
    "Prediction": object_of(
        "A person and how likely they are.",
        label={"type": "string"},
        probability=_PROBABILITY,
        enrolled=_ENROLLED,
        id={"type": "string", "description": "The person's id in `/people`."},
    ),
    "Model": object_of("The model that answered.", version={"type": "string"}),
    "KnownModel": object_of(
        "The model that answered, and the people who were added to it.",
        version={"type": "string"},
        roster={"type": ["integer", "null"], "description": "The version of the roster; null without one."},
    ),
    "Labels": object_of(
        "The people a model knows.",
        labels={"type": "array", "items": {"type": "string"}, "description": "Their names."},
        people=list_of("Person", "The same people, and whether each was enrolled."),
        threshold={"type": "number", "description": "The score from which a face is known; it compares models only."},
        measured=ref("Measured"),
        model=ref("KnownModel"),
    ),
    "Person": object_of("Somebody whom a model knows.", label={"type": "string"}, enrolled=_ENROLLED),
    "Measured": object_of(
        "How good a model is, measured when it was exported.",
        held_out={
            "description": "On faces of its people that it did not learn from; null if there were none.",
            "oneOf": [ref("HeldOut"), {"type": "null"}],
        },
        false_accept_rate=_SHARE | {"description": "The share of strangers for which the threshold was set."},
        measured_on={
            "type": ["string", "null"],
            "description": (
                "The photos of strangers that this share was measured on: LFW, or impostors, which are the owner's. "
                "Null if it is assumed."
            ),
        },
    ),
    "HeldOut": object_of(
        "Figures of faces that the model did not learn from.",
        faces={"type": "integer", "minimum": 1, "description": "The number of these faces."},
        name_right=_SHARE | {"description": "The share of them whose likeliest name is right."},
        recognised=_SHARE | {"description": "The share of them whose name is right and who are known."},
        expected_calibration_error=_SHARE
        | {"description": "The mean difference between `probability` and the share that is right."},
    ),
    "Health": object_of(
        "The model is loaded.",
        status={"const": "ok"},
        version={"type": "string", "description": "The version of Visage."},
        model=ref("Model"),
        engine=ref("Engine"),
        uptime_s={"type": "number", "minimum": 0, "description": "Seconds since the process started."},
    ),
    "Engine": object_of(
        "What runs the network.",
        name={"enum": list(ENGINES)},
        precision={"enum": _PRECISIONS, "description": "The number format of most of its computations."},
        threads={"type": "integer", "minimum": 1, "description": "The number of threads that work on one photo."},
    ),
    "Upload": object_of(
        "Where one large photo may be sent.",
        upload={"type": "string", "description": "The key that stands for the photo; it can be used once."},
        url={"type": "string", "format": "uri", "description": "Where to POST a form with `fields` and the photo."},
        fields={
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "The parts of the form. The photo comes after them, in a last part named `file`.",
        },
        expires_in_s={"type": "integer", "minimum": 1, "description": "Seconds in which the photo must be sent."},
        max_bytes={"type": "integer", "minimum": 1, "description": "The most bytes that the photo may have."},
    ),
    **PEOPLE_SCHEMAS,
    "Problem": with_optional(
        object_of(
            "What went wrong (RFC 9457).",
            type={
                "type": "string",
                "format": "uri",
                "description": "Identifies the kind of problem; it never changes.",
            },
            title={"type": "string", "description": "The kind of problem in words."},
            status={"type": "integer", "minimum": 400, "maximum": 599},
            detail={"type": "string", "description": "What went wrong in this request, for people."},
            request_id={"type": "string", "description": "The id of the request in the service's log."},
        ),
        id={"type": "string", "description": "Of `name-taken`: the id of the person who has the name."},
        photos=list_of("PhotoResult", "Of `no-photo-used`: why each photo cannot be used."),
    ),
    "GatewayMessage": object_of("An answer of API Gateway itself.", message={"type": "string"}),
}

_MODEL: Final = {"version": "8f5b0d73b5aa"}
_KNOWN_MODEL: Final = {**_MODEL, "roster": 17}

_UPLOAD: Final = "uploads/JrCkcJwYpCbeLhyTAbCBzOeEjfpzPjVdXZ9yC6cUfA4"

_IMAGE: Final = {"width": 626, "height": 1200, "complete": True, "rotation": 0}
_FACE: Final = {
    "box": {"left": 202, "top": 230, "width": 287, "height": 407},
    "detection_score": 0.9307,
    "landmarks": {
        "right_eye": {"x": 244.5, "y": 369.3},
        "left_eye": {"x": 369.7, "y": 377.7},
        "nose": {"x": 275.7, "y": 447.1},
        "mouth_right": {"x": 243.3, "y": 516.0},
        "mouth_left": {"x": 349.9, "y": 521.1},
    },
    "pose": {"yaw": -19.4, "pitch": 2.3, "roll": 2.2},
    "quality": {"size": 342, "sharpness": 363.4, "brightness": 101.3, "share": 0.1555, "score": 0.922},
    "advice": [],
}
_OTHER_FACE: Final = {
    "box": {"left": 386, "top": 96, "width": 231, "height": 325},
    "detection_score": 0.9047,
    "landmarks": {
        "right_eye": {"x": 446.5, "y": 206.3},
        "left_eye": {"x": 556.8, "y": 214.9},
        "nose": {"x": 504.8, "y": 271.7},
        "mouth_right": {"x": 451.2, "y": 319.8},
        "mouth_left": {"x": 545.8, "y": 327.1},
    },
    "pose": {"yaw": 4.3, "pitch": 0.1, "roll": 3.4},
    "quality": {"size": 274, "sharpness": 502.2, "brightness": 134.8, "share": 0.0726, "score": 1.0},
    "advice": [],
}
"""What is seen in two of the sample photos. The examples are answers of the sample people's bundle."""

_OBAMA: Final = {"label": "Barack Obama", "probability": 0.7235, "enrolled": False, "id": "bngpoknptqda"}

EXAMPLES: Final[dict[str, Any]] = {
    "Recognition": {
        "label": "Barack Obama",
        "probability": 0.7235,
        "known": True,
        "enrolled": False,
        "faces": [
            {
                **_FACE,
                **_OBAMA,
                "similarity": 0.7415,
                "known": True,
                "predictions": [
                    _OBAMA,
                    {"label": "Tom Hanks", "probability": 0.1204, "enrolled": False, "id": "i43c2fmbvfib"},
                    {"label": "Eileen Collins", "probability": 0.0808, "enrolled": False, "id": "llyi2l2izlr3"},
                    {"label": "Joe Biden", "probability": 0.0754, "enrolled": False, "id": "veu3o3zmxjlh"},
                ],
            }
        ],
        "image": _IMAGE,
        "model": _KNOWN_MODEL,
        "timing_ms": {"decode": 4.7, "detect": 6.4, "align": 7.1, "recognize": 47.2, "total": 65.6},
    },
    "Detection": {
        "faces": [_FACE],
        "image": _IMAGE,
        "model": _MODEL,
        "timing_ms": {"decode": 4.8, "detect": 6.2, "align": 2.8, "total": 13.8},
    },
    "Embeddings": {
        "faces": [{**_FACE, "embedding": [0.026015, -0.069639, -0.015487, -0.005956]}],
        "image": _IMAGE,
        "model": _MODEL,
        "timing_ms": {"decode": 12.2, "detect": 7.6, "align": 7.6, "embed": 87.8, "total": 115.4},
        "space": "casia-webface-072b5190cd97",
    },
    "Verification": {
        "same": True,
        "similarity": 0.7655,
        "score": 0.3882,
        "threshold": 0.049,
        "false_accept_rate": 0.001,
        "a": {**_FACE, "face": 1, "faces": 1},
        "b": {**_OTHER_FACE, "face": 1, "faces": 1},
        "model": _MODEL,
        "timing_ms": {"decode": 76.1, "detect": 52.2, "align": 50.5, "embed": 402.3, "total": 581.5},
    },
    "Labels": {
        "labels": ["Barack Obama", "Eileen Collins", "Joe Biden", "Tom Hanks"],
        "people": [
            {"label": name, "enrolled": False} for name in ("Barack Obama", "Eileen Collins", "Joe Biden", "Tom Hanks")
        ],
        "threshold": 0.8243,
        "measured": {
            "held_out": {"faces": 1, "name_right": 1.0, "recognised": 1.0, "expected_calibration_error": 0.2743},
            "false_accept_rate": 0.01,
            "measured_on": "LFW",
        },
        "model": _KNOWN_MODEL,
    },
    "Health": {
        "status": "ok",
        "version": VERSION,
        "model": _MODEL,
        "engine": {"name": "torchscript", "precision": "bfloat16", "threads": 2},
        "uptime_s": 17.2,
    },
    "Upload": {
        "upload": _UPLOAD,
        "url": "https://visage-dev-uploads-123456789012-eu-central-1.s3.eu-central-1.amazonaws.com/",
        "fields": {
            "Content-Type": CONTENT_TYPE,
            "key": _UPLOAD,
            "policy": "eyJleHBpcmF0aW9uI…",
            "x-amz-signature": "3f…",
        },
        "expires_in_s": LIFETIME_S,
        "max_bytes": MAX_UPLOAD_BYTES,
    },
    **PEOPLE_EXAMPLES,
}
