"""`make lock` writes what uv resolves: a file with hashes for everybody, and files for Lambda without torch."""

import os
import sys

import pytest

from model.settings import ROOT
from scripts import lock

RESOLVED = """\
numpy==2.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
torch==2.13.0+cpu ; sys_platform == 'linux' \\
    --hash=sha256:cc
nvidia-cublas-cu12==12.1 \\
    --hash=sha256:dd
"""

UV = """#!/bin/sh
echo "$@" >> {home}/asked
for word; do file=$word; done
cat "$file" >> {home}/required
while [ "$1" != --output-file ]; do shift; done
cat "$2" >> {home}/former
cat > "$2" << 'END'
{resolved}END
"""


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """A fake uv, which always resolves to the same packages; it keeps what it was asked beside the lock files."""
    monkeypatch.setattr(lock, "LOCK", tmp_path / "lock")
    monkeypatch.setattr(lock, "index_options", lambda: ["--default-index", "https://index.test/simple"])
    (tmp_path / "lock").mkdir()
    return program(tmp_path, UV.format(home=tmp_path, resolved=RESOLVED))


def program(folder, text):
    file = folder / "uv"
    file.write_text(text)
    file.chmod(0o755)
    return file


def make_lock(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["make lock", *map(str, words)])
    lock.main()


def test_every_lock_file_has_its_packages_and_says_where_it_comes_from(uv, tmp_path, monkeypatch):
    make_lock(monkeypatch, uv)
    names = {path.name: path.read_text() for path in (tmp_path / "lock").iterdir()}
    assert set(names) == {path.name for path in (ROOT / "requirements" / "lock").iterdir()}
    assert all(text.startswith("# Written by `make lock`. ") for text in names.values())
    assert "index.test" not in "".join(names.values())
    for name in ("everything.txt", "torchscript.txt"):
        assert "numpy==2.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n" in names[name]
        assert not {"torch==", "nvidia"} & set(names[name].split())
        assert "sha256:cc" not in names[name]
    assert names["torch.txt"].splitlines()[1:] == [
        "torch==2.13.0+cpu ; sys_platform == 'linux'",
        "nvidia-cublas-cu12==12.1",
    ]


def test_the_index_of_pip_is_asked_and_the_zip_has_no_torch(uv, tmp_path, monkeypatch):
    make_lock(monkeypatch, uv)
    asked = (tmp_path / "asked").read_text().splitlines()
    assert all("--default-index https://index.test/simple" in line for line in asked)
    assert [line.endswith("onnx.txt") for line in asked].count(True) == 1
    assert lock.without_torch(lock.FUNCTION) in (tmp_path / "required").read_text()
    assert "torch==" not in lock.without_torch(lock.FUNCTION)
    assert "torch==" in lock.FUNCTION.read_text()


@pytest.mark.parametrize(("words", "kept"), [((), True), (("--upgrade",), False)], ids=["again", "upgrade"])
def test_locked_versions_are_kept_unless_newer_ones_are_asked_for(uv, tmp_path, monkeypatch, words, kept):
    (tmp_path / "lock" / "everything.txt").write_text("numpy==1.9\n")
    make_lock(monkeypatch, uv, *words)
    assert ("numpy==1.9" in (tmp_path / "former").read_text()) is kept


def test_requirements_that_contradict_each_other_end_with_the_message_of_uv(uv, tmp_path, monkeypatch):
    failing = program(tmp_path, "#!/bin/sh\necho 'No solution found' >&2\nexit 1\n")
    with pytest.raises(SystemExit, match="No solution found"):
        make_lock(monkeypatch, failing)


def test_the_index_is_the_one_that_pip_is_configured_to_use(tmp_path, monkeypatch):
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://index.test/simple\n")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert lock.index_options() == ["--default-index", "https://index.test/simple"]
    monkeypatch.setenv("PIP_INDEX_URL", "https://other.test/simple")
    assert lock.index_options() == ["--default-index", "https://other.test/simple"]
    monkeypatch.delenv("PIP_INDEX_URL")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)  # pip then reads no file
    assert lock.index_options() == []
