"""A disk that is full or read-only is an error with its reason, from whichever library; it never kills the process."""

import errno
import secrets
import subprocess

import numpy as np
import pytest
import torch
from PIL import Image

from batch import parts
from batch.contract import Listed
from batch.parts import Part
from batch.rows import row_of
from batch.storage import FolderStorage
from model import bundle as bundles
from model.errors import SharedError
from model.roster_storage import RosterStorage
from preprocess.files import replacing
from scripts import checks
from scripts.console import CommandError
from tests.crowds import crowd
from tests.unit.training.test_activations import SIZE, Network
from training import activations

MB = 1_000_000


def mount(*words):
    return subprocess.run(["mount", *map(str, words)], capture_output=True, text=True, check=False)


@pytest.fixture
def disk(tmp_path):
    """A disk of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = mount("-t", "tmpfs", "-o", "size=4m", "tmpfs", folder)
    if mounted.returncode:
        pytest.skip(f"Only root can mount a small disk: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)  # torch keeps a file open that it could not write


def test_what_torch_cannot_write_is_the_full_disk_with_the_name_of_the_file(disk):
    with pytest.raises(OSError, match=r"network\.pt") as raised, replacing(disk / "network.pt") as unfinished:
        torch.save({"weights": torch.zeros(2 * MB)}, unfinished)
    assert raised.value.errno == errno.ENOSPC
    assert list(disk.iterdir()) == []


def test_what_python_cannot_write_is_the_full_disk_with_the_name_of_the_file(disk):
    with pytest.raises(OSError, match=r"face\.jpg") as raised, replacing(disk / "face.jpg") as unfinished:
        unfinished.write_bytes(bytes(5 * MB))
    assert raised.value.errno == errno.ENOSPC
    assert list(disk.iterdir()) == []


def test_a_part_on_a_full_disk_is_the_full_disk_and_leaves_nothing(disk):
    rows = [row_of(Listed(secrets.token_hex(5 * MB), "1", 1), "model", "no_face")]
    with pytest.raises(OSError, match=r"parts/part\.jsonl\.gz") as raised:
        parts.write(FolderStorage(disk), Part("part", rows))
    assert raised.value.errno == errno.ENOSPC
    assert [path for path in disk.rglob("*") if path.is_file()] == []


def test_what_another_library_cannot_write_into_a_bundle_is_the_full_disk(disk):
    with pytest.raises(OSError, match="bundle") as raised, bundles.temporary_bundle(disk / "bundle") as source:
        torch.save({"weights": torch.zeros(2 * MB)}, source / "model.pt")
    assert raised.value.errno == errno.ENOSPC
    assert list(disk.iterdir()) == []


def test_a_roster_that_does_not_fit_on_the_disk_stays_as_it_was(disk):
    storage = RosterStorage.at(str(disk / "bundle.roster.npz"), "space")
    storage.change(lambda roster: roster.with_person("Ann", crowd(1), ()))
    before = (disk / "bundle.roster.npz").read_bytes()
    (disk / "thesis.tex").write_bytes(bytes(4 * 1024 * 1024 - 20_000))
    with pytest.raises(SharedError, match="No space left"):
        storage.change(lambda roster: roster.with_person("Bob", crowd(16), ()))
    assert (disk / "bundle.roster.npz").read_bytes() == before
    assert not list(disk.glob("*.part"))


def test_an_error_on_a_disk_with_room_stays_what_it_is(disk):
    with pytest.raises(ZeroDivisionError), replacing(disk / "file"):
        raise ZeroDivisionError


def test_activations_on_a_full_disk_are_an_error_and_no_bus_error_and_go_on_with_more_room(disk, tmp_path):
    files = [tmp_path / f"{number}.jpg" for number in range(20)]
    for number, file in enumerate(files):
        Image.fromarray(np.full((SIZE, SIZE, 3), number, np.uint8)).save(file)
    (disk / "thesis.tex").write_bytes(bytes(4 * 1024 * 1024 - 20_000))
    compute = (Network(), files, SIZE, disk / "activations.npy", lambda *_: None)
    with pytest.raises(OSError, match="No space left") as raised:
        activations.compute(*compute)
    assert raised.value.errno == errno.ENOSPC
    (disk / "thesis.tex").unlink()
    expected = activations.compute(*compute[:3], tmp_path / "activations.npy", compute[4])
    np.testing.assert_array_equal(activations.compute(*compute), expected)


def test_a_disk_that_is_too_small_is_said_before_the_work(disk):
    checks.target(disk / "new", 3)
    with pytest.raises(CommandError, match="new needs about 5 MB, and its disk has 4 MB left"):
        checks.target(disk / "new", 5)
    (disk / "new").write_bytes(bytes(3 * MB))
    (disk / "old").mkdir()
    (disk / "new").rename(disk / "old" / "new")
    checks.target(disk / "old", 4)


def test_a_read_only_disk_is_said_before_the_work(disk):
    assert mount("-o", "remount,ro", disk).returncode == 0
    with pytest.raises(CommandError, match="its disk is read-only"):
        checks.target(disk / "new")
