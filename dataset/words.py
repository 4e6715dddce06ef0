"""Counts things in sentences."""

from collections.abc import Mapping
from typing import Final

_PLURALS: Final = {"person": "people"}


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: "1 photo", "2 photos", "0 people".

    Of a noun of several words the last one gets the ending.
    """
    return f"{count} {noun if count == 1 else _PLURALS.get(noun, f'{noun}s')}"


def told_copies(counts: Mapping[str, int] | None) -> str:
    """Return a sentence on the photos that have copies, see `copies.counts`; None stands for a run that did not look."""
    if counts is None:
        return "An older version did not look for copies of a picture: they may be on both sides."
    unknown = f" Not looked at, because `visage prepare` did not write them: {counts['unknown']}." * (
        counts["unknown"] > 0
    )
    if not counts["photos"]:
        return f"No two photos are copies of one picture.{unknown}"
    pictures = counted(counts["pictures"], "picture")
    return f"{counts['photos']} photos are copies of {pictures}. Copies of a picture are all on one side.{unknown}"
