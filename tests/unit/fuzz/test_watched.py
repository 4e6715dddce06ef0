"""The fuzzer notices what it looks for: wrong answers, words on the terminal, time, memory, crashes and hangs."""

import ctypes
import json
import time
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest

from model.settings import ROOT
from tests.fuzz import findings
from tests.fuzz.mutations import Upload
from tests.fuzz.watched import Death, Observation, Watched, complaint

UPLOAD = Upload(b"photo")


def seen(status=200, problem=None, cpu_s=0.1, peak_mb=10.0, printed=""):
    return Observation(status, problem, cpu_s, peak_mb, 100.0, printed)


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        (seen(), None),
        (seen(422, "no-face"), None),
        (seen(500, "internal-error"), "answered 500 internal-error"),
        (seen(503, "model-unavailable"), "answered 503 model-unavailable"),
        (seen(422, "too-large"), "answered 422 too-large"),
        (seen(418, "teapot"), "answered 418 teapot"),
        (seen(printed="libtiff: tag 7\n"), "printed libtiff: tag N"),
        (seen(printed="a.py:3: UserWarning: tag 7\n  warnings.warn(text)\n"), "printed tag N"),
        (seen(cpu_s=1.6), "took more than 1.5 s"),
        (seen(422, "unreadable-photo", peak_mb=701), "took more than 700 MB"),
        (Death("the process ended with status -11", "Fatal"), "died: the process ended with status -11"),
    ],
)
def test_what_is_wrong_is_said(what, sentence):
    assert complaint(UPLOAD, what) == sentence


def test_an_unexpected_error_is_named_with_the_line_of_ours_that_it_went_through():
    frames = [f'  File "{ROOT / name}", line 7, in f\n' for name in ("api/app.py", "model/a.py", ".venv/lib/PIL/b.py")]
    log = json.dumps({"error": "KeyError", "where": frames})
    answer = replace(seen(500, "internal-error"), log=log)
    assert complaint(UPLOAD, answer) == "answered 500 internal-error: KeyError in model/a.py:7"


def test_of_inputs_with_the_same_complaint_the_smallest_is_kept_and_can_be_repeated(tmp_path):
    for body in (b"medium", b"big enough", b"small"):
        folder = findings.store(Upload(body, path="/align"), seen(500, "internal-error"), "answered 500", tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    assert findings.load(folder) == Upload(b"small", path="/align")


def test_a_process_that_crashes_is_noticed_and_started_again():
    with Watched(partial(SimpleNamespace, observe=ctypes.string_at)) as process:
        deaths = [process.send(0) for _ in range(2)]
    assert {death.how for death in deaths} == {"the process ended with status -11"}
    assert "Segmentation fault" in deaths[1].printed


def test_a_process_that_hangs_is_noticed_and_ended():
    with Watched(partial(SimpleNamespace, observe=time.sleep), patience_s=1) as process:
        assert process.send(600).how == "it took more than 1 s"
