"""`visage batch` says where rows are by another version of the roster."""

import pytest

from scripts import batch


@pytest.mark.parametrize(
    ("rosters", "current", "said"),
    [
        ({"3": 2}, 3, ""),
        ({"none": 1, "3": 2}, 4, "Rows by another version of the roster: 3; it is 4 now."),
        ({"3": 1, "4": 2}, 4, "Rows by another version of the roster: 1; it is 4 now."),
        ({"4": 2}, None, "Rows by another version of the roster: 2; there is none now."),
    ],
)
def test_a_rerun_says_how_many_rows_are_by_another_roster(capsys, rosters, current, said):
    batch._note_older_rosters({"rosters": rosters}, current)
    assert said in capsys.readouterr().err if said else not capsys.readouterr().err


def test_the_rows_of_a_stage_say_by_which_rosters_they_are(capsys):
    batch._note_several_rosters({"rosters": {"4": 2}})
    assert not capsys.readouterr().err
    batch._note_several_rosters({"rosters": {"3": 1, "4": 2}})
    assert "several versions of the roster: 3 (1 row), 4 (2 rows). --new does everything" in capsys.readouterr().err
