"""The real bundle, altered."""

import shutil

import pytest

from model.bundle import GALLERY, LANDMARKS, MODEL
from model.errors import BundleError
from model.recognizer import Recognizer
from model.settings import Settings


@pytest.mark.parametrize("name", [MODEL, GALLERY, LANDMARKS])
def test_an_altered_file_is_refused_before_it_is_read(bundle, tmp_path, name, monkeypatch):
    altered = shutil.copytree(bundle, tmp_path / "bundle")
    (altered / name).write_text(name.upper())
    monkeypatch.setattr("torch.jit.load", lambda *_, **__: pytest.fail("deserialised"))
    with pytest.raises(BundleError, match=name):
        Recognizer.load(str(altered), Settings.read())
