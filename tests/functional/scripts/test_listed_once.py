"""A command lists its photos once: a folder may hold a million, and lie on a slow disk."""

import os
import shutil
from collections import Counter

import pytest

from dataset import candidates, folders
from dataset.errors import PrepareError
from scripts import samples as sample_photos


@pytest.fixture
def listed(monkeypatch):
    """How often each folder was listed. The search for faces, which comes after that, stops the command."""
    counts = Counter()

    def scandir(path, real=os.scandir):
        counts[str(path)] += 1
        return real(path)

    def stop(*_):
        raise PrepareError("Far enough.")

    monkeypatch.setattr(folders.os, "scandir", scandir)
    monkeypatch.setattr(candidates, "find_faces", stop)
    return counts


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize(
    "words",
    [
        "prepare {photos} {new} --pretrained casia-webface",
        "enroll {bundle} {newcomers}",
        "benchmark cleaning {photos} --strangers {strangers} --pretrained casia-webface --output {new}",
        "benchmark ties {photos} --pretrained casia-webface --output {new}",
        "benchmark geometry {photos} --pretrained casia-webface --output {new}",
        "benchmark people {photos} --strangers {strangers} --pretrained casia-webface --output {new}",
    ],
)
def test_a_command_lists_its_photos_once(visage, listed, samples, bundle, tmp_path, words):
    photos, strangers = samples / sample_photos.PEOPLE, samples / "strangers"
    newcomers = tmp_path / "newcomers"
    shutil.copytree(photos / "Joe Biden", newcomers / "Ann")
    places = {"photos": photos, "strangers": strangers, "newcomers": newcomers, "new": tmp_path / "made" / "new"}
    ended = visage(*(word.format(bundle=bundle, **places) for word in words.split()))
    assert (ended.status, "Far enough." in ended.err) == (1, True)
    given = {os.fspath(places[name]) for name in ("photos", "strangers", "newcomers") if f"{{{name}}}" in words}
    assert {folder: listed[folder] for folder in given} == dict.fromkeys(given, 1)
