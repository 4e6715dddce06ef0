"""`visage benchmark`: measures a network on public photos, and the whole product on photos of your own."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from dataset.folders import Listing, People, listing, walk
from dataset.prepare import photos_of_strangers
from dataset.tally import told_copies
from dataset.words import counted
from evaluation.lfw_pairs import LFW
from model import bundle as bundles
from model.settings import cores
from scripts import checks, lfw_photos, samples
from scripts.console import (
    CACHE,
    SETTINGS,
    CommandError,
    JSONOption,
    PretrainedOption,
    WorkersOption,
    console,
    emit,
    out,
    progress,
    steps,
)
from training.recipe import FALSE_ACCEPT_RATE, Recipe

if TYPE_CHECKING:
    from evaluation.lfw_faces import Subject
    from model.cohort import Cohort
    from training.embedder import Embedder

_ELSEWHERE: Final = "Download it and pairs.txt by other means, then give the folder:"

_GALLERIES: Final = (10, 50, 200)

_SHARES: Final = (0.1, 0.2, 0.3)

_SECONDS_A_DETECTION: Final = 0.12
"""Mean of the detectors, decoding included."""

PeopleArgument = Annotated[Path, typer.Argument(help="A folder with one folder of photos for each person.")]
StrangersOption = Annotated[Path | None, typer.Option(help="A folder of photos of people who are not in PHOTOS.")]
SeedOption = Annotated[
    int, typer.Option(min=0, help="Seed of the random numbers; the same seed gives the same result.")
]

RateOption = Annotated[
    float, typer.Option(min=0.0001, max=0.5, help="Share of strangers that may be accepted as a known person.")
]

LFWArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="DIR", help="A folder with one folder of photos for each person. (default: a download of LFW)"
    ),
]

app = typer.Typer(help="Measure a network on public photos, or the whole product on yours.", no_args_is_help=True)


@app.command()
def lfw(
    directory: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="LFW: one folder for each person, pairs.txt in DIR or beside it. (default: a download)",
        ),
    ] = None,
    bundle: Annotated[str | None, typer.Option(metavar="DIR|S3", help="The bundle to measure.")] = None,
    weights: PretrainedOption = None,
    size: Annotated[int | None, typer.Option(min=80, max=600, help="Side of the chips in pixels.")] = None,
    padding: Annotated[float | None, typer.Option(min=0, max=2, help="Margin around the face.")] = None,
    flip: Annotated[bool, typer.Option("--flip", help="Add the embedding of the mirrored face.")] = False,
    subtract_mean: Annotated[
        bool, typer.Option("--subtract-mean", help="Subtract the mean embedding of the other folds.")
    ] = False,
    crop_center: Annotated[
        bool, typer.Option("--crop-center", help="Where no face is found, use the middle of the photo.")
    ] = False,
    workers: WorkersOption = None,
    output: Annotated[Path, typer.Option(help="Folder for the figures, the ROC curve and the embeddings.")] = Path(
        "benchmark"
    ),
    as_json: JSONOption = False,
) -> None:
    """Measure on Labeled Faces in the Wild, view 2, whether two photos show the same person.

    After an interruption, the same command continues.
    """
    if bundle and weights:
        raise CommandError("Give --bundle or --pretrained, not both.")
    dataset = LFW.read(directory) if directory else None
    checks.bundle(bundle)
    _check(output, 7701, workers, weights, as_json=as_json)
    from evaluation.lfw import ROC, measure
    from evaluation.lfw import Result as LFWResult

    dataset = dataset or LFW.read(lfw_photos.fetch(f"{_ELSEWHERE} visage benchmark lfw DIR"))
    with progress() as bar:
        subject = _subject(bundle, weights, bar)
        result = measure(
            dataset,
            _with_chips(replace(subject, flip=flip), size, padding),
            output,
            workers or cores(),
            partial(steps(bar), "Embedding, photos"),
            subtract_mean=subtract_mean,
            crop_center=crop_center,
        )
    result.write(output)
    emit(result.to_dict(), as_json=as_json, show=_show)
    console.print(f"Figures: {output / LFWResult.FILE}", f"ROC curve: {output / ROC}", sep="\n")


def _people(photos: Path, strangers: Path | None) -> tuple[People, Listing]:
    """Return the photos of people and of strangers."""
    return walk(photos), photos_of_strangers(strangers) if strangers else Listing(Path())


def _check(output: Path, photos: int, workers: int | None, weights: str | None = None, *, as_json: bool) -> None:
    """Check where the figures go and the weights, and say how many photos will be looked at."""
    checks.target(output, photos * checks.MEGABYTES_A_PHOTO)
    checks.weights(weights)
    seconds = photos * checks.SECONDS_A_PHOTO / min(workers or cores(), cores())
    checks.announce(
        f"Measuring on {counted(photos, 'photo')}, unless an earlier call has looked at them", seconds, as_json=as_json
    )


def _subject(bundle: str | None, weights: str | None, bar: Progress) -> "Subject":
    from evaluation.lfw_faces import Subject
    from scripts.weights import load_weights

    if bundle:
        return Subject.of_bundle(bundles.load(bundle))
    return Subject.of_pretrained(load_weights(weights, bar))


def _with_chips(subject: "Subject", size: int | None, padding: float | None) -> "Subject":
    """Return the subject with another size or padding of its chips."""
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
    out.print(f"No face was found in {result['photos_without_face']} of {counted(result['photos'], 'photo')}.", end=" ")
    out.print(f"Counted as wrong for that: {result['pairs_without_face']} of {counted(result['pairs'], 'pair')}.")


@app.command()
def enrolment(
    directory: LFWArgument = None,
    people: Annotated[
        list[int] | None,
        typer.Option(min=2, help="Number of people in a gallery; may be repeated. (default: 10, 50, 200)"),
    ] = None,
    photos: Annotated[int, typer.Option(min=1, help="Number of photos to enrol each person by.")] = 1,
    repeats: Annotated[int, typer.Option(min=1, help="Number of galleries of each size, drawn at random.")] = 10,
    false_accept_rate: RateOption = FALSE_ACCEPT_RATE,
    seed: SeedOption = 0,
    weights: PretrainedOption = None,
    workers: WorkersOption = None,
    output: Annotated[Path, typer.Option(help="Folder for the figures and the faces that were found.")] = Path(
        "benchmark/enrolment"
    ),
    as_json: JSONOption = False,
) -> None:
    """Enrol people by one photo each, and recognise their other photos and strangers.

    The people are those of LFW whom no threshold was measured on. After an interruption, the same command continues.
    """
    found = photos_of_strangers(directory or lfw_photos.fetch(f"{_ELSEWHERE} visage benchmark enrolment DIR"))
    _check(output, len(found.photos) // 2, workers, weights, as_json=as_json)
    from evaluation import enrolment as enrolment_benchmark

    with progress() as bar:
        embedder, cohort = _with_cohort(None, weights, bar)
        result = enrolment_benchmark.measure(
            found,
            embedder,
            cohort,
            output,
            workers or cores(),
            sizes=people or _GALLERIES,
            enrolled=photos,
            repeats=repeats,
            rate=false_accept_rate,
            seed=seed,
            on_step=steps(bar),
        )
    result.write(output)
    emit(result.to_dict(), as_json=as_json, show=_show_enrolment)
    console.print(f"Figures: {output / enrolment_benchmark.Result.FILE}")


def _show_enrolment(result: dict[str, Any]) -> None:
    table = Table("People", "Name right", "Recognised", "Strangers taken", "95 % interval")
    for row in result["rows"]:
        shares = [_percent(row[name]) for name in ("name_right", "recognised", "strangers_taken")]
        table.add_row(str(row["people"]), *shares, " to ".join(map(_percent, row["strangers_taken_interval"])))
    out.print(table)


@app.command()
def corrections(
    directory: PeopleArgument,
    people: Annotated[int, typer.Option(min=2, help="Number of people on the roster; the others are strangers.")] = 40,
    photos: Annotated[int, typer.Option(min=1, help="Number of photos to add each person by.")] = 1,
    repeats: Annotated[int, typer.Option(min=1, help="Number of rosters, drawn at random.")] = 10,
    false_accept_rate: RateOption = FALSE_ACCEPT_RATE,
    seed: SeedOption = 0,
    weights: PretrainedOption = None,
    workers: WorkersOption = None,
    output: Annotated[Path, typer.Option(help="Folder for the figures and the faces that were found.")] = Path(
        "benchmark/corrections"
    ),
    as_json: JSONOption = False,
) -> None:
    """Correct half of all answers as an owner does, and measure what that changes for the other half.

    After an interruption, the same command continues.
    """
    found = photos_of_strangers(directory)
    _check(output, 2 * len(found.photos), workers, weights, as_json=as_json)
    from evaluation import corrections as corrections_benchmark

    with progress() as bar:
        embedder, cohort = _with_cohort(None, weights, bar)
        result = corrections_benchmark.measure(
            found,
            embedder,
            cohort,
            output,
            workers or cores(),
            people=people,
            enrolled=photos,
            repeats=repeats,
            rate=false_accept_rate,
            seed=seed,
            on_step=steps(bar),
        )
    result.write(output)
    emit(result.to_dict(), as_json=as_json, show=_show_corrections)
    console.print(f"Figures: {output / corrections_benchmark.Result.FILE}")


def _show_corrections(result: dict[str, Any]) -> None:
    given = result["corrections"]
    moments = {
        "before": "before",
        "photos": f"after {counted(given['photos'], 'photo')}",
        "near_misses": f"and {given['near_misses']} near misses",
    }
    names = ("recognised", "wrong_name", "strangers_taken", "recognised_without_corrections")
    table = Table("Corrections", "Recognised", "Wrong name", "Strangers taken", "Recognised of the others")
    for moment, title in moments.items():
        shares = [result["rows"][moment][name] for name in names]
        table.add_row(title, *(_percent(share["share"]) if share["faces"] else "-" for share in shares))
    out.print(table)


@app.command()
def verification(
    directory: LFWArgument = None,
    bundle: Annotated[str | None, typer.Option(metavar="DIR|S3", help="The bundle to measure.")] = None,
    weights: PretrainedOption = None,
    workers: WorkersOption = None,
    output: Annotated[Path, typer.Option(help="Folder for the figures and the faces that were found.")] = Path(
        "benchmark/verification"
    ),
    as_json: JSONOption = False,
) -> None:
    """Measure how often `visage verify` takes two people for one, and finds that two photos show one person.

    The people are those of LFW whom no threshold was measured on. After an interruption, the same command continues.
    """
    if bundle and weights:
        raise CommandError("Give --bundle or --pretrained, not both.")
    checks.bundle(bundle)
    found = photos_of_strangers(directory or lfw_photos.fetch(f"{_ELSEWHERE} visage benchmark verification DIR"))
    _check(output, len(found.photos) // 4, workers, weights, as_json=as_json)
    from evaluation import same_person

    with progress() as bar:
        embedder, cohort = _with_cohort(bundle, weights, bar)
        result = same_person.measure(found, embedder, cohort, output, workers or cores(), steps(bar))
    result.write(output)
    emit(result.to_dict(), as_json=as_json, show=_show_verification)
    console.print(f"Figures: {output / same_person.Result.FILE}")


def _with_cohort(bundle: str | None, weights: str | None, bar: Progress) -> "tuple[Embedder, Cohort]":
    """Return what embeds faces, and its cohort, of a bundle or of pretrained weights."""
    from model.cohort import Cohort
    from scripts.weights import load_weights
    from training.cohorts import FOLDER, cohort_of
    from training.embedder import Embedder

    if bundle:
        loaded = bundles.load(bundle)
        return Embedder.of_bundle(loaded), Cohort.load(loaded.path(bundles.COHORT))
    start = load_weights(weights, bar)
    embedder = Embedder.of_pretrained(start)
    cohort = cohort_of({"name": start.name, "sha256": start.sha256}, embedder.geometry, CACHE / FOLDER)
    if cohort is None:
        raise CommandError("Nobody has measured strangers with these weights. Run `visage benchmark strangers` first.")
    return embedder, cohort


def _show_verification(result: dict[str, Any]) -> None:
    table = Table("Figure", "Measured", "95 % interval")
    for name, figure in (("different people", "false_accepts"), ("one person", "true_accepts")):
        rate = result[figure]
        people = f"pairs of {name} that pass, of {rate['pairs']:,} of {rate['people']:,} people"
        table.add_row(people, f"{rate['value']:.3%}", " to ".join(f"{end:.3%}" for end in rate["interval"]))
    out.print(table)
    out.print(f"A pair passes from score {result['threshold']:.3f} on.", end=" ")
    out.print(f"Of pairs of different people, {result['stated_rate']:.1%} should.")
    bars = Table("Bar of a search", "Score", "Different people", "One person")
    for bar in result["searches"]:
        shares = f"{bar['false_accepts']:.5%}", f"{bar['true_accepts']:.1%}"
        bars.add_row(f"{bar['stated_rate']:.4%} of pairs", f"{bar['threshold']:.3f}", *shares)
    out.print(bars)


@app.command()
def strangers(
    directory: LFWArgument = None,
    weights: PretrainedOption = None,
    workers: WorkersOption = None,
    output: Annotated[
        Path | None, typer.Option(help="Another folder for what is measured. (default: where `visage export` looks)")
    ] = None,
    as_json: JSONOption = False,
) -> None:
    """Measure what strangers are like to a network: `visage export` then sets thresholds by it.

    After an interruption, the same command continues.
    """
    found = photos_of_strangers(directory or lfw_photos.fetch(f"{_ELSEWHERE} visage benchmark strangers DIR"))
    _check(output or CACHE, len(found.photos), workers, weights, as_json=as_json)
    from preprocess.geometry import Geometry
    from scripts.weights import load_weights
    from training.cohorts import FOLDER, measure, some_photos

    with progress() as bar:
        start, target = load_weights(weights, bar), output or CACHE / FOLDER
        cohort, _ = measure(some_photos(found), "LFW", start, Geometry(), target, workers or cores(), steps(bar))
    result = {"weights": start.name, "centres": len(cohort.centres), "corrections": cohort.corrections.tolist()}
    emit(result, as_json=as_json, show=_show_strangers)


def _show_strangers(result: dict[str, Any]) -> None:
    out.print(f"Strangers of {result['weights']} are measured: {counted(result['centres'], 'centre')}.")


@app.command()
def cleaning(
    photos: PeopleArgument,
    strangers: StrangersOption = None,
    shares: Annotated[
        list[float] | None,
        typer.Option("--share", min=0.01, max=0.9, help="Share of wrong photos in each folder; may be repeated."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Number of random draws for each share.")] = 5,
    seed: SeedOption = 0,
    weights: PretrainedOption = None,
    workers: WorkersOption = None,
    output: Annotated[Path, typer.Option(help="Folder for the figures and for the faces that were found.")] = Path(
        "benchmark/cleaning"
    ),
    as_json: JSONOption = False,
) -> None:
    """Measure whether `visage prepare` sets aside photos of other people, and only those."""
    checks.outside(output, photos, strangers)
    known, unknown = _people(photos, strangers)
    _check(output, known.total + len(unknown.photos), workers, weights, as_json=as_json)
    from evaluation import cleaning as injection
    from scripts.weights import load_weights
    from training.embedder import Embedder

    with progress() as bar:
        show, embed = steps(bar), Embedder.of_pretrained(load_weights(weights, bar))
        find_faces = partial(injection.find_faces, output=output, workers=workers or cores(), embed=embed)
        people = find_faces(known, on_progress=partial(show, "Finding faces of people"))
        others = find_faces(unknown, on_progress=partial(show, "Finding faces of strangers")) if strangers else ()
        result = injection.measure(
            people,
            others,
            shares=shares or _SHARES,
            repeats=repeats,
            seed=seed,
            on_progress=partial(show, "Trials"),
        )
    result.write(output)
    emit(result.to_dict(), as_json=as_json, show=_show_cleaning)
    console.print(f"Figures: {output / injection.Result.FILE}")


def _show_cleaning(result: dict[str, Any]) -> None:
    table = Table("Share", "Injected", "Recall, mean", "least", "Precision, mean", "least", "Other reasons")
    for row in result["shares"]:
        figures = [row[name][kind] for name in ("recall", "precision") for kind in ("mean", "min")]
        others = str(row["set_aside_for_other_reasons"])
        table.add_row(f"{row['share']:.0%}", str(row["injected"]), *map(_percent, figures), others)
    out.print(table)
    for photo in result["own_set_aside_without_injection"]:
        out.print(Text("set aside without injection, counted as false alarm", "yellow"), photo)


@app.command()
def sort(
    photos: PeopleArgument,
    also: Annotated[
        list[Path] | None, typer.Option(help="A folder of other people, mixed into the pile. Repeat for more.")
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also group by scikit-learn's HDBSCAN and by two linkages.")
    ] = False,
    weights: PretrainedOption = None,
    workers: WorkersOption = None,
    output: Annotated[Path, typer.Option(help="Folder for the figures and for the faces that were found.")] = Path(
        "benchmark/sort"
    ),
    as_json: JSONOption = False,
) -> None:
    """Measure how `visage sort` groups photos of known people without their names.

    After an interruption, the same command continues.
    """
    checks.outside(output, photos, *(also or ()))
    piles = [photos_of_strangers(folder) for folder in (photos, *(also or ()))]
    _check(output, sum(len(pile.photos) for pile in piles), workers, weights, as_json=as_json)
    from evaluation import sorting

    with progress() as bar:
        embedder, cohort = _with_cohort(None, weights, bar)
        result = sorting.measure(
            piles, embedder, cohort, output, workers or cores(), others=compare, on_step=steps(bar)
        )
    result.write(output)
    emit(result.to_dict(), as_json=as_json, show=_show_sort)
    console.print(f"Figures: {output / sorting.Result.FILE}")


def _show_sort(result: dict[str, Any]) -> None:
    table = Table("Way", "Cut", "Precision", "Recall", "V-measure", "People found", "Faces of nobody")
    for row in result["rows"]:
        shares = [f"{row[name]:.3f}" for name in ("precision", "recall", "v_measure")]
        cut = "" if row["cut"] is None else f"{row['cut']:.2f}"
        table.add_row(row["way"], cut, *shares, str(row["people"]), str(row["alone"]))
    out.print(table)
    out.print(f"{counted(result['people'], 'person')} in {counted(result['photos'], 'photo')}.")


@app.command()
def ties(
    photos: PeopleArgument,
    missed: Annotated[
        float, typer.Option(min=0, max=0.9, help="Probability that a face in a photo of several people is not found.")
    ] = 0.0,
    repeats: Annotated[int, typer.Option(min=1, help="Number of random draws for each kind of folder.")] = 100,
    seed: SeedOption = 0,
    weights: PretrainedOption = None,
    workers: WorkersOption = None,
    output: Annotated[Path, typer.Option(help="Folder for the figures and for the faces that were found.")] = Path(
        "benchmark/ties"
    ),
    as_json: JSONOption = False,
) -> None:
    """Measure whether `visage prepare` asks who a folder's person is where the photos cannot tell, and only there."""
    checks.outside(output, photos)
    known = walk(photos)
    _check(output, known.total, workers, weights, as_json=as_json)
    from evaluation import cleaning as injection
    from evaluation import ties as ties_benchmark
    from scripts.weights import load_weights
    from training.embedder import Embedder

    with progress() as bar:
        show, embed = steps(bar), Embedder.of_pretrained(load_weights(weights, bar))
        found = injection.find_faces(known, output, workers or cores(), embed, partial(show, "Finding faces of people"))
        result = ties_benchmark.measure(
            found, repeats=repeats, seed=seed, missed=missed, on_progress=partial(show, "Kinds of folders")
        )
    result.write(output)
    emit(result.to_dict(), as_json=as_json, show=_show_ties)
    console.print(f"Figures: {output / ties_benchmark.Result.FILE}")


def _show_ties(result: dict[str, Any]) -> None:
    table = Table("Folders of", "Photos tell", "Folders", "Asked", "Right", "Wrong", "Nobody")
    for row in result["rows"]:
        counts = [str(row[name]) for name in ("folders", "asked", "right", "wrong", "nobody")]
        table.add_row(row["constellation"], "yes" if row["is_decidable"] else "no", *counts)
    out.print(table)


@app.command()
def geometry(
    photos: PeopleArgument,
    weights: PretrainedOption = None,
    workers: WorkersOption = None,
    output: Annotated[Path, typer.Option(help="Folder for the figures.")] = Path("benchmark/geometry"),
    as_json: JSONOption = False,
) -> None:
    """Compare detection sizes, crops and input sizes. Use other photos than for the other benchmarks."""
    known = walk(photos)
    _check(output, known.total, workers, weights, as_json=as_json)
    from evaluation import geometry as geometry_benchmark
    from scripts.weights import load_weights
    from training.embedder import Embedder

    with progress() as bar:
        embedder = Embedder.of_pretrained(load_weights(weights, bar))
        result = geometry_benchmark.measure(known, embedder, workers or cores(), steps(bar))
    result.write(output)
    emit(result.to_dict(), as_json=as_json, show=_show_geometry)


def _show_geometry(result: dict[str, Any]) -> None:
    crops = Table("Input", "Padding", "Stretch", "TAR at FAR 1e-2", "1e-3", "d'")
    for row in result["crops"]:
        crop = [str(row[name]) for name in ("input_size", "padding", "stretch")]
        crops.add_row(*crop, *(f"{share:.4f}" for share in row["tar_at_far"].values()), f"{row['d_prime']:.3f}")
    out.print(f"{counted(result['faces'], 'face')} in {counted(result['photos'], 'photo')}.", crops)


@app.command()
def detection(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR…", help="Folders of photos, each of which shows somebody.")
    ],
    named: Annotated[
        list[str] | None, typer.Option("--detector", help="Only this detector; may be repeated. (default: all)")
    ] = None,
    turns: Annotated[
        list[float] | None,
        typer.Option(
            "--turn", min=-180, max=180, help="Turn the photos clockwise by so many degrees; may be repeated."
        ),
    ] = None,
    paddings: Annotated[
        list[float] | None,
        typer.Option(
            "--padding", min=0, max=2, help="Margin around the photos, as a share of their long side; may be repeated."
        ),
    ] = None,
    most: Annotated[int | None, typer.Option(min=1, help="Look at so many photos of each folder at most.")] = None,
    output: Annotated[Path, typer.Option(help="Folder for the figures and for what was found.")] = Path(
        "benchmark/detection"
    ),
    as_json: JSONOption = False,
) -> None:
    """Compare face detectors: faces found, false faces in pictures without people, and milliseconds.

    After an interruption, the same command continues.
    """
    checks.outside(output, *folders)
    photos = {str(folder): _spread(listing(folder).photos, most) for folder in folders}
    count = sum(map(len, photos.values()))
    if not count:
        raise CommandError("The folders hold no photos.")
    checks.target(output, count * checks.MEGABYTES_A_PHOTO)
    from evaluation import detection as detection_benchmark
    from evaluation.detectors import candidates

    changes = [detection_benchmark.Change(*both) for both in product(turns or [0], paddings or [0])]
    loaders = {name: load for name, load in candidates().items() if not named or name.detector in named}
    if missing := set(named or ()) - {candidate.detector for candidate in loaders}:
        known = ", ".join(dict.fromkeys(candidate.detector for candidate in candidates()))
        raise CommandError(f"There is no detector {min(missing)} here, only {known}.")
    seconds = count * len(changes) * (len(loaders) + 1) * _SECONDS_A_DETECTION
    checks.announce(
        f"Comparing {counted(len(loaders), 'detector')} on {counted(count, 'photo')}", seconds, as_json=as_json
    )
    pictures = _pictures()
    with progress() as bar:
        result = detection_benchmark.measure(photos, pictures, loaders, changes, output, steps(bar))
    result.write(output)
    emit(result.to_dict(), as_json=as_json, show=_show_detection)
    console.print(f"Figures: {output / detection_benchmark.Result.FILE}")


def _spread(photos: Sequence[Path], most: int | None) -> list[Path]:
    """Return at most `most` of the photos, evenly spread over all of them."""
    count = min(len(photos), most or len(photos))
    return [photos[at * len(photos) // count] for at in range(count)]


def _pictures() -> list[Path]:
    """Return pictures without people: those of packages, downloaded the first time, and drawn ones."""
    from evaluation.pictures import SCIKIT_IMAGE, complete

    wanted = [
        samples.Sample(samples.SCIKIT_IMAGE, f"skimage/data/{picture.name}", picture.name, picture.sha256)
        for picture in SCIKIT_IMAGE
    ]
    samples.fetch(CACHE / "pictures", wanted)
    return complete(CACHE / "pictures")


def _show_detection(result: dict[str, Any]) -> None:
    folders = list(result["photos"])
    named = [Path(folder).name for folder in folders]
    table = Table("Detector", *named, "False", "Boxes", "IoU", "ms", "95 %")
    for row in result["rows"]:
        table.add_row(
            _described(row),
            *(_share(row["with_a_face"][folder], result["photos"][folder]) for folder in folders),
            str(row["pictures_with_a_face"]),
            _share(row["witnessed_found"], row["witnessed"]),
            f"{row['median_overlap']:.2f}",
            *(f"{row['ms']['photos'][kind]:.0f}" for kind in ("median", "p95")),
        )
    out.print(table)
    counts = [f"{name} {counted(count, 'photo')}" for name, count in zip(named, result["photos"].values(), strict=True)]
    out.print(f"Photos with a face: {', '.join(counts)}. False: of {counted(result['pictures'], 'picture')} of nobody.")
    out.print(
        "Boxes: of the faces that MTCNN is sure of, and the overlap with its boxes. ms: processor time, one thread."
    )
    if result["unreadable"]:
        out.print(f"Left out, because they cannot be decoded: {counted(result['unreadable'], 'photo')}.")


def _described(row: dict[str, Any]) -> str:
    parts = [f"{row['detector']} {row['size'] or ''}".strip()]
    parts += [f"turned by {row['turn']:g}"] * bool(row["turn"]) + [f"padded by {row['padding']:g}"] * bool(
        row["padding"]
    )
    return ", ".join(parts)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"


@app.command()
def people(
    photos: PeopleArgument,
    strangers: StrangersOption = None,
    test: Annotated[float, typer.Option(min=0.01, max=0.5, help="Share of each person's photos to test with.")] = 0.2,
    unknown: Annotated[
        int, typer.Option(min=0, help="So many of the people are not learned: they are strangers, too.")
    ] = 0,
    seed: SeedOption = 0,
    weights: PretrainedOption = None,
    workers: WorkersOption = None,
    output: Annotated[Path, typer.Option(help="Folder for all results.")] = Path("benchmark/people"),
    as_json: JSONOption = False,
) -> None:
    """Prepare, train and export with a part of the photos, then recognise the rest."""
    checks.outside(output, photos, strangers)
    known, others = _people(photos, strangers)
    if len(known.photos) - unknown < 2:
        raise CommandError(f"{photos} has {counted(len(known.photos), 'person')}: give a smaller --unknown.")
    _check(output, known.total + len(others.photos), workers, weights, as_json=as_json)
    from evaluation import people as people_benchmark
    from evaluation.people_split import set_apart
    from scripts.weights import device, load_weights

    known, more = set_apart(known, unknown, seed)
    with progress() as bar:
        result = people_benchmark.measure(
            known,
            output,
            load_weights(weights, bar),
            Recipe(seed=seed),
            SETTINGS,
            test=test,
            strangers=replace(others, photos=[*others.photos, *more]),
            workers=workers or cores(),
            device=device(),
            on_step=steps(bar),
        )
    result.write(output)
    emit(result.to_dict(), as_json=as_json, show=_show_people)
    console.print(f"Figures: {output / people_benchmark.Result.FILE}")
    console.print(f"Report: {output / people_benchmark.PAGE}")


def _show_people(result: dict[str, Any]) -> None:
    table = Table("Figure", "Measured", "95 % interval")
    for name, title in (
        ("name_right", f"name right, of {counted(result['test']['with_a_face'], 'photo')} never seen"),
        ("recognised", "of these also recognised as known"),
        ("recognised_at_one_percent", "the same at a threshold that 1 % of these strangers reach"),
        ("strangers_taken", f"strangers taken for somebody, of {result['strangers']}"),
        ("expected_calibration_error", "expected calibration error"),
    ):
        interval = result.get(f"{name}_interval")
        table.add_row(title, _percent(result[name]), " to ".join(map(_percent, interval)) if interval else "")
    training = result["training"]
    table.add_row("training accuracy", _percent(training["accuracy"]), "")
    table.add_row("training loss", f"{training['loss']:.4f}", "")
    table.add_row(f"training, {counted(training['epochs'], 'epoch')}", f"{training['seconds']:.0f} s", "")
    out.print(table)
    out.print(f"A face was found in {result['photos_with_a_face']} of {counted(result['photos'], 'photo')}.", end=" ")
    out.print(f"Bundle {result['version']}, threshold {result['threshold']:.3f}.")
    out.print(told_copies(result["copies"]))


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.2%}"
