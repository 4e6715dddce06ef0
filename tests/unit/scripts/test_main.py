"""The command line itself: its list of commands, what it imports, and how it ends."""

import inspect
import json
import os
import subprocess
import sys
from importlib import import_module

import pytest
from botocore.exceptions import ProfileNotFound
from typer.testing import CliRunner

from dataset.errors import PrepareError
from deploy.errors import DeployError
from model.errors import ModelError
from model.settings import ROOT
from model.version import VERSION
from preprocess.errors import PhotoError
from scripts import command_line
from scripts.errors import CommandError
from tests.processes import exit_code
from training.errors import TrainingError

HEAVY = {
    "torch",
    "boto3",
    "botocore",
    "sklearn",
    "scipy",
    "matplotlib",
    "numpy",
    "PIL",
    "dlib",
    "requests",
    "onnxruntime",
}


def visage(*words, **options):
    command = [sys.executable, "-m", "scripts", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **options)


def summary(name):
    module = import_module(f"scripts.{name}")
    if hasattr(module, "app"):
        return module.app.info.help
    return " ".join(inspect.getdoc(getattr(module, name)).split("\n\n")[0].split())


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_the_list_of_commands_says_what_each_command_says(name):
    assert command_line.COMMANDS[name] == summary(name)


def test_the_help_lists_every_command_and_imports_none():
    code = (
        "import json, sys\n"
        "from typer.testing import CliRunner\n"
        "from scripts.command_line import application\n"
        "done = CliRunner().invoke(application(), ['--help'])\n"
        "print(json.dumps([done.exit_code, done.output, sorted(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    status, text, modules = json.loads(done.stdout)
    assert status == 0
    assert not [name for name in command_line.COMMANDS if name not in text]
    assert not HEAVY & set(modules)
    assert not {f"scripts.{name}" for name in command_line.COMMANDS} & set(modules)


@pytest.mark.parametrize("words", [["train", "--help"], ["benchmark", "--help"], ["local", "--help"]])
def test_a_command_has_its_own_help(words):
    done = CliRunner().invoke(command_line.application(), words)
    assert done.exit_code == 0
    assert "--install-completion" not in done.output


def test_a_command_whose_packages_are_not_installed_is_one_line(monkeypatch, capsys):
    for module in ("scripts.recognize", "scripts.client"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "requests_toolbelt", None)
    monkeypatch.setattr("importlib.metadata.requires", lambda _: ["requests-toolbelt<2"])
    monkeypatch.setattr(sys, "argv", ["visage", "recognize", "photo.jpg"])
    with pytest.raises(SystemExit) as ended:
        command_line.run()
    assert ended.value.code == 1
    message = " ".join(capsys.readouterr().err.split())
    assert message.startswith("Error: requests_toolbelt is not installed, and this command needs it. Run: pip install ")


def test_the_version_is_shown():
    done = CliRunner().invoke(command_line.application(), ["--version"])
    assert (done.exit_code, done.output) == (0, f"{VERSION}\n")


def test_an_unknown_command_gets_a_suggestion_and_status_2():
    done = CliRunner().invoke(command_line.application(), ["recogniz"])
    assert done.exit_code == 2
    assert "Did you mean 'recognize'?" in done.stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("visage re", ["recognize"]), ("visage local s", ["status"]), ("visage local ", ["up", "down"])],
)
def test_the_shell_completes_commands(typed, offered):
    words = {"_VISAGE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split(" ")) - 1)}
    code = "from scripts.command_line import application; application()(prog_name='visage')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | words, capture_output=True, text=True, check=False
    )
    assert set(offered) <= set(done.stdout.split())
    assert "train" not in done.stdout.split()


@pytest.fixture
def ended(monkeypatch, capsys):
    """Run `visage` with a command that raises an error; return its exit status and what it printed."""

    def ended(error):
        def fail():
            raise error

        monkeypatch.setattr(command_line, "application", lambda: fail)
        return exit_code(), capsys.readouterr().err

    return ended


@pytest.mark.parametrize("kind", [ModelError, TrainingError, PhotoError, PrepareError, DeployError, CommandError])
def test_an_error_of_ours_is_one_line_and_status_1(ended, kind):
    assert ended(kind("The sentence.")) == (1, "Error: The sentence.\n")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "The disk is full. Free some space"),
        (OSError(28, "No space left on device", "/x"), "The disk of /x is full. Free some space"),
        (PermissionError(13, "Permission denied", "/x/y"), "no permission to use /x/y."),
        (OSError(30, "Read-only file system", "/x/y"), "/x/y cannot be written: its disk is read-only."),
        (FileNotFoundError(2, "No such file or directory", "/x/y"), "No such file or directory: /x/y"),
        (OSError("socket trouble"), "socket trouble"),
        (ProfileNotFound(profile="work"), "profile (work) could not be found"),
    ],
)
def test_what_the_system_and_aws_refuse_is_one_line_and_status_1(ended, error, said):
    status, printed = ended(error)
    assert status == 1
    assert said in printed
    assert printed.count("\n") == 1


def test_ctrl_c_is_status_130_with_the_way_on(ended):
    assert ended(KeyboardInterrupt()) == (130, "Interrupted. Run the same command again to go on.\n")


def test_a_bug_of_ours_is_a_traceback(monkeypatch):
    def fail():
        raise ZeroDivisionError

    monkeypatch.setattr(command_line, "application", lambda: fail)
    with pytest.raises(ZeroDivisionError):
        command_line.run()


def test_a_reader_that_ends_early_is_no_traceback():
    command = [sys.executable, "-m", "scripts", "--version"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert running.stderr.read() == b""


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_traceback(closed):
    command = f"exec '{sys.executable}' -m scripts --version {closed}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("command", [["deploy"], ["demo"], ["local", "status"]])
def test_what_needs_the_source_code_says_so_in_an_installed_package(command, tmp_path, monkeypatch):
    monkeypatch.setattr("scripts.console.ROOT", tmp_path)
    done = CliRunner().invoke(command_line.application(), command)
    assert isinstance(done.exception, CommandError)
    assert "needs the source code of Visage" in str(done.exception)
