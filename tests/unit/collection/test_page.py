"""The page answers this machine's browsers alone, makes changes one after the other, and undoes them."""

import pytest

from collection import decisions
from collection.errors import SortError
from collection.sort_page import server
from tests.piles import SORTED

HOST = "127.0.0.1:1234"
ORIGIN = {"Origin": f"http://{HOST}"}


@pytest.fixture
def page(pile):
    pile.sort()
    app = server.application(server.Editor(pile.photos), "right", {HOST})
    with app.test_client() as client:
        yield client


def get(page, path, first="right", **options):
    return page.get(f"/{first}/{path}", base_url=f"http://{HOST}", **options)


def post(page, **content):
    changes = content.pop("changes", None) or get(page, "people").json["changes"]
    given = {"changes": changes, **content}
    return page.post("/right/changes", base_url=f"http://{HOST}", json=given, headers=ORIGIN)


def test_it_shows_everybody_with_faces_and_who_is_nobody(page):
    shown = get(page, "people").json
    assert [(one["title"], one["photos"], len(one["faces"])) for one in shown["people"]] == [
        ("person-001", 4, 4),
        ("person-002", 3, 3),
    ]
    assert [face["photo"] for face in shown["nobody"]] == ["c1.jpg"]
    picture = get(page, f"faces/{shown['nobody'][0]['picture']}")
    assert (picture.status_code, picture.mimetype) == (200, "image/jpeg")
    picture.close()


@pytest.mark.parametrize("path", ["", "sort.css", "sort.js"])
def test_the_files_of_the_page_may_load_nothing_from_elsewhere(page, path):
    answer = get(page, path)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    answer.close()


@pytest.mark.parametrize("path", ["faces/../sort.json", "faces/sort.json", "server.py", "faces/..%2fsort.json", "x/y"])
def test_nothing_else_is_served(page, path):
    assert get(page, path).status_code == 404


def test_who_does_not_know_the_secret_or_comes_from_another_website_is_refused(page):
    assert get(page, "people", first="other").status_code == 404
    assert get(page, "people", first="\u00e9").status_code == 404
    assert page.get("/right/people", base_url="http://evil.test:1234").status_code == 404
    for headers in ({}, {"Origin": "http://evil.test"}, {"Origin": "null"}):
        answer = page.post("/right/changes", base_url=f"http://{HOST}", json={}, headers=headers)
        assert answer.status_code == 403


def test_people_are_merged_named_and_split_and_each_change_is_undone(page, pile):
    assert post(page, do="merge", people=[1, 2]).json["people"][0]["photos"] == 7
    assert post(page, do="name", person=1, name="Ann").json["people"][0]["name"] == "Ann"
    split = post(page, do="move", faces=[["a1.jpg", 0]], to="new").json
    assert [one["number"] for one in split["people"]] == [1, 3]
    assert len(post(page, do="move", faces=[["b1.jpg", 0]], to="nobody").json["nobody"]) == 1
    assert set(pile.folders()) == {"Ann", "person-003", "unsorted"}
    assert pile.folders()["unsorted"] == ["b1.jpg", "c1.jpg", "hills.jpg"]
    for _ in range(4):
        undone = post(page, do="undo")
        assert undone.status_code == 200
    assert pile.folders() == SORTED
    assert undone.json["undo"] is False
    assert post(page, do="undo").status_code == 422


def test_a_change_that_cannot_be_made_is_a_sentence_and_changes_nothing(page, pile):
    post(page, do="name", person=1, name="Ann")
    wrong = post(page, do="name", person=2, name="ann")
    assert (wrong.status_code, "Ann" in wrong.json["detail"]) == (422, True)
    wrong_moves = ({"faces": [1], "to": 1}, {"faces": [["a1.jpg", 0]], "to": "x"}, {"faces": [["a1.jpg", 0]]})
    for content in ({"do": "dance"}, {"do": "merge"}, *({"do": "move", **move} for move in wrong_moves)):
        assert post(page, **content).status_code == 400
    assert set(pile.folders()) == {"Ann", "person-002", "unsorted"}


def test_what_a_command_changes_meanwhile_is_shown_and_not_overwritten(page, pile):
    before = get(page, "people").json["changes"]
    pile.decide(lambda state: decisions.merge(state, [1, 2]))
    answer = post(page, changes=before, do="name", person=2, name="Ann")
    assert answer.status_code == 409
    assert [one["number"] for one in answer.json["now"]["people"]] == [1]
    assert post(page, do="name", person=1, name="Ann").status_code == 200


def test_a_port_that_is_in_use_is_said(pile):
    pile.sort()
    with server.server(pile.photos) as (running, address):
        assert address.startswith(f"http://127.0.0.1:{running.port}/")
        with pytest.raises(SortError, match="is in use"), server.server(pile.photos, running.port):
            pass
