"""`visage benchmark`: how good a network is, on photos that everybody measures theirs on."""

import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.error import URLError

import typer
from rich.progress import Progress
from rich.table import Table
from sklearn.datasets import fetch_lfw_pairs

from model import bundle as bundles
from model import pretrained
from model.lfw import LFW, REPORT, ROC, Subject, measure
from scripts.console import CACHE, CommandError, JSONOption, PretrainedOption, console, emit, out, progress

_HOME: Final = CACHE / "scikit-learn"
_PHOTOS: Final = _HOME / "lfw_home" / "lfw_funneled"
_ARCHIVE: Final = _PHOTOS.with_name("lfw-funneled.tgz")
"""scikit-learn deletes it once it is unpacked."""

app = typer.Typer(help="Measure a network on a public benchmark.", no_args_is_help=True)


@app.callback()
def _benchmark() -> None:
    """Measure a network on a public benchmark."""


@app.command()
def lfw(
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="LFW, a folder a person, and pairs.txt in it or beside it; else fetched."),
    ] = None,
    bundle: Annotated[str | None, typer.Option(metavar="DIR|S3", help="The bundle to measure.")] = None,
    weights: PretrainedOption = None,
    size: Annotated[int | None, typer.Option(min=80, max=600, help="Side of the chips in pixels.")] = None,
    padding: Annotated[float | None, typer.Option(min=0, max=2, help="Margin around the face.")] = None,
    flip: Annotated[bool, typer.Option("--flip", help="Add each face's mirror image to its embedding.")] = False,
    subtract_mean: Annotated[
        bool, typer.Option("--subtract-mean", help="Take the other folds' mean from the embeddings.")
    ] = False,
    crop_center: Annotated[
        bool, typer.Option("--crop-center", help="Where no face is found, take the middle of the photo.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that work at the same time. [default: one a core]")
    ] = None,
    output: Annotated[Path, typer.Option(help="Where figures, curve and embeddings go.")] = Path("benchmark"),
    as_json: JSONOption = False,
) -> None:
    """Labeled Faces in the Wild, view 2: do two photos show the same person? Interrupted, the same command goes on."""
    if bundle and weights:
        raise CommandError("Give --bundle or --pretrained, not both.")
    dataset = LFW.read(directory or _fetch())
    with progress() as bar:
        subject = _subject(bundle, weights, bar)
        task = bar.add_task("Embedding, photos", total=None)
        result = measure(
            dataset,
            _cut(replace(subject, flip=flip), size, padding),
            output,
            workers or len(os.sched_getaffinity(0)),
            lambda done, total: bar.update(task, completed=done, total=total),
            subtract_mean=subtract_mean,
            crop_center=crop_center,
        )
    result.write(output)
    emit(result.to_dict(), as_json=as_json, show=_show)
    console.print(f"Figures: {output / REPORT}", f"ROC curve: {output / ROC}", sep="\n")


def _fetch() -> Path:
    """Return scikit-learn's copy of LFW, 233 MB, downloading it the first time.

    Raises:
        CommandError: it cannot be downloaded.
    """
    if _ARCHIVE.exists():
        shutil.rmtree(_PHOTOS, ignore_errors=True)
    if not _PHOTOS.is_dir():
        console.print("Downloading Labeled Faces in the Wild, 233 MB.")
        try:
            with warnings.catch_warnings(action="ignore"):
                # One pixel a photo: only the files are wanted.
                corner = slice(0, 1), slice(0, 1)
                fetch_lfw_pairs(subset="10_folds", data_home=_HOME, funneled=True, resize=None, slice_=corner)
        except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
            raise CommandError(
                f"Labeled Faces in the Wild cannot be downloaded: {error}. Download it elsewhere, with pairs.txt, and "
                "give its folder: visage benchmark lfw DIR"
            ) from error
    return _PHOTOS


def _subject(bundle: str | None, weights: str | None, bar: Progress) -> Subject:
    if bundle:
        return Subject.of_bundle(bundles.load(bundle))
    on_download = _download_bar(bar)
    return Subject.of_pretrained(pretrained.load(weights, CACHE / "pretrained", on_download, bar.console.print))


def _download_bar(bar: Progress) -> Callable[[str, int, int], None]:
    task = bar.add_task("Downloading, MB", total=None, visible=False)

    def show(name: str, done: int, total: int) -> None:
        megabytes = done // 1_000_000, max(total // 1_000_000, 1)
        bar.update(
            task, description=f"Downloading {name}, MB", completed=megabytes[0], total=megabytes[1], visible=True
        )

    return show


def _cut(subject: Subject, size: int | None, padding: float | None) -> Subject:
    """Return the subject with the chips that were asked for."""
    geometry = subject.embedder.geometry
    if size is not None:
        geometry = replace(geometry, size=size)
    if padding is not None:
        geometry = replace(geometry, padding=padding)
    return replace(subject, embedder=replace(subject.embedder, geometry=geometry))


def _show(result: dict[str, Any]) -> None:
    table = Table("Figure", "Measured")
    table.add_row("accuracy", f"{result['accuracy']:.2%} ± {result['standard_error']:.2%}")
    for rate, share in result["tar_at_far"].items():
        table.add_row(f"accepted at a false accept rate of {float(rate):.1%}", f"{share:.2%}")
    table.add_row("equal error rate", f"{result['equal_error_rate']:.2%}")
    table.add_row("area under the curve", f"{result['auc']:.5f}")
    out.print(table)
    out.print(f"{result['photos_without_face']} of {result['photos']} photos have no face that was found;", end=" ")
    out.print(f"{result['pairs_without_face']} of {result['pairs']} pairs count as wrong for that.")
