"""Every command as a user runs it: exit statuses, `--json`, and wrong options."""

import json
import shutil

import pytest

from model.roster_storage import beside
from scripts import samples as sample_photos
from scripts.command_line import COMMANDS


@pytest.fixture
def result(visage):
    """Run a command with `--json`; return what it printed, which must be JSON and nothing else."""

    def result(*words):
        ended = visage(*words, "--json")
        assert ended.status == 0, ended.err
        return json.loads(ended.out)

    return result


def test_a_run_is_exported_and_its_bundle_evaluated(visage, result, run, samples, tmp_path):
    exported = result("export", run, tmp_path / "bundle")
    assert set(exported["labels"]) == {folder.name for folder in (samples / sample_photos.PEOPLE).iterdir()}
    assert visage("export", run, tmp_path / "bundle").status == 1
    people = samples / sample_photos.PEOPLE
    figures = result("evaluate", tmp_path / "bundle", people, "--output", tmp_path / "report")
    assert figures["photos"] == sum(1 for path in people.rglob("*") if path.is_file())
    assert list((tmp_path / "report").glob("*.html"))


@pytest.mark.usefixtures("no_workers")
def test_a_person_is_forgotten_and_enrolled_again_and_recognised(visage, result, bundle, samples, tmp_path):
    forgotten = result("forget", bundle, "Barack Obama", "--output", tmp_path / "forgotten")
    assert "Barack Obama" not in forgotten["labels"]
    people = tmp_path / "people"
    shutil.copytree(samples / sample_photos.PEOPLE / "Barack Obama", people / "Barack Obama")
    enrolled = result("enroll", tmp_path / "forgotten", people)
    assert list(enrolled["enrolled"]) == ["Barack Obama"]
    assert (enrolled["roster"], enrolled["people"]) == (str(tmp_path / "forgotten.roster.npz"), 1)
    photo, diary = samples / sample_photos.UNSEEN, tmp_path / "diary.txt"
    diary.write_text("Dear diary")
    ended = visage("recognize", diary, photo, "--bundle", tmp_path / "forgotten", "--json")
    assert ended.status == 1
    assert "Photos without an answer: 1 of 2." in ended.err
    answers = json.loads(ended.out)
    assert "detail" in answers[str(diary)]
    assert answers[str(photo)]["faces"][0]["label"] == "Barack Obama"
    figures = result("evaluate", tmp_path / "forgotten", photo.parent.parent, "--output", tmp_path / "report")
    assert (figures["photos"], figures["known"]["recognised"]) == (1, 1)


def test_a_roster_that_cannot_be_used_is_said_in_one_line_and_the_others_are_recognised(visage, bundle, samples):
    photo = samples / sample_photos.UNSEEN
    beside(bundle).write_bytes(b"PK torn")
    ended = visage("recognize", photo, "--bundle", bundle)
    beside(bundle).unlink()
    assert (ended.status, "Barack Obama" in ended.out) == (0, True)
    (line,) = [line for line in ended.err.splitlines() if "note" in line]
    assert "The roster is damaged" in line


def test_two_photos_are_compared_by_a_bundle(visage, result, bundle, samples):
    people, group = samples / sample_photos.PEOPLE, samples / sample_photos.STRANGERS
    photo, other = people / "Barack Obama" / "obama.jpg", people / "Joe Biden" / "biden.jpg"
    assert result("verify", photo, samples / sample_photos.UNSEEN, "--bundle", bundle)["same"] is True
    assert result("verify", photo, other, "--bundle", bundle)["same"] is False
    ended = visage("verify", photo, group, "--face-b", "7", "--bundle", bundle)
    assert (ended.status, "`face_b` may be 1 to 6" in " ".join(ended.err.split())) == (1, True)


def test_samples_names_every_photo_it_has_put_there(result, samples, tmp_path):
    shutil.copytree(samples, tmp_path / "photos")
    photos = result("samples", tmp_path / "photos")
    assert len(photos) == len(sample_photos.SAMPLES)


def test_the_status_of_the_local_aws_is_json(result):
    assert set(result("local", "status")) == {"running", "endpoint", "log"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help(visage, command):
    assert visage(command, "--help").status == 0


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in {"deploy", "demo"}])
def test_a_command_without_its_arguments_is_status_2(visage, command):
    ended = visage(command)
    assert ended.status == 2
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_is_status_2_with_its_name(visage, command):
    ended = visage(command, "--nonsense")
    assert ended.status == 2
    assert "--nonsense" in ended.err
