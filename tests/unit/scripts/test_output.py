"""Commands print names of files and people unchanged, whatever characters they contain."""

from dataset.prepare import Report
from dataset.selection import Cause, Outcome
from scripts.prepare import _show


def test_brackets_in_names_are_no_markup(capsys):
    outcome = Outcome("[b]Ann/[/x].jpg", "[b]Ann", cause=Cause.UNUSABLE, reason="No face was found.")
    _show(Report([outcome], ['"[b]Ann" is alone.', "Said before the work began."]), ["Said before the work began."])
    said = capsys.readouterr().out
    assert "[b]Ann/[/x].jpg: No face was found." in said
    assert '"[b]Ann" is alone.' in said
    assert "│ [b]Ann │" in said
    assert "Said before" not in said


def test_a_name_is_printed_whole_and_without_pictures_for_its_colons(capsys):
    name = f":heart: {'long ' * 40}end"
    _show(Report([Outcome(f"{name}/a.jpg", name, cause=Cause.UNUSABLE, reason="No face was found.")], []), [])
    said = capsys.readouterr().out
    assert f"{name}/a.jpg: No face was found." in said
    assert ":heart:" in said.split("\n")[3]
    assert "…" not in said
