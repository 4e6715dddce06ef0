"""A pile whose photos say in their files who is in them: what finds faces reads that instead of pixels."""

import base64
import hashlib
from dataclasses import replace

import numpy as np
from PIL import Image

from collection import sort as sorting
from dataset.candidates import PICTURE_SIDE, Candidate, Candidates, read_journal, write_journal
from preprocess.detect import Box

MEAN = np.zeros(512, np.float32)


def vector(who, file):
    """Return the embedding of somebody in a photo: theirs, and a little of the photo's own."""
    own, other = (np.random.default_rng(list(seed.encode())).standard_normal(512) for seed in (who, who + file))
    return (own + 0.4 * other).astype(np.float32)


def face(who, file, place=0, side=100):
    halves = vector(who, file) / np.linalg.norm(vector(who, file))
    grey = hashlib.shake_128(f"{who}{file}".encode()).digest(PICTURE_SIDE**2)
    return Candidate(
        Box(150 * place, 0, side, side, 0.9),
        f".visage/faces/{hashlib.sha256(file.encode()).hexdigest()[:16]}-{place}.jpg",
        100.0,
        base64.b64encode(grey).decode(),
        base64.b64encode(halves.astype(np.float16).tobytes()).decode(),
    )


def looked_at(task):
    """Return what is found in a photo with the text "ann bob", or "ann:ORIGINAL" for a copy of a picture of Ann."""
    text = task.path.read_text(encoding="utf-8")
    faces = []
    for place, word in enumerate(text.split()):
        who, _, original = word.partition(":")
        small = who.endswith("-")
        faces.append(replace(face(who.strip("-"), original or text, place, 20 if small else 100)))
    reason = None if faces else "No face was found."
    return Candidates(task.name, "", task.stamp(), hashlib.sha256(text.encode()).hexdigest(), tuple(faces), reason)


def find_faces(tasks, journal, workers, on_progress):
    """Find faces by the text of the photos, and write a picture of each: a colour for each person."""
    known = read_journal(journal)
    found = [looked_at(task) for task in tasks]
    for task, photo in zip(tasks, found, strict=True):
        for each, who in zip(photo.faces, task.path.read_text(encoding="utf-8").split(), strict=True):
            chip = task.aligned / each.chip
            chip.parent.mkdir(parents=True, exist_ok=True)
            colour = "#" + hashlib.sha256(who.encode()).hexdigest()[:6]
            Image.new("RGB", (48, 48), colour).save(chip)
    on_progress(len(found), len(found))
    write_journal(journal, (known | {photo.photo: photo for photo in found}).values())
    return found


class Pile:
    """A pile and its sorted photos."""

    def __init__(self, home):
        self.pile, self.photos, self._count = home / "pile", home / "photos", 0

    def put(self, people, *names):
        """Put photos of these people into the pile; each is another picture."""
        for name in names:
            path = self.pile / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._count += 1
            path.write_text(people + self._count * " ", encoding="utf-8")

    def sort(self, **options):
        return sorting.sort(
            sorting.check(self.pile, self.photos), self.photos, None, MEAN, 1, lambda *_: None, **options
        )

    def decide(self, *decision):
        return sorting.decide(self.photos, *decision)

    def folders(self):
        """Return the names of the photos in each folder."""
        return {
            folder.name: sorted(path.name for path in folder.rglob("*"))
            for folder in self.photos.iterdir()
            if folder.is_dir() and folder.name != ".visage"
        }


def filled(home):
    """Return a pile: photos of Ann, more of Bob, one of Cleo, and one without anybody."""
    pile = Pile(home)
    pile.put("ann", "a1.jpg", "a2.jpg", "a3.jpg")
    pile.put("bob", "b1.jpg", "b2.jpg", "b3.jpg", "b4.jpg")
    pile.put("cleo", "c1.jpg")
    pile.put("", "hills.jpg")
    return pile


SORTED = {
    "person-001": ["b1.jpg", "b2.jpg", "b3.jpg", "b4.jpg"],
    "person-002": ["a1.jpg", "a2.jpg", "a3.jpg"],
    "unsorted": ["c1.jpg", "hills.jpg"],
}
