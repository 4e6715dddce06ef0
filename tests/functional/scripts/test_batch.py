"""`visage batch` with a real model: rows, reruns, and what happens when it or its processes are ended."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from pyarrow import parquet

from batch import parts
from batch.contract import Header, Listed
from batch.planning import batches_of
from batch.storage import FolderStorage
from collection.alone import alone
from scripts import samples as sample_photos
from tests.processes import started

PATIENCE_S = 300


@pytest.fixture
def pile(samples, tmp_path):
    """A folder of photos and of other files."""
    pile = tmp_path / "pile"
    shutil.copytree(samples, pile)
    (pile / "diary.txt").write_text("Dear diary")
    (pile / "torn.jpg").write_bytes((samples / sample_photos.UNSEEN).read_bytes()[:5000])
    (pile / ".DS_Store").write_text("x")
    return pile


def rows_of(output):
    storage = FolderStorage(output)
    found = [row for name in parts.existing(storage) for row in parts.read(storage, name).rows]
    assert len({row["photo"] for row in found}) == len(found)
    return {row["photo"]: row for row in found}


@pytest.mark.usefixtures("no_workers")
def test_every_photo_gets_the_answer_of_the_api_and_a_rerun_does_what_changed(visage, bundle, pile, samples, tmp_path):
    output = tmp_path / "output"
    words = ("batch", pile, output, "--bundle", bundle)
    ended = visage(*words, "--keep-embeddings", "--thumbnails", "--json")
    assert ended.status == 0, ended.err
    summary, rows = json.loads(ended.out), rows_of(output)
    files = [path.relative_to(pile).as_posix() for path in pile.rglob("*") if path.is_file()]
    assert rows.keys() == {name for name in files if name != ".DS_Store"}
    assert summary["photos"] == len(rows) == sum(summary["statuses"].values())
    assert (rows["diary.txt"]["status"], rows["torn.jpg"]["status"]) == ("not_a_photo", "unreadable")
    assert summary["left_out"] == {"hidden files, and those of systems and programs": 1}

    told = visage("recognize", pile / sample_photos.UNSEEN, "--bundle", bundle, "--json")
    (answer,) = json.loads(told.out).values()
    assert rows[sample_photos.UNSEEN]["faces"] == answer["faces"]

    table = parquet.read_table(output / "photos.parquet").to_pylist()
    assert sorted(row["photo"] for row in table) == sorted(rows)
    assert "data:image/jpeg" in (output / "report.html").read_text(encoding="utf-8")
    assert sum(len(row["faces"]) for row in rows.values()) == summary["faces"]

    again = json.loads(visage(*words, "--json").out)
    assert (again["run"]["photos"], again["photos"]) == (0, summary["photos"])
    (pile / "diary.txt").unlink()
    shutil.copyfile(samples / sample_photos.STRANGERS, pile / "torn.jpg")
    assert visage(*words).status == 0
    changed = rows_of(output)
    assert "diary.txt" not in changed
    assert changed["torn.jpg"]["status"] == "unknown"
    assert len(changed["torn.jpg"]["faces"]) == 6
    status = json.loads(visage("batch", pile, output, "--status", "--json").out)
    assert (status["complete"], status["photos_done"]) == (True, len(changed))


@pytest.mark.usefixtures("no_workers")
def test_rows_of_another_model_are_refused_unless_everything_is_done_again(visage, bundle, pile, tmp_path):
    output = tmp_path / "output"
    assert visage("batch", pile, output, "--bundle", bundle).status == 0
    header = json.loads((output / "batch.json").read_text(encoding="utf-8"))
    (output / "batch.json").write_text(json.dumps(header | {"model": "other"}), encoding="utf-8")
    before = rows_of(output)
    ended = visage("batch", pile, output, "--bundle", bundle)
    assert ended.status == 1
    assert "another model: other" in ended.err
    assert "--new" in ended.err
    assert rows_of(output) == before
    assert visage("batch", pile, output, "--bundle", bundle, "--new").status == 0
    assert rows_of(output) == before


@pytest.mark.usefixtures("no_workers")
def test_a_photo_that_cannot_be_read_is_a_row_and_the_status_is_1(visage, bundle, pile, tmp_path, monkeypatch):
    refused, opened = pile / sample_photos.UNSEEN, Path.open

    def open_(path, *given, **named):
        if path == refused:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_)
        ended = visage("batch", pile, tmp_path / "output", "--bundle", bundle)
    assert ended.status == 1
    assert "Photos that could not be read: 1." in ended.err
    assert rows_of(tmp_path / "output")[sample_photos.UNSEEN]["status"] == "forbidden"
    assert visage("batch", pile, tmp_path / "output", "--bundle", bundle).status == 0
    assert rows_of(tmp_path / "output")[sample_photos.UNSEEN]["status"] == "recognised"


@pytest.fixture
def many(samples, tmp_path):
    """A few photos for each of several batches."""
    pile = tmp_path / "many"
    pile.mkdir()
    with Image.open(samples / sample_photos.UNSEEN) as photo:
        photo.thumbnail((400, 400))
        photo.save(pile.with_suffix(".jpg"))
    listed = (Listed(f"{number:03}.jpg", "1", 1) for number in range(300))
    for batch in batches_of(listed, Header("", "", "", "")):
        for key, _, _ in batch.photos[-4:]:
            shutil.copyfile(pile.with_suffix(".jpg"), pile / key)
    return pile


@pytest.fixture
def start(bundle, tmp_path):
    """Start the command in a process group of its own, as a terminal does; with another engine, if one is named."""

    def start(pile, output, *words, engine="torchscript"):
        command = ["-m", "scripts", "batch", pile, output, "--bundle", bundle, *words]
        return started(command, env={**os.environ, "VISAGE_ENGINE": engine}, stdout=subprocess.DEVNULL)

    return start


def wait_for_a_part(command, output):
    deadline = time.monotonic() + PATIENCE_S
    while not list((output / "parts").glob("*.jsonl.gz")):
        assert command.poll() is None, command.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_after_ctrl_c_whole_parts_are_there_and_a_rerun_makes_the_rows_of_an_undisturbed_one(
    visage, no_workers, bundle, many, start, tmp_path
):
    output, undisturbed = tmp_path / "output", tmp_path / "undisturbed"
    with start(many, output, "--workers", "1") as command:
        wait_for_a_part(command, output)
        os.killpg(command.pid, signal.SIGINT)
        _, said = command.communicate(timeout=PATIENCE_S)
    assert command.returncode == 130
    assert said.splitlines()[-1] == "Interrupted. Run the same command again to go on."
    done = rows_of(output)
    assert 0 < len(done) < len(list(many.iterdir()))
    assert not list(output.rglob("*.part"))
    assert visage("batch", many, output, "--bundle", bundle).status == 0
    assert visage("batch", many, undisturbed, "--bundle", bundle).status == 0
    assert rows_of(output) == rows_of(undisturbed)
    assert contents(output / "parts") == contents(undisturbed / "parts")


@pytest.mark.skipif(sys.platform != "linux", reason="It finds the worker processes in /proc.")
def test_a_killed_worker_costs_no_photo(bundle, many, start, tmp_path):
    output = tmp_path / "output"
    with start(many, output, "--workers", "2", engine="onnx") as command:  # its processes start sooner
        wait_for_a_part(command, output)
        os.kill(a_worker_of(command.pid), signal.SIGKILL)
        _, said = command.communicate(timeout=PATIENCE_S)
    assert command.returncode == 0, said
    rows = rows_of(output)
    assert len(rows) == len(list(many.iterdir()))
    assert {row["status"] for row in rows.values()} == {"recognised"}


def a_worker_of(process):
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    commands = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    return next(child for child, command in commands.items() if b"spawn_main" in command)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.usefixtures("no_workers")
def test_a_photo_that_ends_anywhere_is_a_row(visage, bundle, samples, tmp_path):
    whole = (samples / sample_photos.UNSEEN).read_bytes()
    (tmp_path / "pile").mkdir()
    ends = (0, 1, 2, 16, 100, 1000, len(whole) // 2, len(whole) - 1)
    for end in ends:
        (tmp_path / "pile" / f"{end:09}.jpg").write_bytes(whole[:end])
    assert visage("batch", tmp_path / "pile", tmp_path / "output", "--bundle", bundle).status == 0
    rows = rows_of(tmp_path / "output")
    statuses = [rows[f"{end:09}.jpg"]["status"] for end in ends]
    assert statuses[:3] == ["not_a_photo"] * 3
    assert statuses[3:7] == ["unreadable"] * 4
    assert statuses[7] == "recognised"


def test_two_commands_do_not_write_to_one_output(visage, bundle, pile, tmp_path):
    output = tmp_path / "output"
    with alone(output / ".lock", AssertionError()):
        ended = visage("batch", pile, output, "--bundle", bundle)
    assert ended.status == 1
    assert "Another `visage batch` writes to" in ended.err
    assert not (output / "batch.json").exists()
