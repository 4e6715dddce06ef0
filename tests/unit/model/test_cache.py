"""The cache of downloads is private, and keeps only what somebody uses."""

import os
import stat
import subprocess
import sys

import pytest

from model import cache
from model.cache import version_folder
from model.errors import BundleUnavailableError

NEW, OLD = "0123456789ab", "ba9876543210"


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def ended():
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def living():
    """The id of another process that is running."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.kill()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_is_private(temporary):
    assert version_folder(None, NEW, os.getpid()) == temporary / "visage" / NEW
    assert mode(temporary / "visage") == 0o700


def test_a_folder_that_others_can_read_is_made_private_and_used(temporary):
    (temporary / "visage" / NEW).mkdir(parents=True)
    (temporary / "visage").chmod(0o755)
    (temporary / "visage" / NEW / "model.pt").touch()
    assert (version_folder(None, NEW, os.getpid()) / "model.pt").exists()
    assert mode(temporary / "visage") == 0o700


@pytest.mark.parametrize("permissions", [0o777, 0o1777, 0o775])
def test_files_in_a_folder_that_others_can_write_are_not_used(temporary, permissions):
    (temporary / "visage" / NEW).mkdir(parents=True)
    (temporary / "visage" / NEW / "model.pt").touch()
    (temporary / "visage").chmod(permissions)
    folder = version_folder(None, NEW, os.getpid())
    assert list(folder.iterdir()) == []
    assert mode(folder.parent) == 0o700


def test_files_in_a_given_folder_that_others_may_write_are_neither_used_nor_removed(temporary):
    given = temporary / "given"
    (given / NEW).mkdir(parents=True)
    (given / NEW / "model.pt").touch()
    given.chmod(0o775)
    folder = version_folder(given, NEW, os.getpid())
    assert list(folder.iterdir()) == []
    assert (given / NEW / "model.pt").exists()


def test_a_file_of_the_name_of_the_folder_is_left_alone(temporary):
    (temporary / "visage").write_text("mine")
    assert version_folder(None, NEW, os.getpid()).parent == temporary / f"visage-{os.getuid()}"
    assert (temporary / "visage").read_text() == "mine"


def test_a_link_is_not_followed(temporary):
    (temporary / "elsewhere").mkdir()
    (temporary / "visage").symlink_to(temporary / "elsewhere")
    folder = version_folder(None, NEW, os.getpid())
    assert folder.parent == temporary / f"visage-{os.getuid()}"
    assert list((temporary / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ["visage", "visage-{}"])
def test_a_folder_of_another_user_is_not_used(temporary, monkeypatch, name):
    us = os.getuid()
    monkeypatch.setattr(cache.os, "getuid", lambda: us + 1)
    folder = version_folder(None, NEW, os.getpid())
    assert folder.parent not in {temporary / "visage", temporary / name.format(us + 1)}
    assert mode(folder.parent) == 0o700


def test_files_of_ended_processes_are_removed(tmp_path, ended):
    folder = version_folder(tmp_path, NEW, os.getpid())
    left = folder / f"model.pt.{ended}.part"
    left.touch()
    version_folder(tmp_path, NEW, os.getpid())
    assert not left.exists()


def test_an_unfinished_download_of_another_process_is_kept(tmp_path, living):
    folder = version_folder(tmp_path, NEW, os.getpid())
    part = folder / f"model.pt.{living}.part"
    part.touch()
    version_folder(tmp_path, NEW, os.getpid())
    assert part.exists()


def test_a_version_that_no_process_uses_is_removed(tmp_path, ended):
    (version_folder(tmp_path, OLD, ended) / "model.pt").touch()
    version_folder(tmp_path, NEW, os.getpid())
    assert {path.name for path in tmp_path.iterdir()} == {NEW, f"{NEW}.{os.getpid()}.user"}


def test_a_version_that_another_process_uses_stays(tmp_path, living):
    version_folder(tmp_path, OLD, living)
    version_folder(tmp_path, NEW, os.getpid())
    assert (tmp_path / OLD).is_dir()


def test_nothing_else_in_the_folder_is_touched(tmp_path, ended):
    for name in ("notes.txt", "model.part", f"x.{ended}.other"):
        (tmp_path / name).touch()
    (tmp_path / "photos").mkdir()
    version_folder(tmp_path, NEW, os.getpid())
    assert {"notes.txt", "model.part", f"x.{ended}.other", "photos"} <= {path.name for path in tmp_path.iterdir()}


def test_a_folder_that_cannot_be_created_is_reported_in_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BundleUnavailableError, match="no folder to download"):
        version_folder(tmp_path / "file" / "cache", NEW, os.getpid())
