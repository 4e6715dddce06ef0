"""Folders of photos become people; anything unusual becomes a remark and does not stop the rest."""

import pytest

from dataset.errors import PrepareError
from dataset.folders import files, walk


@pytest.fixture
def photos(tmp_path):
    """Make a folder that holds these files."""

    def photos(*names):
        for name in names:
            path = tmp_path / "photos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "photos"

    return photos


def found(people, root):
    return {name: [path.relative_to(root).as_posix() for path in paths] for name, paths in people.photos.items()}


def test_a_folder_is_a_person_and_every_file_in_it_a_photo(photos):
    root = photos("Zoë/b.jpg", "Zoë/a.png", "Ann/1.heic")
    people = walk(root)
    assert found(people, root) == {"Ann": ["Ann/1.heic"], "Zoë": ["Zoë/a.png", "Zoë/b.jpg"]}
    assert people.remarks == []


def test_folders_inside_a_persons_folder_are_theirs(photos):
    root = photos("Ann/2024/summer/a.jpg", "Bob/b.jpg")
    assert found(walk(root), root)["Ann"] == ["Ann/2024/summer/a.jpg"]


def test_hidden_files_are_ignored_without_a_remark(photos):
    root = photos("Ann/a.jpg", "Ann/.DS_Store", "Ann/Thumbs.db", "Bob/b.jpg", ".git/config", ".hidden", "desktop.ini")
    people = walk(root)
    assert (found(people, root), people.remarks) == ({"Ann": ["Ann/a.jpg"], "Bob": ["Bob/b.jpg"]}, [])


def test_files_in_hidden_folders_are_ignored_without_a_remark(photos):
    root = photos("Ann/a.jpg", "Ann/.thumbnails/a.jpg", "Bob/b.jpg")
    assert found(walk(root), root)["Ann"] == ["Ann/a.jpg"]


def test_an_empty_folder_is_remarked_on(photos):
    root = photos("Ann/a.jpg", "Bob/b.jpg", "Cid/.keep")
    people = walk(root)
    assert set(people.photos) == {"Ann", "Bob"}
    assert [remark for remark in people.remarks if '"Cid"' in remark]


@pytest.mark.parametrize("twins", [("ann", "Ann"), ("Zo\u00eb", "Zoe\u0308")])
def test_folders_whose_names_differ_only_in_case_are_left_out_with_a_remark(photos, twins):
    root = photos(*(f"{name}/a.jpg" for name in twins), "Bob/b.jpg", "Cid/c.jpg")
    if len(list(root.iterdir())) < 4:
        pytest.skip("this disk takes them for one")
    people = walk(root)
    assert set(people.photos) == {"Bob", "Cid"}
    (remark,) = people.remarks
    assert all(f'"{name}"' in remark for name in twins)


def test_files_beside_the_folders_are_counted_in_a_remark(photos):
    people = walk(photos("Ann/a.jpg", "Bob/b.jpg", "y.jpg", "x.jpg"))
    (remark,) = people.remarks
    assert remark.startswith("2 files")
    assert "x.jpg" in remark


@pytest.mark.parametrize("names", [(), ("loose.jpg",), ("Ann/.hidden",)])
def test_folders_without_anybody_cannot_be_prepared(photos, names):
    root = photos(*names)
    root.mkdir(exist_ok=True)
    with pytest.raises(PrepareError, match="no folder with photos"):
        walk(root)


def test_a_folder_that_is_not_there_cannot_be_prepared(tmp_path):
    with pytest.raises(PrepareError, match="No such folder"):
        walk(tmp_path / "nowhere")


def test_the_label_of_a_decomposed_folder_name_is_normalised(photos):
    root = photos("Zoe\u0308/a.jpg", "Bob/b.jpg")
    assert sorted(walk(root).photos) == ["Bob", "Zo\u00eb"]


def test_remarks_show_normalised_names(photos):
    (remark,) = walk(photos("Zoe\u0308/.hidden", "Bob/b.jpg")).remarks
    assert '"Zo\u00eb"' in remark


def test_where_folders_are_left_out_and_nobody_remains_the_error_says_why(photos):
    root = photos("Zo\u00eb/a.jpg", "Zoe\u0308/a.jpg")
    if len(list(root.iterdir())) < 2:
        pytest.skip("this disk takes them for one")
    with pytest.raises(PrepareError, match="accents"):
        walk(root)


def test_files_whose_names_are_no_text_are_not_listed(photos):
    root = photos("a.jpg")
    try:
        (root / "b\udcff.jpg").touch()
    except OSError:
        pytest.skip("this disk takes no such names")
    assert files(root) == [root / "a.jpg"]
