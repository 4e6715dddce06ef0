"""How the parts of the benchmark take turns and what they count, with stand-ins for everything that takes long."""

import os
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import requests
from PIL import Image

from bench import cold_start, footprint, fresh, load, offline, warm
from bench.contest import Result
from bench.contestants import Answer, Setup
from bench.errors import ContestError
from bench.fresh import Report
from bench.subject import Subject
from deploy.stack import Engine
from model.settings import Settings

PEOPLE = ("Ann", "Bob")


@pytest.fixture
def subject(tmp_path):
    """A photo of each of two people to learn from, and one of each to be named. A photo has its person's name."""
    photos = {}
    for side in ("learned", "held-out"):
        (tmp_path / side).mkdir()
        photos[side] = [(name, tmp_path / side / f"{name}.jpg") for name in PEOPLE]
        for _, photo in photos[side]:
            Image.new("RGB", (60, 40)).save(photo)
    setup = Setup(*(tmp_path / name for name in ("bundle", "run", "weights", "known")))
    learned = {name: [photo] for name, photo in photos["learned"]}
    settings = Settings.read({"PATH": os.defpath})
    return Subject(tmp_path, tmp_path, tmp_path / "aligned", setup, learned, photos["held-out"], settings)


@pytest.fixture
def steps():
    """The steps that a measurement reported, each with its number and their total."""
    found = []
    return SimpleNamespace(found=found, report=lambda *step: found.append(step))


@pytest.fixture
def starts(monkeypatch):
    """The starts of contestants. Each answers with the right names; the n-th takes n milliseconds."""
    found = []

    def start(name, photos, setup, environment, **options):
        found.append(SimpleNamespace(name=name, photos=photos, environment=environment, **options))
        return Report(len(found), {"init": len(found)}, [photo.stem for photo in photos], [100, 110], 120)

    monkeypatch.setattr(fresh, "start", start)
    return found


@pytest.fixture
def contests(monkeypatch):
    """The contests that were held. Every contestant names everybody right, in 1, 2, 3 … milliseconds."""
    found = []

    def contest(names, people, photos, *, rounds, threads, on_step, **options):
        found.append(SimpleNamespace(names=names, photos=photos, rounds=rounds, threads=threads))
        on_step("Asking photos", 1, 1)
        answers = tuple((Answer(person, known=True, faces=1),) * rounds for person, _ in photos)
        milliseconds = np.arange(1.0, len(photos) * rounds + 1).reshape(len(photos), rounds)
        return {name: Result(name, tuple(p for p, _ in photos), answers, milliseconds, 100, 120) for name in names}

    for module in (warm, cold_start):
        monkeypatch.setattr(module, "contest", contest)
    return found


def test_warm_answers_are_measured_by_threads_and_by_size(subject, contests, steps):
    rows = warm.measure(subject, steps.report, rounds=2, names=("visage-onnx", "plain"), sizes={30: 1})
    assert [(row.contestant, row.threads, row.size, row.photos) for row in rows] == [
        (name, threads, size, photos)
        for threads, size, photos in ((1, 0, 2), (2, 0, 2), (1, 30, 1))
        for name in ("visage-onnx", "plain")
    ]
    assert (rows[0].right, rows[0].recognised, rows[0].mean_ms, rows[0].p95_ms) == (2, 2, 2.5, None)
    ((_, scaled),) = contests[-1].photos
    with Image.open(scaled) as photo:
        assert photo.size == (30, 20)
    assert [step for step, *_ in steps.found] == [
        f"Asking photos, {title}"
        for title in ("1 thread, photos as they are", "2 threads, photos as they are", "1 thread, 30 pixels")
    ]


def test_a_percentile_needs_ten_answers_beyond_it():
    answers = (tuple([Answer("Ann", known=True, faces=1)] * 200),)
    result = Result("plain", ("Ann",), answers, np.arange(200.0)[None], 1, 1)
    row = warm._summary(result, 1, 0)
    assert row.p95_ms == pytest.approx(189.05)
    assert row.p99_ms is None


@contextmanager
def local_aws(*_):
    """Stand in for a local AWS."""
    yield SimpleNamespace(pid=None)


@contextmanager
def environment(*_):
    """Stand in for the upload to it."""
    yield {"VISAGE_MODEL": "s3://bench/bundle"}


def test_cold_starts_take_turns_and_the_first_round_does_not_count(subject, starts, contests, steps, monkeypatch):
    monkeypatch.setattr(cold_start, "temporary", local_aws)
    monkeypatch.setattr(cold_start, "_published", environment)
    names = ("visage-onnx", "plain", "facenet-pytorch")
    rows = cold_start.measure(subject, steps.report, rounds=2, names=names)
    assert [contest.names for contest in contests] == [["facenet-pytorch"]]
    assert [start.name for start in starts] == [
        *("facenet-pytorch", "visage-onnx", "plain"),
        *names,
        *("plain", "facenet-pytorch", "visage-onnx"),
    ]
    assert [start.photos[0].stem for start in starts] == ["Bob"] * 3 + ["Ann"] * 3 + ["Bob"] * 3
    assert {start.name: start.fetch for start in starts} == {
        "visage-onnx": None,
        "plain": "s3://bench/run",
        "facenet-pytorch": None,
    }
    assert [(row.contestant, row.starts, row.right, row.rounds_ms) for row in rows] == [
        ("visage-onnx", 2, 2, [4, 9]),
        ("plain", 2, 2, [5, 7]),
        ("facenet-pytorch", 2, 2, [6, 8]),
    ]
    assert (rows[0].stages_ms, rows[0].peak_mb) == ({"init": 6.5}, 120)
    assert steps.found[-1] == ("Cold starts", 9, 9)


def test_cold_starts_of_contestants_that_learn_nothing_need_no_contest(subject, starts, contests, steps, monkeypatch):
    monkeypatch.setattr(cold_start, "temporary", local_aws)
    monkeypatch.setattr(cold_start, "_published", environment)
    cold_start.measure(subject, steps.report, rounds=1, names=("visage-onnx",))
    assert contests == []


def test_a_start_that_fails_says_why(subject):
    with pytest.raises(ContestError, match=r"guess ended with status 1: (?s:.*)KeyError: 'guess'"):
        fresh.start("guess", [subject.held_out[0][1]], subject.setup, subject.settings.environment)


def test_memory_is_that_of_one_process_that_answers_the_same_photos_again_and_again(subject, starts, steps):
    rows = footprint.measure_memory(subject, steps.report, early=2, count=5)
    assert [(row.contestant, row.requests, row.right) for row in rows] == [(name, 5, 5) for name in footprint.ENGINES]
    assert {(row.early_mb, row.late_mb, row.peak_mb) for row in rows} == {(100, 110, 120)}
    assert [[photo.stem for photo in start.photos] for start in starts] == [["Ann", "Bob", "Ann", "Bob", "Ann"]] * 2
    assert starts[0].environment["VISAGE_MODEL"] == str(subject.setup.bundle)


def test_sizes_are_those_of_the_zip_and_of_the_packages_in_the_image(subject, steps, monkeypatch):
    monkeypatch.setattr(footprint.package, "build", lambda _: "zip")
    zipped = {"numpy": 50_000_000, **{f"library{n}": 1_000_000 for n in range(9)}}
    monkeypatch.setattr(footprint.package, "parts", lambda _: zipped)
    image, archive = footprint.measure_size(subject, steps.report)
    assert (archive.contestant, archive.mb) == ("visage-onnx", 59)
    assert archive.parts == {"numpy": 50, **{f"library{n}": 1 for n in range(4)}}
    assert next(iter(image.parts)) == "torch"
    assert image.mb > sum(image.parts.values()) > 200


def test_both_numbers_of_workers_prepare_the_same_photos_in_turns(subject, steps, monkeypatch):
    asked = []

    def prepare(photos, _aligned, workers, *_):
        asked.append((workers, sorted(path.stem for path in photos.rglob("*.jpg"))))
        return SimpleNamespace(left_out=["one"])

    monkeypatch.setattr(offline, "prepare", prepare)
    monkeypatch.setattr(offline.Embedder, "of_pretrained", lambda _: None)
    monkeypatch.setattr(offline.Subject, "pretrained", None)
    rows = offline.measure_preparing(subject, steps.report, rounds=2, count=2)
    assert asked == [(workers, ["Ann", "Bob"]) for workers in (1, 2, 2, 1)]
    assert [(row.workers, row.photos, row.kept, len(row.rounds_s)) for row in rows] == [(1, 2, 1, 2), (2, 2, 1, 2)]
    assert steps.found[-1][1:] == (4, 4)
    assert not [path for path in subject.home.iterdir() if path.name.startswith("tmp")]


class Sent:
    """Stands in for a session of requests: it answers with the statuses in turn, or raises an error."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def post(self, *_, **__):
        status = self.statuses.pop(0)
        if not status:
            raise requests.ConnectionError("refused")
        faces = {"faces": [{"predictions": [{"label": "Ann"}]}]}
        return SimpleNamespace(status_code=status, json=lambda: faces)


@pytest.mark.parametrize(
    ("status", "answered", "right"), [(200, True, True), (422, True, False), (503, False, False), (0, False, False)]
)
def test_a_photo_without_a_face_is_an_answer_and_a_failure_is_none(subject, monkeypatch, status, answered, right):
    monkeypatch.setattr(load.requests, "Session", lambda: Sent(status))
    (reply,) = load._client("http://api.test", subject.held_out[:1])
    assert (reply.answered, reply.right) == (answered, right)


def test_each_engine_is_deployed_once_for_all_numbers_of_clients(subject, steps, monkeypatch):
    deployed, asked = [], []
    monkeypatch.setattr(load, "temporary", local_aws)
    monkeypatch.setattr(load, "local_target", lambda _: None)
    monkeypatch.setattr(load.bundles, "load", lambda _: None)
    monkeypatch.setattr(
        load, "bring_up", lambda _, __, engine: deployed.append(engine) or SimpleNamespace(api="http://api.test")
    )
    monkeypatch.setattr(load, "_ask", lambda _, __, engine, clients, *___: asked.append((engine, clients)))
    load.measure(subject, steps.report, clients=(1, 2))
    assert deployed == list(Engine)
    assert asked == [(engine, clients) for engine in Engine for clients in (1, 2)]
