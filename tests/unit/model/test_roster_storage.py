"""A roster is kept in a file or in S3, and of several who change it at the same time none loses anything."""

import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from model import roster_storage
from model.errors import RosterBusyError, RosterUnreadableError, SharedChangedError, SharedError
from model.roster import Roster
from model.roster_storage import RosterStorage, beside
from model.settings import ROOT
from model.shared_file import SharedFile
from tests.crowds import crowd

WRITERS, CHANGES = 8, 25

WRITER = """
import os, signal, sys
from model.roster_storage import RosterStorage
from tests.crowds import crowd

storage = RosterStorage.at(sys.argv[1], "space")
def add(roster, name):
    return roster.with_person(name, crowd(1, int(sys.argv[2])), ())
"""


def start(code, *words):
    """Start a process that runs WRITER and then this code."""
    words = [sys.executable, "-c", WRITER + code, *map(str, words)]
    return subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE)


def finish(process):
    with process:
        _, said = process.communicate(timeout=120)
    return process.returncode, said


@pytest.fixture
def file(tmp_path):
    return tmp_path / "bundle.roster.npz"


@pytest.fixture
def storage(file):
    return RosterStorage.at(str(file), "space")


def adding(name):
    return lambda roster: roster.with_person(name, crowd(1), ())


def names(storage):
    return {person.name for person in storage.read()[0].people}


class S3:
    """A fake client of S3 with one object, which it replaces only under the conditions that S3 knows."""

    exceptions = SimpleNamespace(ClientError=ClientError)

    def __init__(self):
        self.body, self.version, self.lock = None, 0, threading.Lock()

    def get_object(self, **request):
        with self.lock:
            if self.body is None:
                raise self.error("NoSuchKey", 404)
            if request.get("IfNoneMatch") == str(self.version):
                raise self.error("304", 304)
            body = SimpleNamespace(read=lambda content=self.body: content, close=lambda: None)
            return {"Body": body, "ETag": str(self.version)}

    def put_object(self, **request):
        with self.lock:
            if request.get("IfMatch") != (None if self.body is None else str(self.version)):
                raise self.error("PreconditionFailed", 412)
            self.body, self.version = request["Body"], self.version + 1
            return {"ETag": str(self.version)}

    def error(self, code, status):
        return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Object")

    def close(self):
        pass


def test_eight_processes_that_change_a_file_at_the_same_time_lose_nothing(storage, file):
    code = f"for number in range({CHANGES}): storage.change(lambda roster: add(roster, f'{{sys.argv[2]}}-{{number}}'))"
    writers = [start(code, file, writer) for writer in range(WRITERS)]
    assert [finish(writer) for writer in writers] == [(0, b"")] * WRITERS
    roster, _ = storage.read()
    assert roster.version == len(roster.people) == WRITERS * CHANGES
    assert names(storage) == {f"{writer}-{number}" for writer in range(WRITERS) for number in range(CHANGES)}


def test_owners_who_change_an_object_in_s3_at_the_same_time_lose_nothing(monkeypatch):
    monkeypatch.setattr(roster_storage, "_LONGEST_PAUSE_S", 0.01)
    s3 = S3()
    storages = [RosterStorage.at("s3://bucket/key", "space", lambda *_, **__: s3) for _ in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as pool:
        done = [
            pool.submit(storage.change, adding(f"{writer}-{number}"))
            for number in range(5)
            for writer, storage in enumerate(storages)
        ]
    assert [future.exception() for future in done] == [None] * len(done)
    roster, etag = storages[0].read()
    assert roster.version == len(roster.people) == int(etag) == len(done)


def test_a_process_that_is_killed_between_reading_and_writing_changes_nothing(storage, file):
    storage.change(adding("Ann"))
    before = file.read_bytes()
    code = "storage.change(lambda roster: os.kill(os.getpid(), signal.SIGKILL))"
    assert finish(start(code, file, 1)) == (-signal.SIGKILL, b"")
    assert file.read_bytes() == before


def test_a_process_that_is_killed_while_it_writes_leaves_the_file_and_no_lock(storage, file):
    storage.change(adding("Ann"))
    code = """
from model import shared_file
shared_file.replacing = lambda path: os.kill(os.getpid(), signal.SIGKILL)
storage.change(lambda roster: add(roster, "Bob"))
"""
    assert finish(start(code, file, 1)) == (-signal.SIGKILL, b"")
    storage.change(adding("Cid"))
    assert names(storage) == {"Ann", "Cid"}


def test_a_change_that_changes_nothing_writes_nothing(storage, file):
    assert storage.change(lambda roster: (roster, "said"))[1:] == ("", "said")
    assert not file.exists()
    roster, etag, _ = storage.change(adding("Ann"))
    before = file.stat()
    again = storage.change(lambda roster: (roster, None))
    assert (again[0].version, again[1], file.stat().st_mtime_ns) == (roster.version, etag, before.st_mtime_ns)


def test_a_change_that_fails_changes_nothing(storage, file):
    storage.change(adding("Ann"))
    before = file.read_bytes()
    with pytest.raises(ZeroDivisionError):
        storage.change(lambda roster: 1 / 0)
    assert file.read_bytes() == before


def test_whoever_is_always_too_late_is_told_to_try_again(storage, monkeypatch):
    def replace(*_):
        raise SharedChangedError("Somebody else")

    monkeypatch.setattr(roster_storage, "_LONGEST_PAUSE_S", 0)
    monkeypatch.setattr(SharedFile, "replace", replace)
    with pytest.raises(RosterBusyError, match="Try again in a moment"):
        storage.change(adding("Ann"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The roster is damaged"),
        (b"PK\x03\x04torn", "The roster is damaged"),
        (json.dumps({"people": []}).encode(), "The roster is damaged"),
        (Roster("another").to_bytes(), r"another.*than the bundle \(space\).*visage enroll"),
    ],
    ids=["empty", "torn", "JSON", "another space"],
)
def test_a_roster_that_cannot_be_used_is_neither_changed_nor_replaced(storage, file, content, sentence):
    file.write_bytes(content)
    for call in (storage.read, lambda: storage.change(adding("Ann"))):
        with pytest.raises(RosterUnreadableError, match=sentence):
            call()
    assert file.read_bytes() == content


@pytest.mark.parametrize("make", ["mkdir", "symlink"])
def test_a_file_that_cannot_be_read_is_a_sentence(storage, file, make):
    file.mkdir() if make == "mkdir" else file.symlink_to(file)
    with pytest.raises(SharedError, match="cannot be read"):
        storage.read()


def test_a_file_is_not_read_again_by_whoever_knows_it(storage, file):
    assert storage.newer("") is None
    _, etag, _ = storage.change(adding("Ann"))
    assert storage.newer(etag) is None
    assert storage.newer("").etag == etag
    file.unlink()
    with pytest.raises(SharedError):
        storage.newer(etag)


@pytest.mark.parametrize("spelled", ["bundle", "bundle/", "other/../bundle"])
def test_the_roster_is_beside_the_folder_however_its_path_is_spelled(tmp_path, spelled):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "other").mkdir()
    assert beside(tmp_path / spelled) == tmp_path.resolve() / "bundle.roster.npz"
