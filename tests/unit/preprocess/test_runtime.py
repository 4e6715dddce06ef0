"""ONNX Runtime is imported without what it would write and report."""

import os
import subprocess
import sys

import pytest

from model.settings import ROOT
from preprocess.runtime import adds_in_32_bits, variables_during


def test_variables_are_set_while_the_block_runs_and_no_longer(monkeypatch):
    monkeypatch.setenv("GIVEN", "1")
    monkeypatch.delenv("MISSING", raising=False)
    with variables_during({"GIVEN": "2", "MISSING": "2"}):
        assert (os.environ["GIVEN"], os.environ["MISSING"]) == ("1", "2")
    assert (os.environ["GIVEN"], os.environ.get("MISSING")) == ("1", None)


def test_importing_onnx_runtime_writes_nothing_and_changes_no_variable(tmp_path):
    script = "import os; before = dict(os.environ); from preprocess.runtime import onnxruntime; onnxruntime(); "
    script += "assert dict(os.environ) == before"
    environment = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "exact"),
    [("fpu avx2 avx_vnni", True), ("avx512f avx512_vnni amx_int8", True), ("fpu avx2 avx512f", False), ("", False)],
)
def test_a_processor_with_vnni_is_known_by_its_flags(tmp_path, flags, exact):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nmodel name\t: avx_vnni\nflags\t\t: {flags}\nbugs\t\t:\n")
    assert adds_in_32_bits(tmp_path / "cpuinfo") is exact


def test_a_processor_that_the_system_does_not_describe_is_one_without_vnni(tmp_path):
    assert not adds_in_32_bits(tmp_path / "cpuinfo")
