"""The environment is read once; an invalid variable counts as a missing one."""

import os
import subprocess
import sys

import pytest

from model.settings import ROOT, Settings, cores, variables_during


@pytest.mark.parametrize(
    ("text", "threads"),
    [("1", 1), (" 3 ", 3), ("4,2", 4), ("2, 8", 2)],
)
def test_threads_are_the_first_number(text, threads):
    assert Settings.read({"OMP_NUM_THREADS": text}).threads == threads


@pytest.mark.parametrize("text", ["", "0", "abc", "-1", ",2", "1.5", "4x", "²", "٣", "9" * 30])
def test_an_invalid_number_of_threads_means_one_for_each_core(text):
    assert Settings.read({"OMP_NUM_THREADS": text}).threads == cores()


@pytest.mark.parametrize("missing", [(), ("process_cpu_count",), ("process_cpu_count", "sched_getaffinity")])
def test_cores_are_counted_on_every_system(monkeypatch, missing):
    for name in missing:
        monkeypatch.delattr(os, name, raising=False)
    assert cores() >= 1


def test_an_empty_variable_is_as_none():
    empty = Settings.read({"VISAGE_MODEL": "", "VISAGE_ENGINE": ""})
    assert (empty.location, empty.engine) == (None, "torchscript")


def test_settings_do_not_print_the_environment():
    assert "secret" not in repr(Settings.read({"AWS_SECRET_ACCESS_KEY": "secret"}))


def test_variables_are_set_while_the_block_runs_and_no_longer(monkeypatch):
    monkeypatch.setenv("GIVEN", "1")
    monkeypatch.delenv("MISSING", raising=False)
    with variables_during({"GIVEN": "2", "MISSING": "2"}):
        assert (os.environ["GIVEN"], os.environ["MISSING"]) == ("1", "2")
    assert (os.environ["GIVEN"], os.environ.get("MISSING")) == ("1", None)


def test_importing_onnx_runtime_writes_nothing_and_changes_no_variable(tmp_path):
    script = "import os; before = dict(os.environ); from model.engines.onnx import onnxruntime; onnxruntime(); "
    script += "assert dict(os.environ) == before"
    environment = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
