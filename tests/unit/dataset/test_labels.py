"""Names of every kind, over all of Unicode: shown in one line, compared, found again, and stored on every disk."""

import ntpath
import os
import unicodedata
from collections import Counter
from pathlib import PureWindowsPath

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dataset.candidates import Candidates, read_journal, write_journal
from dataset.errors import UnusableNameError
from dataset.labels import chip_names, found_as, label_of, similar, stored
from preprocess.names import key, normalised, printable, same, shown

NAMES_OF_A_DISK = st.one_of(
    st.binary(min_size=1, max_size=255).map(lambda data: data.translate(None, b"/\0") or b"\xff").map(os.fsdecode),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=80),
)
"""What a folder on Linux may be called: any bytes but a slash and zero."""

TEXTS = st.text(st.characters(), max_size=40)
"""All of Unicode, surrogates included."""

ODD_LABELS = {
    "emoji of several code points": "👩🏽‍🚀👨‍👩‍👧",
    "from right to left": "שרה كريم",
    "a combining mark alone": "\u0301",
    "a joiner that changes the letters": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "markup": "<b>[red]$x^2$ &amp; :heart:",
    "what Windows reserves": "CON",
    "what a disk of Windows forbids": 'a:b|c"d*e?',
    "a backslash": r"a\b",
    "what looks like an escape": r"\xff",
    "spaces inside": "Anna  \u00a0Maria",
    "beyond the basic plane": "\U0001d56c\U0001d593\U0001d593\U0001d586",
    "as long as a name can be": "é" * 127,
}


def test_a_plain_name_is_its_own_label_and_stored_as_it_is():
    for name in ("Will Smith", "Zo\u00eb", "李小龙", "O'Neill, Jr", "a.b", "-rf", "Łukasz_1", "100% Ann"):
        assert (label_of(name), shown(name), stored(name)) == (name, name, name)


@pytest.mark.parametrize("name", ODD_LABELS.values(), ids=ODD_LABELS.keys())
def test_an_odd_name_has_a_label_and_is_found_by_it(name):
    label = label_of(name)
    assert found_as(label, ["Bob", label]) == label
    assert found_as(name, ["Bob", label]) == label


@pytest.mark.parametrize(
    "name",
    ["a\nb", "a\tb", "a\x1b[31mb", "a\x7fb", "a\u0085b", "a\u2028b", "a\u2029b", "a\u202eb", "a\u2066b", "\x00"],
    ids=ascii,
)
def test_a_name_with_control_characters_or_separators_is_refused_in_one_sentence(name):
    with pytest.raises(UnusableNameError) as raised:
        label_of(name)
    assert str(raised.value) == printable(str(raised.value))
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("name", [" ", "\u200b", "\ufeff", "\u3000", "\u2060 \u00ad"], ids=ascii)
def test_a_name_that_shows_nothing_is_refused_in_one_sentence(name):
    with pytest.raises(UnusableNameError, match=r"can be seen"):
        label_of(name)


def test_bytes_that_are_no_utf8_are_shown_escaped_and_kept_apart():
    names = [
        os.fsdecode(name) for name in (b"Ren\xe9", b"Ren\xe8", b"\xff", b"\\xff", b"\\\\xff", b"\xc3", b"\xc2\x85"[:1])
    ]
    labels = [label_of(name) for name in names]
    assert labels[0] == r"Ren\xe9"
    assert len(set(labels)) == len(labels)


@given(NAMES_OF_A_DISK)
def test_what_is_shown_is_one_line_of_valid_text(name):
    for text in (shown(name), printable(name)):
        assert text.encode().decode() == text
        assert text.splitlines() in ([text], [])
        assert printable(text) == text


@given(NAMES_OF_A_DISK, NAMES_OF_A_DISK)
@example("\udcff", r"\xff")
@example("\udcff", r"\\xff")
@example("\udcfe\u0301", "\\x\u0066\u00e9")
def test_two_different_names_are_never_shown_the_same(one, other):
    assert (shown(one) == shown(other)) == (one == other)
    if normalised(one) != normalised(other):
        assert normalised(shown(one)) != normalised(shown(other))


@given(TEXTS)
def test_normalising_and_comparing_again_changes_nothing(name):
    assert normalised(normalised(name)) == normalised(name)
    assert key(key(name)) == key(name)


@given(TEXTS)
def test_case_and_the_form_of_accents_do_not_tell_names_apart(name):
    for form in ("NFC", "NFD"):
        assert same(unicodedata.normalize(form, name), name)
    assert same(name.casefold(), name)


@given(st.lists(TEXTS, min_size=3, max_size=3))
def test_being_the_same_name_is_an_equivalence(names):
    one, other, third = names
    assert same(one, one)
    assert same(one, other) == same(other, one)
    assert not (same(one, other) and same(other, third)) or same(one, third)


@pytest.mark.parametrize("name", ["Anna\u200b", "\ufeffAnna", "An\u00adna", " anna ", "ANNA", "A\u0301nna"], ids=ascii)
def test_what_shows_the_same_is_found_by_typing_what_is_seen(name):
    seen = "\u00e1nna" if "\u0301" in name else "Anna"
    assert found_as(seen, [name, "Bob"]) == name


@pytest.mark.parametrize("other", ["Ann", "Anna2", "Änna", "👩‍🚀"], ids=ascii)
def test_what_shows_another_name_is_another_name(other):
    assert not same("Anna", other)
    assert not same("👨‍🚀", "👩‍🚀")


def test_the_very_name_comes_first_and_one_of_several_that_are_the_same_is_not_guessed():
    assert found_as("anna", ["Anna", "anna"]) == "anna"
    assert found_as("ANNA", ["Anna", "anna"]) is None
    assert similar("ANNA", ["Anna", "anna", "Bob"]) == ["Anna", "anna"]


def is_reserved(name):
    """Whether Windows reserves a name; Python 3.13 has a function of its own for it."""
    ask = getattr(ntpath, "isreserved", None)
    return ask(name) if ask else PureWindowsPath(name).is_reserved()


def check_stored(name, suffix=".jpg.part"):
    """Check that a file of this name can exist on ext4, eCryptfs, APFS and NTFS, and is not hidden."""
    file = name + suffix
    assert len(file.encode()) <= 143
    assert not set(file) & set('<>:"/\\|?*')
    assert printable(file) == file
    assert not file.startswith((".", " "))
    assert not name.endswith((".", " "))
    assert not is_reserved(file)
    assert not is_reserved(name)
    assert normalised(name) == name


@given(NAMES_OF_A_DISK)
@example("CON")
@example("con.x")
@example(" nul.jpg")
@example("<>.")
@example("com¹")
@example("é" * 127)
@example("...")
def test_a_stored_name_is_valid_on_every_disk(name):
    check_stored(stored(shown(name)))


@given(st.lists(NAMES_OF_A_DISK, min_size=2, max_size=6))
@example(["Who?", "Who*", stored("Who?")])
@example(["a" * 200, "a" * 201, "a"])
def test_stored_names_of_different_names_differ_also_where_the_disk_ignores_case_and_accents(names):
    keys = {key(shown(name)) for name in names}
    assert len({key(stored(shown(name))) for name in names}) >= len(keys)


@given(NAMES_OF_A_DISK)
def test_a_stored_name_is_the_name_itself_or_ends_in_a_digest(name):
    label = normalised(shown(name))
    assert stored(label) == label or "~" in stored(label)
    assert stored(label) == stored(normalised(label))


PHOTOS = st.lists(
    st.lists(NAMES_OF_A_DISK.map(shown), min_size=2, max_size=4).map("/".join), min_size=1, max_size=6, unique=True
)


@given(PHOTOS)
@example(["P/a.jpg", "P/A.JPG", "P/a.png"])
@example(["P/a.jpg", "p/a.jpg"])
@example(["P/a.jpg", "P/a.jpg.jpg/b.jpg", "P/A.jpg.jpg.part/c"])
@example(["P/" + "/".join(["d" * 130] * 20) + "/a.jpg", "P/" + "/".join(["d" * 130] * 20) + "/A.jpg"])
@example(["P/é.jpg", "P/e\u0301.jpg"])
def test_every_photo_has_a_chip_of_its_own_that_every_disk_can_hold(photos):
    chips = chip_names("Anna", photos)
    assert list(chips) == photos
    taken = Counter(key(chip) for chip in chips.values())
    assert set(taken.values()) == {1}
    folders = {key(chip.rpartition("/")[0]) for chip in chips.values()}
    for chip in chips.values():
        assert key(chip) not in folders
        assert len(chip.encode()) < 1200
        for part in chip.removesuffix(".jpg").split("/"):
            check_stored(part)


def test_a_plain_photo_keeps_its_name_in_the_name_of_its_chip():
    assert chip_names("Zoë", ["Zoe\u0308/2019/IMG 1.JPG"]) == {"Zoe\u0308/2019/IMG 1.JPG": "Zoë/2019/IMG 1.JPG.jpg"}


@given(names=st.lists(NAMES_OF_A_DISK.map(shown), min_size=1, max_size=5, unique=True))
def test_the_journal_gives_every_name_back(names, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / f"journal-{os.getpid()}.jsonl"
    found = [Candidates(f"{name}/{name}", name, "1:2:3", reason=name) for name in names]
    write_journal(path, found)
    assert list(read_journal(path).values()) == found


@given(TEXTS)
def test_a_label_that_was_refused_or_made_is_so_every_time(name):
    assume("/" not in name)
    try:
        label = label_of(name)
    except UnusableNameError:
        return
    assert label == label_of(unicodedata.normalize("NFD", name))
    assert key(label)
