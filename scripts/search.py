"""`visage search`: the photos of a batch's output in which a face is, best first."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Column, Table
from rich.text import Text

from dataset.words import counted
from preprocess.detect import MAX_FACES
from preprocess.files import read_photo
from preprocess.names import printable
from scripts import checks
from scripts.console import CACHE, SETTINGS, Answer, CommandError, JSONOption, emit, note, out, progress, steps

if TYPE_CHECKING:
    from batch.storage import Storage
    from collection.face_index import FaceIndex
    from collection.search import Found
    from model.cohort import FloatArray

_QUICK_ENGINE: Final = "onnx"
"""Starts in a fraction of the time of the other. Pairs of photos pass as often if each is of another engine."""

_STYLES: Final = {"likely": "green", "possible": "yellow"}


def search(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A photo of the person.")],
    location: Annotated[
        str, typer.Option("--in", metavar="OUTPUT", help="The output of a batch: a folder or s3://bucket/prefix.")
    ],
    bundle: Annotated[str, typer.Option(help="A bundle of the same embedding space: a folder or s3://bucket/prefix.")],
    face: Annotated[
        int, typer.Option(min=1, max=MAX_FACES, help="The number of the face in PHOTO; 1 is the most prominent.")
    ] = 1,
    top: Annotated[int, typer.Option(min=1, help="The most photos to list.")] = 20,
    strangers: Annotated[
        float,
        typer.Option(
            min=0.000001, help="How many faces of other people may be called likely, on average, among all searched."
        ),
    ] = 1.0,
    as_json: JSONOption = False,
) -> None:
    """List the photos of a batch's output in which a face is, best first, each photo once.

    The batch must have run with --keep-embeddings. The exit status is 0 if all of it was searched, whatever was found.
    """
    from batch.storage import storage_at
    from collection.output import searchable, unfinished
    from collection.search import bars_for
    from collection.search import search as search_index
    from model import bundle as bundles
    from model.cohort import Cohort
    from model.space import embedding_space

    data = _read(photo)
    loaded = bundles.load(bundle, files={bundles.COHORT})
    space = embedding_space(loaded.manifest)
    with closing(storage_at(location)) as output:
        header = searchable(output, space)
        remark = unfinished(output)
        checks.announce("Searching", as_json=as_json)
        with ThreadPoolExecutor(1) as pool:  # the network is loaded beside all that needs none
            embedded = pool.submit(_face_of, bundle, data, face)
            cohort = Cohort.load(loaded.path(bundles.COHORT))
            index = _index_of(output)
            bars = bars_for(cohort, len(index), strangers)
        embedding, seen = embedded.result()
        found = search_index(output, index, embedding, cohort, bars, header.model, top)
    answer = {
        "photo": str(photo),
        "face": seen,
        "output": location,
        "complete": not remark,
        "model": header.model,
        **_answer(found),
    }
    emit(answer, as_json=as_json, show=lambda _: _show(answer))
    note(filter(None, (remark, _remark(photo, seen))))
    _require_whole(found)


def _read(photo: Path) -> bytes:
    if not photo.is_file():  # what is no file may never end
        raise CommandError(f"There is no photo {photo}.")
    return read_photo(photo)


def _face_of(bundle: str, data: bytes, number: int) -> "tuple[FloatArray, dict[str, Any]]":
    """Return the (512,) embedding of a face of the photo, and what is said of the face."""
    from model.recognizer import Recognizer

    settings = replace(SETTINGS, engine=_QUICK_ENGINE, threads=1)  # the listing has the other core
    recognizer = Recognizer.load(bundle, settings)
    found = recognizer.find(data)
    if number > len(found.boxes):
        raise CommandError(
            f"There is no face {number} in the photo. --face may be 1 to {len(found.boxes)}; 1 is the most prominent."
        )
    embedding = recognizer.embed(found, number)
    (appearance,) = embedding.detection.appearances
    seen = {"face": number, "faces": len(found.boxes), "advice": list(appearance.advice)}
    return embedding.embeddings[0], seen


def _index_of(output: "Storage") -> "FaceIndex":
    from collection import face_index
    from collection.output import index_folder

    with progress() as bar:
        show = steps(bar)
        folder = index_folder(output.location, CACHE)
        return face_index.update(output, folder, lambda *done: show("Reading new parts", *done))


def _answer(found: "Found") -> Answer:
    from collection.search import hit_json

    bars = found.bars
    return {
        "faces": found.faces,
        "likely": {"faces": found.likely, "score": round(bars.likely, 4), "strangers": bars.likely_strangers},
        "possible": {"faces": found.possible, "score": round(bars.possible, 4), "strangers": bars.possible_strangers},
        "nearest": None if found.nearest is None else round(found.nearest, 4),
        "hits": [hit_json(hit) for hit in found.hits],
        "damaged": list(found.damaged),
    }


def _show(answer: Answer) -> None:
    if answer["hits"]:
        out.print(_table(answer["hits"]))
    for sentence in _sentences(answer):
        out.print(sentence)


def _table(hits: list[dict[str, Any]]) -> Table:
    table = Table(Column("Photo", overflow="fold"), "Match", "Similarity", "Box", "Label")
    for hit, following in zip(hits, [*hits[1:], None], strict=True):
        box = "{width}x{height} at {left}, {top}".format(**hit["box"])
        table.add_row(
            printable(hit["photo"]),
            Text(hit["match"], _STYLES[hit["match"]]),
            f"{hit['similarity']:.3f}",
            box,
            printable(hit["label"] or ""),
            end_section=following is not None and following["match"] != hit["match"],
        )
    return table


def _sentences(answer: Answer) -> list[str]:
    """Return what the list means."""
    faces, likely, possible = (answer[name] for name in ("faces", "likely", "possible"))
    searched = counted(faces, "face")
    if not faces:
        return ["There is no face in the output."]
    if not possible["faces"]:
        return [f"No face is like this one. Searched {searched}; the most similar one reaches {answer['nearest']:.3f}."]
    others = possible["faces"] - likely["faces"]
    counts = f"Searched {searched}. {likely['faces']} likely to be of this person, and {others} possible."
    if possible["strangers"] is None:
        return [counts, "Nobody has measured strangers with this network: the bar is a cautious guess."]
    expected = [_about(bar["strangers"]) for bar in (likely, possible)]
    return [
        counts,
        "Faces of other people, on average: {} of the likely, {} of all that are listed as possible.".format(*expected),
    ]


def _about(number: float) -> str:
    return f"{number:,.0f}" if number >= 1 else f"{number:.2g}"


def _remark(photo: Path, seen: dict[str, Any]) -> str:
    if seen["faces"] == 1:
        return ""
    return (
        f"{printable(str(photo))} shows {counted(seen['faces'], 'face')}; number {seen['face']} was searched for. "
        "--face takes another."
    )


def _require_whole(found: "Found") -> None:
    """End with an error if parts are damaged.

    Raises:
        CommandError: they are.
    """
    if found.damaged:
        named = ", ".join(found.damaged[:3]) + (" and others" if len(found.damaged) > 3 else "")
        raise CommandError(
            f"{counted(len(found.damaged), 'part')} of the output cannot be read, and was not searched: {named}. "
            "Remove the files of these names in parts/ and embeddings/, and run the batch again: it does them anew."
        )
