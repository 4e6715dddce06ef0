"""Counts things in sentences."""

from typing import Final

_PLURALS: Final = {"person": "people"}


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: "1 photo", "2 photos", "0 people".

    Of a noun of several words the last one gets the ending.
    """
    return f"{count} {noun if count == 1 else _PLURALS.get(noun, f'{noun}s')}"
