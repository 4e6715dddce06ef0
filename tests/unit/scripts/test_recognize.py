"""`visage recognize --url` prints an answer for every photo, and its status is 1 if one is missing."""

import json
import os
import subprocess
import sys
from http.server import HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.local import free_port
from model.settings import ROOT
from model.version import VERSION
from preprocess.files import MAX_FILE_BYTES
from scripts.command_line import application
from scripts.errors import CommandError

RECOGNITION = {"faces": [{"label": "Ann", "probability": 0.9, "known": True}]}
NOBODY = {"faces": [{"label": None, "probability": 0.3, "known": False}]}


@pytest.fixture
def photos(tmp_path):
    names = [tmp_path / f"{number}.jpg" for number in range(3)]
    for name in names:
        name.write_bytes(b"photo")
    return names


def recognize(*words):
    return CliRunner().invoke(application(), ["recognize", *map(str, words)])


def test_answers_for_all_photos_are_status_0(api, photos):
    api.answers = [(200, RECOGNITION), (200, NOBODY), (200, {"faces": []})]
    done = recognize("--url", api.url, "--json", *photos)
    assert done.exit_code == 0
    assert json.loads(done.stdout) == dict(zip(map(str, photos), [RECOGNITION, NOBODY, {"faces": []}], strict=True))
    assert api.agents[-3:] == [f"visage/{VERSION}"] * 3


def test_an_incomplete_photo_is_said_to_be_incomplete(api, photos):
    images = [{"complete": False}, {"complete": True}, 7]
    api.answers = [(200, RECOGNITION | {"image": image}) for image in images]
    lines = recognize("--url", api.url, *photos).stdout.replace("\n", " ")
    assert lines.count("(the photo is incomplete)") == 1


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ((500, {"detail": "Something went wrong."}), "Something went wrong."),
        ((503, {"message": "Service Unavailable"}), "Service Unavailable"),
        ((422, {"detail": "There is no face in this photo."}), "There is no face in this photo."),
        ((502, b"<html>"), "The API answered with status 502 and without JSON."),
        ((200, b"[]"), "The API answered with status 200 and without JSON."),
        ((200, {"other": "API"}), "Status 200."),
        ((200, {"faces": None}), "Status 200."),
        ((200, {"faces": [{}]}), "Status 200."),
        ((200, b"[" * 100_000), "The API answered with status 200 and without JSON."),
        ((429, {"message": "Too Many Requests"}), "Too Many Requests"),
        ((204, b""), "The API answered with status 204 and without JSON."),
    ],
)
def test_a_photo_without_an_answer_is_status_1_with_the_other_answers(api, photos, answer, detail):
    api.answers = [(200, RECOGNITION), answer, (200, NOBODY)]
    done = recognize("--url", api.url, "--json", *photos)
    assert str(done.exception) == "Photos without an answer: 1 of 3."
    assert list(json.loads(done.stdout).values()) == [RECOGNITION, {"detail": detail}, NOBODY]


def test_a_photo_that_cannot_be_read_does_not_refuse_the_others(api, photos, tmp_path):
    api.answers = [(200, RECOGNITION), (200, NOBODY), (200, RECOGNITION)]
    (tmp_path / "empty").mkdir()
    done = recognize("--url", api.url, tmp_path / "missing.jpg", tmp_path / "empty", tmp_path / ("x" * 300), *photos)
    assert isinstance(done.exception, CommandError)
    assert str(done.exception) == "Photos without an answer: 3 of 6."
    assert "missing.jpg: The file cannot be read: No such file or directory." in done.stdout
    assert done.stdout.count("Ann (90.0%)") == 2


@pytest.fixture
def refused(monkeypatch):
    """Make a function of the system refuse a path, as it does to all users but root, or when the path is gone."""

    def refused(module, function, path, error):
        real = getattr(module, function)

        def refusing(given, *rest, **options):
            if Path(given) == path:
                raise error
            return real(given, *rest, **options)

        monkeypatch.setattr(module, function, refusing)

    return refused


ERRORS = {
    "denied": PermissionError(13, "Permission denied"),
    "gone": FileNotFoundError(2, "No such file or directory"),
    "broken": OSError(5, "Input/output error"),
    "replaced": NotADirectoryError(20, "Not a directory"),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
@pytest.mark.parametrize("place", ["album", "album/inner"])
def test_a_folder_that_cannot_be_listed_does_not_refuse_the_others(api, photos, tmp_path, refused, place, error):
    api.answers = [(200, RECOGNITION)] * 3
    (tmp_path / "album" / "inner").mkdir(parents=True)
    refused(os, "scandir", tmp_path / place, error)
    done = recognize("--url", api.url, "--json", tmp_path / "album", *photos)
    assert str(done.exception) == "Photos without an answer: 1 of 4."
    answers = json.loads(done.stdout)
    assert answers.pop(str(tmp_path / place))["detail"].endswith(f" cannot be read: {error.strerror}.")
    assert list(answers.values()) == [RECOGNITION] * 3


def test_a_folder_that_vanishes_before_it_is_listed_does_not_refuse_the_others(api, photos, tmp_path, monkeypatch):
    api.answers = [(200, RECOGNITION)] * 3
    (tmp_path / "album").mkdir()
    monkeypatch.setattr(Path, "is_dir", lambda path, real=Path.is_dir: path != tmp_path / "album" and real(path))
    done = recognize("--url", api.url, "--json", tmp_path / "album", *photos)
    assert str(done.exception) == "Photos without an answer: 1 of 4."
    assert json.loads(done.stdout)[str(tmp_path / "album")]["detail"].startswith("No such folder")


@pytest.mark.parametrize("error", [*ERRORS.values(), IsADirectoryError(21, "Is a directory")], ids=repr)
@pytest.mark.parametrize("function", ["stat", "read_bytes"])
def test_a_file_that_cannot_be_read_after_it_was_listed_does_not_refuse_the_others(
    api, photos, tmp_path, refused, function, error
):
    api.answers = [(200, RECOGNITION)] * 2
    refused(Path, function, photos[1], error)
    done = recognize("--url", api.url, "--json", tmp_path)
    assert str(done.exception) == "Photos without an answer: 1 of 3."
    refusal = {"detail": f"The file cannot be read: {error.strerror}."}
    assert list(json.loads(done.stdout).values()) == [RECOGNITION, refusal, RECOGNITION]


def test_a_file_too_large_for_a_photo_is_not_read_and_does_not_refuse_the_others(api, photos, tmp_path):
    api.answers = [(200, RECOGNITION)] * 2
    with photos[1].open("ab") as file:
        file.truncate(MAX_FILE_BYTES + 1)  # without data, so that it takes no room
    done = recognize("--url", api.url, "--json", tmp_path)
    too_large = {"detail": "The file has more than 200 MB."}
    assert list(json.loads(done.stdout).values()) == [RECOGNITION, too_large, RECOGNITION]


def test_what_is_left_out_of_a_folder_is_said(api, photos, tmp_path):
    api.answers = [(200, RECOGNITION)] * 3
    (tmp_path / "video.mov").touch()
    (tmp_path / "nowhere.jpg").symlink_to(tmp_path / "gone.jpg")
    done = recognize("--url", api.url, "--json", tmp_path)
    assert (done.exit_code, len(json.loads(done.stdout))) == (0, 3)
    assert "videos and sounds 1 (.mov)" in done.stderr
    assert 'These links lead nowhere: "nowhere.jpg".' in done.stderr


def test_an_api_that_cannot_be_reached_is_one_sentence(photos):
    url = f"http://127.0.0.1:{free_port()}"
    done = recognize("--url", url, *photos)
    assert isinstance(done.exception, CommandError)
    assert str(done.exception).startswith(f"{url} cannot be reached")


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://x", "http://[::1", "http://x.localhost:y", f"http://{'x' * 70}.test"]
)
def test_an_invalid_url_is_reported_in_one_sentence(photos, url):
    done = recognize("--url", url, *photos)
    assert isinstance(done.exception, CommandError)
    assert str(done.exception).startswith(url)


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_names_are_printed_where_the_terminal_cannot_write_them(api, photos, as_json):
    api.answers = [(200, {"faces": [{"label": "Zoë 王 😀", "probability": 0.9, "known": True}]})]
    command = [sys.executable, "-m", "scripts", "recognize", "--url", api.url, *as_json, str(photos[0])]
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=ROOT, env=ascii_only, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    if as_json:
        assert json.loads(done.stdout)[str(photos[0])]["faces"][0]["label"] == "Zoë 王 😀"
    else:
        assert done.stdout.decode("ascii").endswith(r": Zo\xeb \u738b \U0001f600 (90.0%)" "\n")


def test_an_api_that_goes_away_leaves_the_answers_that_there_are(api, photos, monkeypatch):
    api.answers = [(200, RECOGNITION)]
    monkeypatch.setattr(api, "handle_error", lambda *_: None, raising=False)
    monkeypatch.setattr(HTTPServer, "handle_error", lambda *_: None)
    done = recognize("--url", api.url, "--json", *photos[:2])
    assert isinstance(done.exception, CommandError)
    assert json.loads(done.stdout) == {str(photos[0]): RECOGNITION}


@pytest.mark.parametrize(
    "words", [[], ["--url", ""], ["--bundle", ""], ["--url", "http://x.test", "--bundle", "bundle"]]
)
def test_neither_or_both_ways_to_recognise_are_wrong_arguments(photos, words):
    done = recognize(*words, *photos)
    assert done.exit_code == 2
    assert "Give either --bundle DIR or --url URL." in done.stderr


def test_a_key_comes_from_the_environment_or_from_a_file_and_the_file_is_first(api, photos, tmp_path, variable):
    api.answers = [(200, RECOGNITION)] * 3
    (tmp_path / "key.txt").write_text("visage_dev_of-the-file\n")
    recognize("--url", api.url, photos[0])
    variable("visage_dev_of-the-variable")
    recognize("--url", api.url, photos[0])
    recognize("--url", api.url, "--key-file", tmp_path / "key.txt", photos[0])
    assert api.keys[-3:] == [None, "Bearer visage_dev_of-the-variable", "Bearer visage_dev_of-the-file"]


def test_a_key_is_sent_whatever_the_users_netrc_has_for_the_host(api, photos, tmp_path, variable, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    variable("visage_dev_key")
    api.answers = [(200, RECOGNITION)]
    recognize("--url", api.url, photos[0])
    assert api.keys[-1] == "Bearer visage_dev_key"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"two words", "does not hold a key"),
        (b"two\nlines", "does not hold a key"),
        ("schl\u00fcssel".encode(), "does not hold a key"),
        (b"\xff\xfe", "does not hold a key"),
        (b"x" * 1001, "does not hold a key"),
    ],
)
def test_a_file_without_a_key_is_one_sentence(photos, tmp_path, content, reason):
    (tmp_path / "key.txt").write_bytes(content)
    done = recognize("--url", "http://127.0.0.1:9", "--key-file", tmp_path / "key.txt", *photos)
    assert isinstance(done.exception, CommandError)
    assert reason in str(done.exception)


def test_a_key_file_is_for_an_api_only(photos, tmp_path):
    done = recognize("--bundle", tmp_path, "--key-file", tmp_path / "key.txt", *photos)
    assert "bundle needs no key" in str(done.exception)


@pytest.mark.parametrize(
    "answer",
    [(401, {"detail": "This key was revoked."}), (403, {"detail": "This key was revoked."}), (401, {"message": "No"})],
)
def test_a_refused_key_ends_the_command_with_what_to_do(api, photos, answer):
    api.answers = [(200, RECOGNITION), answer]
    done = recognize("--url", api.url, "--json", *photos)
    assert isinstance(done.exception, CommandError)
    assert str(done.exception).endswith(". To send a key, set VISAGE_KEY, or give --key-file FILE.")
    assert json.loads(done.stdout) == {str(photos[0]): RECOGNITION}


def test_no_option_takes_the_key_itself():
    shown = recognize("--help").stdout
    assert "--key-file" in shown
    assert "--key " not in shown


def test_a_large_photo_goes_to_s3_without_the_key(api, photos, variable):
    variable("visage_dev_key")
    photos[0].write_bytes(bytes(5_000_000))
    invitation = {"upload": "uploads/x", "url": f"{api.url}/bucket", "fields": {"key": "uploads/x"}}
    api.answers = [(201, invitation), (204, b""), (200, RECOGNITION)]
    assert recognize("--url", api.url, photos[0]).exit_code == 0
    assert api.keys[-3:] == ["Bearer visage_dev_key", None, "Bearer visage_dev_key"]
