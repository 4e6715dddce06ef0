"""Commands print names of files and people unchanged, whatever characters they contain."""

from dataset.prepare import Report
from dataset.selection import Cause, Outcome
from scripts.prepare import _show
from scripts.recognize import _show as show_answers


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


def test_names_of_photos_and_people_from_elsewhere_are_printed_in_one_line_each(capsys):
    face = {"label": "An\u2028n\x1b[31m", "probability": 0.9, "known": True}
    show_answers({"a\nb\udcff.jpg": {"faces": [face]}, "c\rd.jpg": {"detail": "No\nface."}})
    assert capsys.readouterr().out.splitlines() == [
        r"a\u000ab\xff.jpg: An\u2028n\u001b[31m (90.0%)",
        r"c\u000dd.jpg: No\u000aface.",
    ]
