"""A command that changes a bundle replaces it, however its path is spelled, and nothing else."""

import pytest

from scripts.console import CommandError
from scripts.targets import target_of


@pytest.fixture
def made(tmp_path, monkeypatch):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "manifest.json").touch()
    (tmp_path / "link").symlink_to("bundle")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "bundle"


@pytest.mark.parametrize("given", ["bundle", "./bundle", "bundle/", "link", "other/../bundle", "{}"])
@pytest.mark.parametrize("output", [None, "bundle", "bundle/.", "link", "{}"])
def test_every_spelling_of_the_bundle_replaces_it(made, given, output):
    given, output = (path and type(made)(path.format(made)) for path in (given, output))
    assert target_of(given, output) == (made, True)


def test_another_folder_gets_the_new_bundle(made):
    assert target_of(made, made.with_name("new")) == (made.with_name("new"), False)


def test_an_empty_folder_may_get_the_new_bundle(made):
    made.with_name("new").mkdir()
    assert target_of(made, made.with_name("new")) == (made.with_name("new"), False)


@pytest.mark.parametrize("name", ["other/manifest.json", "other/thesis.tex", "other"])
def test_another_existing_output_is_refused_and_the_message_names_only_real_options(made, name):
    path = made.parent / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("months of work")
    with pytest.raises(CommandError, match="exists already") as raised:
        target_of(made, made.with_name("other"))
    assert "--replace" not in str(raised.value)
