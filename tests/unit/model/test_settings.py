"""The environment is read once; an invalid variable counts as a missing one."""

import os
from pathlib import Path

import pytest

from model import settings
from model.settings import AccessSettings, Settings, cores


@pytest.mark.parametrize(
    ("text", "threads"),
    [("1", 1), (" 3 ", 3), ("4,2", 4), ("2, 8", 2)],
)
def test_threads_are_the_first_number(text, threads):
    assert Settings.read({"OMP_NUM_THREADS": text}).threads == threads


@pytest.mark.parametrize("text", ["", "0", "abc", "-1", ",2", "1.5", "4x", "²", "٣", "9" * 30])
def test_an_invalid_number_of_threads_means_one_for_each_core(text):
    assert Settings.read({"OMP_NUM_THREADS": text}).threads == cores()


@pytest.mark.parametrize("missing", [(), ("process_cpu_count",), ("process_cpu_count", "sched_getaffinity")])
def test_cores_are_counted_on_every_system(monkeypatch, missing):
    for name in missing:
        monkeypatch.delattr(os, name, raising=False)
    assert cores() >= 1


def test_an_empty_variable_is_as_none():
    empty = Settings.read({"VISAGE_MODEL": "", "VISAGE_ENGINE": ""})
    assert (empty.location, empty.engine) == (None, "torchscript")


def test_a_user_without_a_home_has_settings_all_the_same(monkeypatch):
    def home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(settings.Path, "home", home)
    assert Settings.read({}).pyenv == Path("/.pyenv")


def test_settings_do_not_print_the_environment():
    assert "secret" not in repr(Settings.read({"AWS_SECRET_ACCESS_KEY": "secret"}))


def test_settings_do_not_print_the_key():
    assert "secret" not in repr(Settings.read({"VISAGE_KEY": "secret"}))


@pytest.mark.parametrize(("text", "seconds"), [("", 5), ("0", 5), ("-1", 5), ("soon", 5), ("30", 30)])
def test_keys_are_never_believed_for_ever(text, seconds):
    assert Settings.read({"VISAGE_KEYS_SECONDS": text}).access.seconds == seconds


def test_whoever_says_nothing_about_access_has_an_api_for_everybody():
    assert Settings.read({}).access == AccessSettings()
