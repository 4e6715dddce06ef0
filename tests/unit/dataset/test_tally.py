"""The photos that are copies of one picture are counted and told."""

import pytest

from dataset.tally import count_copies, told_copies


def test_photos_with_copies_are_counted():
    assert count_copies([0, 1, 1, 2, 3, 3, 3, -1]) == {"photos": 5, "pictures": 2, "unknown": 1}
    assert count_copies([]) == {"photos": 0, "pictures": 0, "unknown": 0}


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ([0, 1], "No two photos are copies of one picture."),
        ([0, 0, 1], "2 photos are copies of 1 picture; all copies are on one side."),
        ([0, 0, 1, 1, -1], "4 photos are copies of 2 pictures; all copies are on one side. Copies were not looked for"),
    ],
    ids=["none", "one picture", "faces that prepare does not know"],
)
def test_copies_are_told_in_a_sentence(groups, said):
    assert told_copies(count_copies(groups)).startswith(said)


def test_a_run_that_did_not_look_for_copies_says_so():
    assert "older version" in told_copies(None)
