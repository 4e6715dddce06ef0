"""Whatever a command can know in a second it says in one sentence, before it imports a large package or begins."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from dataset.aligned import OUTPUT, OVERRIDES
from model.roster_storage import beside
from model.settings import ROOT
from scripts import samples as sample_photos
from tests.answering import HEADER
from training.run import METRICS

RUNNER = """
import contextlib, io, json, os, sys
from scripts import command_line

access = os.access
os.access = lambda path, mode: access(path, mode) and not (mode & os.W_OK and str(path).endswith("unwritable"))

def run(words):
    sys.argv, said = ["visage", *words], io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            command_line.run()
        except SystemExit as ended:
            return ended.code, said.getvalue(), sorted({"torch", "sklearn", "onnxruntime"} & set(sys.modules))

print(json.dumps([run(words) for words in json.load(sys.stdin)]))
"""
"""Runs one command after the other in one process, which has imported nothing before. It may write everywhere but to
folders called unwritable: a test that runs as root may write to all."""

WRONG = [
    ("samples {file}/new", "is a file"),
    ("samples {unwritable}/new", "no permission to write"),
    ("prepare {missing} {new}", "No such folder"),
    ("prepare {file} {new}", "No such folder"),
    ("prepare {empty} {new}", "holds no folder with photos"),
    ("prepare {photos} {photos}/aligned", "outside the photos"),
    ("prepare {photos} {file}", "is a file"),
    ("prepare {photos} {unwritable}/new", "no permission to write"),
    ("prepare {photos} {damaged}", "is damaged"),
    ("prepare {photos} {new} --keep nobody.jpg", "is not one of the photos"),
    ("prepare {photos} {new} --drop nobody.jpg", "is not one of the photos"),
    ("prepare {photos} {new} --pretrained {missing}", "No such file of weights"),
    ("prepare {photos} {new} --pretrained {file}", "does not hold the weights"),
    ("prepare {photos} {new} --pretrained {empty}", "No such file of weights"),
    ("sort {missing} {new}", "No such folder"),
    ("sort {empty} {new}", "holds no photos"),
    ("sort {photos} {photos}/sorted", "outside the pile"),
    ("sort {photos} {file}", "is a file"),
    ("sort {photos} {aligned}", "holds other things"),
    ("sort {photos} {unwritable}/new", "no permission to write"),
    ("sort {photos} {new} --pretrained {missing}", "No such file of weights"),
    ("sort {photos} {new} --merge 1 2", "Sort first"),
    ("sort {photos} {aligned} {new}", "Give a pile of photos"),
    ("sort {new}", "holds no sorted photos"),
    ("sort {new} --split 1", "for each photo a --photo"),
    ("train {missing} {new}", "No such folder"),
    ("train {empty} {new}", "of nobody"),
    ("train {aligned} {file}", "is a file"),
    ("train {aligned} {photos}", "holds no training run"),
    ("train {aligned} {run} --epochs 3", "other faces or options"),
    ("train {aligned} {foreign} --restart", "which no training wrote"),
    ("train {aligned} {new} --device abacus", "There is no device"),
    ("train {aligned} {new} --pretrained {missing}", "No such file of weights"),
    ("train {aligned} {unwritable}/new", "no permission to write"),
    ("evaluate {missing} {photos}", "No bundle"),
    ("evaluate {unfinished} {photos}", "is not finished"),
    ("evaluate {bundle} {missing}", "No such folder"),
    ("evaluate {bundle} {photos} --strangers {missing}", "No such folder"),
    ("evaluate {bundle} {photos} --strangers {empty}", "holds no photos"),
    ("evaluate {bundle} {photos} --output {photos}/new", "which is to be read"),
    ("evaluate {bundle} {photos} --output {unwritable}/new", "no permission to write"),
    ("evaluate {bundle} {photos} --held-out", "No training run"),
    ("benchmark lfw {missing}", "pairs.txt"),
    ("benchmark lfw {empty}", "pairs.txt"),
    ("benchmark lfw --bundle {missing}", "No bundle"),
    ("benchmark cleaning {missing}", "No such folder"),
    ("benchmark cleaning {photos} --output {photos}/new", "which is to be read"),
    ("benchmark geometry {missing}", "No such folder"),
    ("benchmark detection {missing}", "No such folder"),
    ("benchmark detection {empty}", "no photos"),
    ("benchmark detection {photos} --output {photos}/new", "which is to be read"),
    ("benchmark people {photos} --strangers {missing}", "No such folder"),
    ("benchmark people {photos} --unknown 9", "a smaller --unknown"),
    ("benchmark enrolment {missing}", "No such folder"),
    ("benchmark verification {missing}", "No such folder"),
    ("benchmark verification {photos} --bundle {missing}", "No bundle"),
    ("benchmark strangers {empty}", "no photos"),
    ("benchmark people {photos} --output {file}", "is a file"),
    ("export {missing} {new}", "No training run"),
    ("export {unfinished} {new}", "is not finished"),
    ("export {run} {bundle}", "already holds a bundle"),
    ("export {run} {photos} --replace", "is not a bundle"),
    ("export {run} {unwritable}/new", "no permission to write"),
    ("export {run} {new} --impostors {missing}", "No such folder"),
    ("enroll {missing} {photos}", "No bundle"),
    ("enroll {bundle} {missing}", "No such folder"),
    ("enroll {bundle} {photos}", "knows"),
    ("enroll {readonly} {newcomers}", "no permission to write"),
    ("enroll {torn} {newcomers}", "The roster is damaged"),
    ("forget {missing} Ann", "No bundle"),
    ("forget {bundle} Ann", "knows nobody called"),
    ("forget {bundle} {known} --aligned {photos}", "was not made by"),
    ("forget {bundle} {known} --retrain {missing}", "No such folder"),
    ("forget {bundle} {known} --output {photos}", "exists already"),
    ("forget {bundle} {known} --output {unwritable}/new", "no permission to write"),
    ("people list --bundle {missing}", "No bundle"),
    ("people list --bundle s3://bucket/prefix", "give its --url"),
    ("people add Ann {missing} --url nonsense", "is not an address"),
    ("people add Ann {missing} --bundle {bundle} --face us.jpg=1", "none of the photos"),
    ("people export {file} --bundle {bundle}", "exists already"),
    ("people export {unwritable}/new --bundle {bundle}", "no permission to write"),
    ("people import {missing} --bundle {bundle}", "No such file"),
    ("publish {missing} s3://bucket/prefix", "No bundle"),
    ("publish {bundle} bucket", "Give s3://bucket/prefix"),
    ("recognize {missing} --bundle {missing}", "No bundle"),
    ("recognize {missing} --bundle {bundle}", "Photos without an answer: 1 of 1"),
    ("recognize {empty} {missing} - --bundle {bundle}", "Photos without an answer: 3 of 3"),
    ("recognize {missing} --url nonsense", "is not an address"),
    ("batch {missing} {new} --bundle {bundle}", "No such folder"),
    ("batch {empty} {new} --bundle {bundle}", "holds no photos"),
    ("batch {photos} {new} --bundle {missing}", "No bundle"),
    ("batch {photos} {photos}/new --bundle {bundle}", "is inside the source"),
    ("batch {photos} {file} --bundle {bundle}", "is a file"),
    ("batch {photos} {unwritable}/new --bundle {bundle}", "no permission to write"),
    ("batch {photos} {new} --status", "There is no batch in"),
    ("batch {photos} {new} --stage local", "works with buckets only"),
    ("batch s3://photos/a s3://results/a --stage local", "The local AWS does not run"),
    ("batch s3://photos/a s3://results/a --stage local --bundle {bundle}", "has a model of its own"),
    ("batch s3://photos/a s3://results/a --watch", "need --stage"),
    ("batch s3://photos/a s3://results/a --stage local --status --cancel", "Give one of --status, --cancel"),
    ("deploy --bundle {bundle} --with-batch --batch-source s3://photos", "give --batch-source s3://bucket/prefix and"),
    ("verify {file} {missing} --bundle {bundle}", "There is no photo"),
    ("verify {file} {file} --bundle {missing}", "No bundle"),
    ("verify {file} {file} --url nonsense", "is not an address"),
    ("search {missing} --in {empty} --bundle {bundle}", "There is no photo"),
    ("search {file} --in {empty} --bundle {missing}", "No bundle"),
    ("search {file} --in {missing} --bundle {bundle}", "There is no output of `visage batch`"),
    ("search {file} --in {forgetful} --bundle {bundle}", "with --keep-embeddings"),
    ("search {file} --in {elsewhere} --bundle {bundle}", "another embedding space: space-1"),
    ("recognize {missing} --bundle {bundle} --key-file {file}", "a bundle needs no key"),
    ("recognize {missing} --url https://x.test --key-file {missing}", "No such file"),
    ("recognize {missing} --url https://x.test --key-file {empty}", "Is a directory"),
    ("recognize {missing} --url https://x.test --key-file {file}", "does not hold a key"),
    ("keys create phone", "The local AWS does not run"),
    ("keys create phone --last-day soon", "Write it as YYYY-MM-DD"),
    ("keys create phone --last-day 2026-02-30", "Write it as YYYY-MM-DD"),
    ("keys create phone --last-day 2020-01-01", "has passed"),
    ("keys create phone --scope admin", "one of the scopes"),
    ("keys list", "The local AWS does not run"),
    ("keys revoke phone", "The local AWS does not run"),
    ("deploy --bundle {missing}", "No bundle"),
    ("deploy --bundle {missing} --auth key --issuer https://x.test", "are for --auth jwt only"),
    ("deploy --bundle {missing} --auth jwt --issuer http://x.test", "must begin with https://"),
    ("deploy --bundle {bundle} --example {file}", "cannot be an example"),
    ("deploy --bundle {bundle} --example {missing}", "cannot be an example"),
]


@pytest.fixture(scope="module")
def places(samples, aligned, run, bundle, tmp_path_factory):
    """Folders and files to give to commands, by the names that stand for them in the table."""
    home = tmp_path_factory.mktemp("places")
    places = {name: home / name for name in ("missing", "new", "file", "empty", "unwritable")}
    places["file"].write_text("Dear diary")
    places["empty"].mkdir()
    places["unwritable"].mkdir()
    places |= {"photos": samples / sample_photos.PEOPLE, "aligned": aligned, "run": run, "bundle": bundle}
    places["unfinished"] = shutil.copytree(run, home / "unfinished")
    (places["unfinished"] / METRICS).unlink()
    places["foreign"] = shutil.copytree(run, home / "foreign")
    (places["foreign"] / "thesis.tex").touch()
    places["damaged"] = home / "damaged"
    (places["damaged"] / OUTPUT).mkdir(parents=True)
    (places["damaged"] / OUTPUT / OVERRIDES).write_text("{")
    places["readonly"] = shutil.copytree(bundle, home / "also_unwritable" / "bundle")
    places["torn"] = shutil.copytree(bundle, home / "torn")
    beside(places["torn"]).write_bytes(b"PK torn")
    places["newcomers"] = home / "newcomers"
    shutil.copytree(samples / sample_photos.PEOPLE / "Joe Biden", places["newcomers"] / "Ann")
    for name, header in {"elsewhere": HEADER, "forgetful": replace(HEADER, keep_embeddings=False)}.items():
        places[name] = home / name
        places[name].mkdir()
        (places[name] / "batch.json").write_bytes(header.to_json())
    return places


@pytest.fixture(scope="module")
def ended(places):
    """How each command of the table ended: its status, what it said, and which large packages it imported."""
    names = {name: str(path) for name, path in places.items()}
    commands = [[word.format(known="Joe Biden", **names) for word in words.split()] for words, _ in WRONG]
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps(commands),
        cwd=ROOT,
        env=os.environ | {"VISAGE_LOCAL_PORT": "1"},  # nothing listens there; on 4566 a demo may be running
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip((words for words, _ in WRONG), json.loads(done.stdout.splitlines()[-1]), strict=True))


@pytest.mark.parametrize(("words", "sentence"), WRONG)
def test_what_is_wrong_is_one_sentence_before_anything_is_imported_or_written(ended, places, words, sentence):
    status, said, imported = ended[words]
    lines = said.splitlines()
    assert (status, imported) == (1, [])
    assert sentence in lines[-1]
    assert [line for line in lines if "Error:" in line] == lines[-1:]
    assert not places["new"].exists()
    assert list(places["unwritable"].iterdir()) == list(places["empty"].iterdir()) == []
