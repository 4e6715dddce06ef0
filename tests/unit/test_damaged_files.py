"""A file that somebody edited, or that a disk damaged, is read or refused in one sentence. It never leads elsewhere.

The journal, the decisions, the report, the manifest, the run and its metrics are JSON. Hypothesis changes any value of
a sound one, its bytes, or both.
"""

import copy
import hashlib
import io
import json
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset import candidates
from dataset.aligned import JOURNAL, OUTPUT, OVERRIDES, REPORT
from dataset.errors import PrepareError
from dataset.overrides import Overrides
from dataset.prepare import Report, _copied_before
from dataset.removal import remove_person
from dataset.selection import Cause, Option, Outcome, Question
from model.errors import BundleError
from model.manifest import Manifest
from preprocess.files import DAMAGED_ARRAYS
from preprocess.geometry import Geometry
from tests.gateway import FakeRecognizer
from tests.unit.dataset.test_journal import found
from training.errors import RunError
from training.recipe import Recipe
from training.run import METRICS, RUN, Description, read_metrics

bounded = settings(max_examples=150, derandomize=True, database=None, deadline=None)

ELSEWHERE = ("../elsewhere.jpg", "/etc/hostname", "Ann/../../elsewhere.jpg", "a\0b", "", ".", "..")

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 10**400, 2**63])
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["\ud800", *ELSEWHERE]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def paths(value, path=()):
    """Yield the path of every value inside a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from paths(inner, (*path, key))


@st.composite
def damaged(draw, sound):
    """Return a JSON value with some of its members replaced or gone."""
    value = copy.deepcopy(sound)
    for _ in range(draw(st.integers(0, 3))):
        *way, last = draw(st.sampled_from([path for path in paths(value) if path] or [(None,)]))
        holder = value
        for key in way:
            holder = holder[key]
        if last is None:
            return draw(VALUES)
        if draw(st.booleans()):
            holder[last] = draw(VALUES)
        else:
            del holder[last]
    return value


@st.composite
def files(draw, sound, seal=lambda value: value):
    """Return the bytes of a JSON file that is damaged inside, in its bytes, in both ways, or is something else."""
    text = json.dumps(seal(draw(damaged(sound)))).encode()
    match draw(st.integers(0, 5)):
        case 0:
            at, length = draw(st.integers(0, len(text))), draw(st.integers(0, 9))
            return text[:at] + draw(st.binary(max_size=9)) + text[at + length :]
        case 1:
            return text[: draw(st.integers(0, len(text)))]
        case 2:
            return draw(st.sampled_from([b"", b"[" * 1100, b"\xff\xfe", bytes(99), b'{"a":' * 1100, b"NaN"]))
        case _:
            return text


def sealed(fields):
    """Give a manifest the version of its content, as far as it has any, so that its values are looked at."""
    if isinstance(fields, dict):
        content = json.dumps({**fields, "version": ""}, sort_keys=True, ensure_ascii=False)
        fields["version"] = hashlib.sha256(content.encode(errors="replace")).hexdigest()[:12]
    return fields


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


MANIFEST = json.loads(FakeRecognizer.manifest.to_json())
RUN_FIELDS = json.loads(
    Description(
        Recipe(), ("Ann", "Bob"), {"name": "a", "sha256": "b"}, "c", Geometry(), ("x.jpg",), (0,), (0,)
    ).to_json()
)
METRICS_FIELDS = {"training": {}, "validation": None, "epochs": [], "faces": {"Ann": 3}, "best_epoch": 1}
JOURNAL_FIELDS = json.loads(candidates._line(found()))
OVERRIDES_FIELDS = {"keep": ["Ann/a.jpg"], "drop": ["Ann/b.jpg"], "faces": {"Ann/c.jpg": [1, 2, 3, 4]}}
REPORT_FIELDS = json.loads(
    json.dumps(
        Report(
            [Outcome("Ann/a.jpg", "Ann", chip="Ann/a.jpg.jpg"), Outcome("Bob/b.jpg", "Bob", None, Cause.COPY, "Ann")],
            ["A remark on Ann."],
            [Question("Bob", 1, [Option("Bob/b.jpg#1", ".visage/faces/b.jpg", 1, 2, 1)])],
        ).to_dict()
    )
)


@bounded
@given(files(MANIFEST, sealed))
def test_a_manifest_is_refused_or_can_be_written_again(data):
    try:
        manifest = Manifest.from_json(data)
    except BundleError:
        return
    assert Manifest.from_json(manifest.to_json()) == manifest


@bounded
@given(content=files(RUN_FIELDS))
def test_a_runs_description_is_refused_or_can_be_written_again(folder, content):
    (folder / RUN).write_bytes(content)
    try:
        description = Description.read(folder)
    except RunError:
        return
    description.to_json().encode()


@bounded
@given(content=files(METRICS_FIELDS))
def test_a_runs_metrics_are_refused_or_read(folder, content):
    (folder / METRICS).write_bytes(content)
    try:
        assert set(read_metrics(folder)) >= {"training", "validation", "epochs", "faces"}
    except RunError:
        return


@bounded
@given(content=files(OVERRIDES_FIELDS))
def test_decisions_are_refused_or_can_be_written_again(folder, content):
    (folder / OVERRIDES).write_bytes(content)
    try:
        overrides = Overrides.read(folder / OVERRIDES)
    except PrepareError:
        return
    overrides.write(folder / OVERRIDES)
    assert Overrides.read(folder / OVERRIDES) == overrides


@bounded
@given(content=files(JOURNAL_FIELDS))
def test_a_line_of_the_journal_is_left_out_or_can_be_written_again(folder, content):
    (folder / JOURNAL).write_bytes(b"\n" + content)
    journal = candidates.read_journal(folder / JOURNAL)
    candidates.write_journal(folder / JOURNAL, journal.values())
    assert candidates.read_journal(folder / JOURNAL) == journal


@bounded
@given(content=files(JOURNAL_FIELDS))
def test_the_journal_names_files_of_its_own_folder_only(folder, content):
    (folder / JOURNAL).write_bytes(b"\n" + content)
    for photo in candidates.read_journal(folder / JOURNAL).values():
        assert all((folder / name).resolve().is_relative_to(folder / OUTPUT) for name in photo.files())


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_a_line_of_the_journal_that_names_a_file_elsewhere_is_left_out(folder, elsewhere):
    for path in (("faces", 0, "chip"), ("thumbnail",)):
        line = copy.deepcopy(JOURNAL_FIELDS)
        holder = line["faces"][0] if len(path) > 1 else line
        holder[path[-1]] = elsewhere
        (folder / JOURNAL).write_text(json.dumps(line))
        assert candidates.read_journal(folder / JOURNAL) == {}


@bounded
@given(content=files(REPORT_FIELDS))
def test_a_report_names_files_of_its_own_folder_only(folder, content):
    (folder / OUTPUT).mkdir(exist_ok=True)
    (folder / OUTPUT / REPORT).write_bytes(content)
    assert all(chip.resolve().is_relative_to(folder.resolve()) for chip in _copied_before(folder))


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_a_chip_elsewhere_is_no_chip_of_an_earlier_call(folder, elsewhere):
    (folder / OUTPUT).mkdir(exist_ok=True)
    (folder / OUTPUT / REPORT).write_text(json.dumps({"photos": [{"chip": elsewhere}, {"chip": "Ann/a.jpg"}]}))
    assert _copied_before(folder) == {folder / "Ann" / "a.jpg"}


@bounded
@given(content=files(REPORT_FIELDS))
def test_a_person_is_removed_whatever_the_report_is(folder, content):
    (folder / OUTPUT).mkdir(exist_ok=True)
    (folder / OUTPUT / REPORT).write_bytes(content)
    remove_person(folder, "Ann")
    report = folder / OUTPUT / REPORT
    assert not report.exists() or "Ann" not in json.loads(report.read_text(encoding="utf-8"))["people"]


@bounded
@given(st.booleans(), st.integers(0, 5000), st.integers(0, 40), st.binary(max_size=9))
def test_damaged_arrays_are_read_or_refused_by_an_error_that_readers_expect(is_compressed, at, length, other):
    file = io.BytesIO()
    save = np.savez_compressed if is_compressed else np.savez
    save(file, names=np.array(["Ann", "Zoë"]), values=np.arange(64, dtype=np.float16))
    sound = file.getvalue()
    at %= len(sound)
    with suppress(*DAMAGED_ARRAYS), np.load(io.BytesIO(sound[:at] + other + sound[at + length :])) as arrays:
        dict(arrays)
