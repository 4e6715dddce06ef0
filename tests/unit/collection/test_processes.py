"""Batches in processes: every photo is answered once, also where S3 fails for a while or a photo kills its process."""

from concurrent.futures.process import BrokenProcessPool

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch import parts
from batch.contract import Batch, Header, Listed
from batch.errors import BatchUnavailableError, OutputError
from batch.planning import manifest, open_output, plan
from batch.sources import FolderSource
from batch.storage import FolderStorage
from batch.summary import finish
from collection import processes
from collection.processes import Job, answer_all, smallest_last
from dataset.errors import WorkerKilledError
from tests.answering import Model

pytestmark = pytest.mark.usefixtures("no_workers")


class Rosters:
    def show(self, model):
        model.shown = True


class Deadly(Model):
    """A model whose process is killed by photos that say `kill`, and by the first `more` others."""

    def __init__(self, more=0):
        super().__init__()
        self.more = more

    def recognize(self, data):
        if data == b"kill" or self.more:
            self.more -= self.more > 0 and data != b"kill"
            raise Killed
        return super().recognize(data)


class Killed(BaseException):
    """Stands for SIGKILL."""


@given(st.lists(st.integers(1, 64), max_size=100), st.integers(1, 20))
def test_the_smallest_batches_come_last_and_none_is_lost(sizes, held):
    batches = [
        Batch(f"{number:024}", tuple(Listed(f"{number}-{photo}", "1", 1) for photo in range(size)))
        for number, size in enumerate(sizes)
    ]
    found = list(smallest_last(iter(batches), held))
    assert sorted(batch.name for batch in found) == [batch.name for batch in batches]
    assert [len(batch.photos) for batch in found[-held:]] == sorted(sizes)[:held][::-1]


@pytest.fixture
def folder(tmp_path):
    for number in range(200):
        path = tmp_path / "pile" / f"{number:03}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"ada" if number % 2 else b"?")
    return tmp_path / "pile"


@pytest.fixture
def recognise(folder, tmp_path, monkeypatch):
    """Recognise the folder with a model; return the rows and the counts that were reported."""

    def recognise(model, name="run-1"):
        source, output = FolderSource(folder), FolderStorage(tmp_path / "output")
        header = open_output(
            output, Header(source.location, "model-1", "space", "now", keep_embeddings=True), new=False
        )
        tools = processes._Tools(source, output, model, Rosters())
        monkeypatch.setattr(processes, "_tools", lambda _: tools)
        answered = processes._answer

        def answer(task):
            try:
                return answered(task)
            except Killed as error:
                raise BrokenProcessPool from error

        with monkeypatch.context() as patch:
            patch.setattr(processes, "_answer", answer)
            patch.setattr("tests.processes._sent", lambda value: value)
            patch.setattr(processes, "_PAUSE_S", 0)
            plan(source, output, header, name)
            done = []
            job = Job(source.location, output.location, "bundle", header)
            answer_all(job, output, manifest(output, name), 2, done.append)
        return finish(output, header, name), sum(done), output

    return recognise


def test_every_photo_is_answered_once(recognise):
    model = Model()
    summary, done, _ = recognise(model)
    assert (summary["photos"], done, len(model.seen), model.shown) == (200, 200, 200, True)
    summary, done, _ = recognise(model, "run-2")
    assert (summary["photos"], done, len(model.seen)) == (200, 0, 200)


def test_a_photo_that_kills_its_process_is_a_row_and_the_others_have_answers(recognise, folder):
    for name in ("000.jpg", "077.jpg"):
        (folder / name).write_bytes(b"kill")
    summary, done, output = recognise(Deadly())
    assert (summary["photos"], summary["statuses"]["failed"], done) == (200, 2, 200)
    rows = [row for name in parts.existing(output) for row in parts.read(output, name, embeddings=True).rows]
    assert sorted(row["photo"] for row in rows if row["status"] == "failed") == ["000.jpg", "077.jpg"]
    assert len({row["photo"] for row in rows}) == 200
    (folder / "000.jpg").write_bytes(b"ada")
    assert recognise(Deadly(), "run-2")[0]["statuses"]["failed"] == 1


def test_a_killed_process_costs_no_photo(recognise):
    summary, done, _ = recognise(Deadly(more=1))
    assert (summary["photos"], summary["statuses"].get("failed"), done) == (200, None, 200)


def test_processes_that_are_killed_again_and_again_end_the_command(recognise, folder, monkeypatch):
    monkeypatch.setattr(processes, "_MOST_KILLED", 1)
    for path in folder.iterdir():
        path.write_bytes(b"kill")
    with pytest.raises(WorkerKilledError, match="fewer --workers"):
        recognise(Deadly())


def test_a_batch_is_tried_again_while_s3_cannot_be_reached(recognise, monkeypatch):
    failing = [BatchUnavailableError("S3 is away."), BatchUnavailableError("S3 is away.")]
    answer = processes.answer

    def unreliable(*given):
        if failing:
            raise failing.pop()
        return answer(*given)

    monkeypatch.setattr(processes, "answer", unreliable)
    assert recognise(Model())[0]["photos"] == 200
    failing += [BatchUnavailableError("S3 is away.")] * 3
    assert recognise(Model(), "run-2")[1] == 0


def test_a_bundle_that_was_replaced_meanwhile_is_noticed(monkeypatch, tmp_path):
    monkeypatch.setattr("model.recognizer.Recognizer.load", lambda *_: Model("model-2"))
    header = Header("pile", "model-1", "space", "now")
    with pytest.raises(OutputError, match="replaced"):
        processes._tools.__wrapped__(Job(str(tmp_path), str(tmp_path), str(tmp_path), header))
