"""A file of groups is read as people write it, and a bad one is refused in a sentence that names the line."""

from pathlib import Path

import pytest

from evaluation.grouping import Named, read_groups
from training.errors import DatasetError


def photo(name, person=None):
    return Named(Path("photos") / name, person, [name])


PHOTOS = [photo("Ann/1.jpg", "Ann"), photo("Ann/2.jpg", "Ann"), photo("Zo\u00eb/1.jpg", "Zo\u00eb"), photo("x.jpg")]


@pytest.fixture
def groups(tmp_path):
    """Read groups from a text, or bytes; return the group of each photo by its name."""

    def groups(content):
        file = tmp_path / "groups.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        found = read_groups(file, PHOTOS)
        return {path.relative_to("photos").as_posix(): group for path, group in found.items()}

    return groups


BOTH = {"Ann/1.jpg": "a", "Ann/2.jpg": "a", "Zo\u00eb/1.jpg": "b"}

SPELLINGS = {
    "commas": "Ann,a\nZo\u00eb,b\n",
    "with titles": "Person,Group\nAnn,a\nZo\u00eb,b\n",
    "semicolons": "Ann;a\nZo\u00eb;b\n",
    "tabs": "Ann\ta\nZo\u00eb\tb\n",
    "lines of Windows, and of old Macs": "Ann,a\r\nZo\u00eb,b\r",
    "a byte order mark": "\ufeffAnn,a\nZo\u00eb,b",
    "quotes and spaces": ' Ann , a \n"Zo\u00eb" , "b"\n'.replace('" ,', '",').replace(', "', ',"'),
    "empty lines and columns": "\nAnn,a,,\n,,\nZo\u00eb,b,,\n\n",
    "another case and form": "ANN,a\nzoe\u0308,b\n",
    "the same line twice": "Ann,a\nAnn,a\nZo\u00eb,b\n",
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_people_are_found_however_the_file_is_written(groups, text):
    assert groups(text) == BOTH


def test_the_line_of_a_photo_counts_more_than_that_of_its_person(groups):
    assert groups("Ann/2.jpg,dark\nAnn,bright\n") == {"Ann/1.jpg": "bright", "Ann/2.jpg": "dark"}


def test_a_stranger_is_named_by_the_photo(groups):
    assert groups("x.jpg,a\nAnn,b\n") == {"x.jpg": "a", "Ann/1.jpg": "b", "Ann/2.jpg": "b"}


BAD = {
    "no person": ("Ann,a\nBob,b\n", 'Line 2 of .*: there is no person and no photo called "Bob"'),
    "a misspelling": ("Ann,a\nZo\u00e9e,b\n", 'Did you mean "Zo\u00eb"'),
    "titles in the middle": ("Ann,a\nperson,group\n", 'Line 2 of .* called "person"'),
    "a line without a group": ("Ann,a\nZo\u00eb\n", "Line 2 of .* is not a person or a photo, and a group"),
    "an empty group": ("Ann,a\nZo\u00eb, \n", "Line 2 of .* is not a person or a photo, and a group"),
    "a line with three values": ("Ann,a,b\nZo\u00eb,b\n", "Line 1 of .* is not a person or a photo, and a group"),
    "two groups for one person": ("Ann,a\nZo\u00eb,b\nann,b\n", 'Line 3 of .* puts "ann" into another group'),
    "two groups for one photo": ("x.jpg,a\nx.jpg,b\n", 'Line 2 of .* puts "x.jpg" into another group'),
    "one group only": ("Ann,a\nZo\u00eb,a\n", "fewer than two groups"),
    "nothing": ("", "fewer than two groups"),
    "titles only": ("person,group\n", "fewer than two groups"),
    "an open quote": ('Ann,a\n"Zo\u00eb,b\n', "Line 2 of .* is not CSV"),
    "another encoding": ("Zo\u00eb,b\n".encode("latin-1"), "is not in UTF-8"),
    "UTF-16": ("Ann,a\n".encode("utf-16"), "is not in UTF-8"),
    "a photo": (b"\xff\xd8\xff\xe0\x00\x10JFIF", "is not in UTF-8"),
    "a line that would break the terminal": ("Ann,a\n\x1b[31m,b\n", r'called "\\u001b\[31m"'),
    "null bytes": (b"Ann,a\n\x00,b\n", "Line 2 of"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_in_a_sentence(groups, content, message):
    with pytest.raises(DatasetError, match=message):
        groups(content)


def test_a_missing_file_and_a_folder_are_errors_of_the_system(tmp_path):
    for path in (tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(OSError, match=str(path)):
            read_groups(path, PHOTOS)
