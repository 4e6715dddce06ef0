"""Counts the photos that are copies of one picture, and says how many there are."""

from collections import Counter
from collections.abc import Iterable, Mapping

from dataset.words import counted


def count_copies(groups: Iterable[int]) -> dict[str, int]:
    """Return how many photos have copies, by the numbers of their groups, and of how many pictures they are copies.

    A negative number stands for a photo of which copies were not looked for; "unknown" is the number of those.
    """
    sizes = Counter(groups)
    unknown = sum(size for group, size in sizes.items() if group < 0)
    shared = [size for group, size in sizes.items() if group >= 0 and size > 1]
    return {"photos": sum(shared), "pictures": len(shared), "unknown": unknown}


def told_copies(copies: Mapping[str, int] | None) -> str:
    """Return a sentence on what `count_copies` counted; None stands for a run that did not look for copies."""
    if copies is None:
        return "An older version of Visage trained this. It did not look for copies, so that both sides may have some."
    sentences = ["No two photos are copies of one picture."]
    if copies["photos"]:
        pictures = counted(copies["pictures"], "picture")
        sentences = [f"{counted(copies['photos'], 'photo')} are copies of {pictures}; all copies are on one side."]
    if copies["unknown"]:
        faces = counted(copies["unknown"], "face")
        sentences.append(f"Copies were not looked for among {faces} that `visage prepare` does not know.")
    return " ".join(sentences)
