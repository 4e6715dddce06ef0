"""A face as JSON: the same members and digits in an answer of the API and in a row of `visage batch`."""

from typing import TYPE_CHECKING, Any, Final

from preprocess.appearance import Appearance
from preprocess.detect import Box

if TYPE_CHECKING:
    from model.recognizer import Face, Prediction

LANDMARKS: Final = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")
"""The names of a face's five points in their order. Right is the person's own right: it is left in the photo."""


def seen_json(box: Box, appearance: Appearance) -> dict[str, Any]:
    """Return what is seen of a face, whoever it is."""
    pose, quality = appearance.pose, appearance.quality
    points = zip(LANDMARKS, box.landmarks, strict=True)
    return {
        "box": box_json(box),
        "detection_score": rounded(box.score),
        "landmarks": {name: {"x": round(float(x), 1), "y": round(float(y), 1)} for name, (x, y) in points},
        "pose": {angle: round(getattr(pose, angle), 1) for angle in ("yaw", "pitch", "roll")},
        "quality": {
            "size": quality.size,
            "sharpness": round(quality.sharpness, 1),
            "brightness": round(quality.brightness, 1),
            "share": rounded(quality.share),
            "score": rounded(quality.score),
        },
        "advice": list(appearance.advice),
    }


def face_json(face: "Face") -> dict[str, Any]:
    """Return what is seen of a face, and who it is."""
    return {
        **seen_json(face.box, face.appearance),
        "label": face.label,
        "probability": rounded(face.probability),
        "similarity": rounded(face.similarity),
        "known": face.known,
        "enrolled": face.enrolled,
        "id": face.id,
        "predictions": [_prediction(prediction) for prediction in face.predictions],
    }


def box_json(box: Box) -> dict[str, int]:
    """Return the JSON of a box."""
    return {"left": box.left, "top": box.top, "width": box.width, "height": box.height}


def _prediction(prediction: "Prediction") -> dict[str, Any]:
    probability = rounded(prediction.probability)
    return {"label": prediction.label, "probability": probability, "enrolled": prediction.enrolled, "id": prediction.id}


def rounded(value: float) -> float:
    """Round to four decimals; further ones would not be significant."""
    return round(float(value), 4)
