"""Commands print names of files and people unchanged, whatever characters they contain."""

from dataset.prepare import Report
from dataset.selection import Cause, Outcome
from scripts.prepare import _show


def test_brackets_in_names_are_no_markup(capsys):
    outcome = Outcome("[b]Ann/[/x].jpg", "[b]Ann", cause=Cause.UNUSABLE, reason="No face was found.")
    _show(Report([outcome], ['"[b]Ann" is alone.']))
    said = capsys.readouterr().out
    assert "[b]Ann/[/x].jpg: No face was found." in said
    assert '"[b]Ann" is alone.' in said
    assert "│ [b]Ann │" in said
