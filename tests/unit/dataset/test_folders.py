"""Folders of photos become people; what is neither person nor photo is left out, said once, and stops nothing."""

import os
import socket
from pathlib import Path

import pytest

from dataset import folders
from dataset.errors import PrepareError
from dataset.folders import files, listing, walk
from preprocess.names import is_visible, printable


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


@pytest.fixture
def closed(monkeypatch):
    """Take away the right to list a folder; tests may run as root, who may list everything."""

    def closed(folder):
        def scandir(path, real=os.scandir):
            if Path(path) == folder:
                raise PermissionError(13, "Permission denied", str(path))
            return real(path)

        monkeypatch.setattr(folders.os, "scandir", scandir)

    return closed


def found(people, root):
    return {name: [path.relative_to(root).as_posix() for path in paths] for name, paths in people.photos.items()}


def remark_on(people, word):
    (remark,) = [remark for remark in people.remarks if word in remark]
    return remark


def test_a_folder_is_a_person_and_every_file_in_it_a_photo(photos):
    root = photos("Zoë/b.jpg", "Zoë/a.png", "Ann/1.heic", "Ann/no extension")
    people = walk(root)
    assert found(people, root) == {"Ann": ["Ann/1.heic", "Ann/no extension"], "Zoë": ["Zoë/a.png", "Zoë/b.jpg"]}
    assert people.remarks == []


def test_folders_inside_a_persons_folder_are_theirs(photos):
    root = photos("Ann/2024/summer/a.jpg", "Bob/b.jpg")
    assert found(walk(root), root)["Ann"] == ["Ann/2024/summer/a.jpg"]


SYSTEMS = {
    "Synology": ["@eaDir", "#recycle", "#snapshot", "@tmp"],
    "QNAP": ["@Recycle", "@Recently-Snapshot", ".@__thumb"],
    "Windows": ["$RECYCLE.BIN", "System Volume Information", "RECYCLER", "found.000"],
    "macOS": ["__MACOSX", ".AppleDouble", ".Trashes", ".fseventsd", "Network Trash Folder"],
    "Linux": ["lost+found", ".thumbnails", ".Trash-1000"],
    "programs": [".git", "node_modules", "Photos Library.photoslibrary", "Previews.lrdata", ".dropbox.cache"],
}
FILES = ["Thumbs.db", "ehthumbs.db", "desktop.ini", ".DS_Store", ".picasa.ini", "Picasa.ini", "Icon\r", "._a.jpg"]


@pytest.mark.parametrize("names", SYSTEMS.values(), ids=SYSTEMS.keys())
def test_folders_of_systems_are_nobody_and_hold_no_photos_at_any_depth_and_are_named_once(photos, names):
    root = photos("Ann/a.jpg", *(f"{place}{name}/t.jpg" for name in names for place in ("", "Ann/", "Ann/2019/")))
    people = walk(root)
    assert found(people, root) == {"Ann": ["Ann/a.jpg"]}
    remark = remark_on(people, "Skipped")
    assert all(remark.count(f'"{name}"') == 1 for name in sorted(names)[:5])


def test_files_of_systems_and_hidden_ones_are_no_photos_and_named_once(photos):
    root = photos("Ann/a.jpg", *(f"{place}{name}" for name in FILES for place in ("", "Ann/", "Ann/2019/")))
    people = walk(root)
    assert found(people, root) == {"Ann": ["Ann/a.jpg"]}
    assert people.remarks == [remark_on(people, "Skipped")]
    assert remark_on(people, "Skipped").endswith("and 3 more.")


def test_a_person_may_be_called_nearly_like_a_folder_of_a_system(photos):
    root = photos("@anna/a.jpg", "#bob/b.jpg", "Recycle/c.jpg", "found/d.jpg", "eaDir/e.jpg")
    assert sorted(walk(root).photos) == ["#bob", "@anna", "Recycle", "eaDir", "found"]


def test_what_lies_beside_photos_and_is_none_is_counted_by_kind_in_one_sentence(photos):
    root = photos(
        *("Ann/a.jpg", "Ann/a.jpg.supplemental-metadata.json", "Ann/metadata.json", "Ann/IMG_1.MOV", "Ann/b.mp4"),
        *(
            "Ann/c.CR2",
            "Ann/d.dng",
            "Ann/a.xmp",
            "Ann/a.aae",
            "Ann/notes.txt",
            "Bob/b.jpg",
            "Bob/b-edited.jpg",
            "x.zip",
        ),
    )
    people = walk(root)
    assert found(people, root) == {"Ann": ["Ann/a.jpg"], "Bob": ["Bob/b-edited.jpg", "Bob/b.jpg"]}
    (remark,) = people.remarks
    assert remark == (
        "Left out, because they are no photos: videos and sounds 2 (.mov, .mp4), raw photos 2 (.cr2, .dng), "
        "other files 6 (.aae, .json, .txt, .xmp, .zip). Export raw photos as JPEG to use them."
    )


def test_empty_folders_are_named_in_one_sentence(photos):
    root = photos("Ann/a.jpg", "Bob/b.jpg", "Cid/.keep", "Dan/a.mov")
    (root / "Eve" / "2019").mkdir(parents=True)
    people = walk(root)
    assert set(people.photos) == {"Ann", "Bob"}
    assert remark_on(people, "Without photos") == 'Without photos, and left out: "Cid", "Dan" and "Eve".'


@pytest.mark.parametrize(
    "twins", [("Ann", "ann"), ("Zo\u00eb", "Zoe\u0308"), ("Ann", "Ann "), ("Ann", "Ann\u200b")], ids=ascii
)
def test_folders_whose_names_show_the_same_are_one_person_and_said_so(photos, twins):
    root = photos(*(f"{name}/a.jpg" for name in twins), "Bob/b.jpg", "Cid/c.jpg")
    if len(list(root.iterdir())) < 4:
        pytest.skip("this disk takes them for one")
    people = walk(root)
    first = min(people.photos) if "Ann" in people.photos else "Zo\u00eb"
    assert sorted(people.photos) == sorted({first, "Bob", "Cid"})
    assert len(people.photos[first]) == 2
    assert "one person" in remark_on(people, "taken for")


@pytest.mark.parametrize("name", ["An\nn", "An\u2028n", "An\u202en", "An\x1bn", "\u200b"], ids=ascii)
def test_a_folder_whose_name_cannot_be_a_label_is_left_out_in_one_sentence_and_the_others_stay(photos, name):
    people = walk(photos(f"{name}/a.jpg", "Bob/b.jpg", "Cid/c.jpg"))
    assert sorted(people.photos) == ["Bob", "Cid"]
    (remark,) = people.remarks
    assert "Rename it" in remark
    assert printable(remark) == remark


def test_names_that_are_no_utf8_are_people_and_photos_of_their_own(photos):
    names = [os.fsdecode(name) for name in (b"Ren\xe9", b"Ren\xe8")]
    try:
        root = photos("Bob/b.jpg", *(f"{name}/\udcff.jpg" for name in names))
    except OSError:
        pytest.skip("this disk takes no such names")
    people = walk(root)
    assert (sorted(people.photos), people.remarks) == (["Bob", r"Ren\xe8", r"Ren\xe9"], [])
    assert people.photos[r"Ren\xe9"] == [root / names[0] / "\udcff.jpg"]


def test_photos_beside_the_folders_are_counted_in_a_remark(photos):
    root = photos("Ann/a.jpg", "Bob/b.jpg", "y.jpg")
    assert walk(root).remarks == ['Outside the folders, and left out: 1 photo; the first is "y.jpg".']
    photos("x\n.jpg")
    assert walk(root).remarks == [r'Outside the folders, and left out: 2 photos; the first is "x\u000a.jpg".']


def test_photos_one_level_too_high_are_said(photos):
    with pytest.raises(PrepareError, match="one person's folder, give the folder above"):
        walk(photos("a.jpg", "b.jpg"))


def test_people_one_level_too_deep_are_said_and_albums_of_one_person_are_not_refused(photos):
    root = photos("Photos/Ann/a.jpg", "Photos/Bob/b.jpg")
    people = walk(root)
    assert list(people.photos) == ["Photos"]
    (remark,) = people.remarks
    assert str(root / "Photos") in remark
    assert '"Ann" and "Bob"' in remark


def test_albums_beside_photos_are_not_taken_for_people(photos):
    assert walk(photos("Ann/a.jpg", "Ann/2019/a.jpg", "Ann/2020/a.jpg")).remarks == []


@pytest.mark.parametrize("names", [(), ("loose.jpg",), ("Ann/.hidden",), ("Ann/video.mp4",), ("@eaDir/a.jpg",)])
def test_folders_without_anybody_cannot_be_prepared(photos, names):
    root = photos(*names)
    root.mkdir(exist_ok=True)
    with pytest.raises(PrepareError, match="no folder with photos"):
        walk(root)


@pytest.mark.parametrize("list_them", [walk, listing, files])
def test_a_folder_that_is_not_there_cannot_be_listed(tmp_path, list_them):
    (tmp_path / "file").touch()
    for name in ("nowhere", "file"):
        with pytest.raises(PrepareError, match="No such folder"):
            list_them(tmp_path / name)


@pytest.mark.parametrize("place", ["Ann", "Ann/2019"])
def test_a_folder_that_may_not_be_read_is_said_and_the_others_stay(photos, closed, place):
    root = photos("Ann/2019/a.jpg", "Bob/b.jpg", "Cid/c.jpg")
    closed(root / place)
    people = walk(root)
    assert sorted(people.photos) == ["Bob", "Cid"]
    assert remark_on(people, "permission") == f'You have no permission to read "{place}".'
    if place == "Ann":
        assert people.remarks == [remark_on(people, "permission")]


def test_the_root_that_may_not_be_read_is_an_error(photos, closed):
    root = photos("Ann/a.jpg")
    closed(root)
    with pytest.raises(PermissionError):
        walk(root)


def test_pipes_sockets_and_devices_are_said_and_never_opened(photos):
    root = photos("Ann/a.jpg", "Bob/b.jpg")
    os.mkfifo(root / "Ann" / "pipe.jpg")
    (root / "Ann" / "device.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(root / "Bob" / "socket.jpg"))
    people = walk(root)
    assert found(people, root) == {"Ann": ["Ann/a.jpg"], "Bob": ["Bob/b.jpg"]}
    (remark,) = people.remarks
    assert remark.startswith("These are pipes")
    assert remark.count(".jpg") == 3


def test_links_to_photos_and_folders_are_followed_inside_the_tree_and_out_of_it(photos, tmp_path):
    root = photos("Ann/a.jpg", "../elsewhere/Bob/b.jpg", "../elsewhere/more/2019/m.jpg", "../elsewhere/c.jpg")
    elsewhere = tmp_path / "elsewhere"
    (root / "Bob").symlink_to(elsewhere / "Bob")
    (root / "Ann" / "more").symlink_to(elsewhere / "more")
    (root / "Ann" / "c.jpg").symlink_to(elsewhere / "c.jpg")
    people = walk(root)
    assert found(people, root) == {"Ann": ["Ann/a.jpg", "Ann/c.jpg", "Ann/more/2019/m.jpg"], "Bob": ["Bob/b.jpg"]}
    assert people.remarks == []


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("Ann/loop", "."),
        ("Ann/up", ".."),
        ("Ann/above", "../.."),
        ("Ann/best", "../Bob/2019"),
        ("Aaron", "Bob"),
        ("Ann/2018/back", "../../../photos"),
    ],
)
def test_a_folder_that_links_reach_again_counts_once_as_what_it_is(photos, link, target):
    root = photos("Ann/a.jpg", "Ann/2018/a.jpg", "Bob/2019/b.jpg")
    (root / link).symlink_to(target)
    people = walk(root)
    assert found(people, root) == {"Ann": ["Ann/2018/a.jpg", "Ann/a.jpg"], "Bob": ["Bob/2019/b.jpg"]}
    assert f'"{link}"' in remark_on(people, "not followed")


def test_two_links_to_one_folder_count_once(photos, tmp_path):
    root = photos("Ann/a.jpg", "../elsewhere/b.jpg")
    for name in ("Bob", "Cid"):
        (root / name).symlink_to(tmp_path / "elsewhere")
    people = walk(root)
    assert sorted(people.photos) == ["Ann", "Bob"]
    assert '"Cid"' in remark_on(people, "not followed")


def test_links_that_lead_nowhere_are_said(photos):
    root = photos("Ann/a.jpg", "Bob/b.jpg")
    (root / "Ann" / "gone.jpg").symlink_to("nowhere.jpg")
    (root / "Bob" / "self").symlink_to("self")
    (root / "Cid").symlink_to("nowhere")
    people = walk(root)
    assert sorted(people.photos) == ["Ann", "Bob"]
    assert remark_on(people, "lead nowhere") == 'These links lead nowhere: "Cid", "Ann/gone.jpg" and "Bob/self".'


def test_photos_of_strangers_are_listed_by_the_same_rules(photos):
    root = photos("a.jpg", "x/b.jpg", "x/@eaDir/t.jpg", "x/c.mov", ".d.jpg")
    assert [path.relative_to(root).as_posix() for path in files(root)] == ["a.jpg", "x/b.jpg"]
    assert len(listing(root).remarks) == 2


def test_the_label_of_a_decomposed_folder_name_is_normalised(photos):
    root = photos("Zoe\u0308/a.jpg", "Bob/b.jpg")
    assert sorted(walk(root).photos) == ["Bob", "Zo\u00eb"]


def test_what_a_system_put_beside_a_run_is_not_the_users():
    assert not is_visible(".DS_Store")
    assert not is_visible("THUMBS.DB")
    assert is_visible("thesis.tex")
