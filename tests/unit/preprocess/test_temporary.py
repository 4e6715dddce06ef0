"""Temporary folders that a process could not leave in order."""

from preprocess.temporary import remove_temporary_folders, temporary_folder


def test_a_process_that_must_end_removes_the_folders_that_it_uses_but_not_those_to_keep(tmp_path):
    with temporary_folder(tmp_path) as removed, temporary_folder(tmp_path, lambda _: True) as kept:
        (removed / "face.jpg").touch()
        remove_temporary_folders()
        assert list(tmp_path.iterdir()) == [kept]
    assert list(tmp_path.iterdir()) == [kept]
