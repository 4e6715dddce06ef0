"""The real bundle, altered."""

import shutil
from pathlib import Path

import pytest

from model.bundle import LANDMARKS
from model.engines import ENGINES
from model.errors import BundleError
from model.recognizer import Recognizer
from model.settings import Settings

READ = [(engine.name, file) for engine in ENGINES.values() for file in (engine.gallery, engine.files[0], LANDMARKS)]


def altered(file):
    file.write_text(file.name.upper())


@pytest.mark.parametrize(("engine", "name"), READ)
@pytest.mark.parametrize("damage", [altered, Path.unlink])
def test_a_file_that_is_not_the_one_in_the_manifest_is_refused_before_it_is_read(
    bundle, tmp_path, engine, name, damage, monkeypatch
):
    monkeypatch.setenv("VISAGE_ENGINE", engine)
    damaged = shutil.copytree(bundle, tmp_path / "bundle")
    damage(damaged / name)
    for reader in ("torch.jit.load", "model.engines.onnx.session"):
        monkeypatch.setattr(reader, lambda *_, **__: pytest.fail("deserialised"))
    with pytest.raises(BundleError, match=name):
        Recognizer.load(str(damaged), Settings.read())
