"""An owner's walk, the same in every browser, with the fake API and with the deployed one.

The owner signs in, adds somebody, recognises a photo, corrects two faces of the answer, renames, and removes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from PIL import Image, ImageOps

from deploy import keys
from model.keys import today
from scripts.programs import BROWSERS
from scripts.samples import PEOPLE, STRANGERS
from tests.browser.fakes import jpeg
from tests.browser.owner_api import GRACE, KEY, TWO, OwnerServer, photo
from tests.browser.visitors import Visitor, visit

TITLE = "document.querySelector('.room:not([hidden]) h1')?.textContent"
NEWS = "document.querySelector('#person .notice').textContent"
FACTS = "[...document.querySelectorAll('#person .facts dd')].slice(0, 2).map(({ textContent }) => textContent)"
VERDICTS = "[...document.querySelectorAll('.verdict')].map(({ className }) => className)"
NAMES = "[...document.querySelectorAll('#grid .name')].map(({ textContent }) => textContent)"
FACES = "[...document.querySelectorAll('.box')].map(({ textContent }) => textContent)"
GONE = "document.querySelector('#gone').textContent.split(' on ')[0]"

every_browser = pytest.mark.parametrize("browser", BROWSERS, ids=lambda browser: browser.name)


@dataclass(frozen=True)
class Scene:
    """Where an owner walks, and with which photos: three of one face, and one on which that face is beside others."""

    page: str
    key: str
    people: tuple[str, ...]
    """The names of those who are there already."""
    photos: tuple[Path, ...]
    together: Path
    faces: int
    """How many faces are on the photo `together`."""
    face: int
    """Which of them is that of `photos`: its number, from 1."""
    other: int
    """The number of another one."""


@every_browser
def test_an_owner_walks_through_the_page(browser, tmp_path):
    files = {size: tmp_path / "{}x{}.jpg".format(*size) for size in (*GRACE, TWO)}
    for size, path in files.items():
        path.write_bytes(photo(size))
    with OwnerServer() as server, server.running(), visit(browser) as owner:
        photos = tuple(files[size] for size in GRACE)
        walk(owner, Scene(f"{server.address}/owner.html", KEY, ("Ada Lovelace",), photos, files[TWO], 2, 1, 2))
        assert [person.name for person in server.people.values()] == ["Ada Lovelace"]


@every_browser
def test_an_owner_walks_through_the_page_with_the_deployed_api(browser, deployed):
    with visit(browser) as owner:
        walk(owner, deployed)


@pytest.fixture(scope="module")
def scene(stack, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """The deployed page, and a photo of six strangers, one of whom is cut out of it."""
    with Image.open(samples / STRANGERS) as several:
        somebody = several.crop((several.width // 4, several.height // 4, several.width * 5 // 9, several.height))
    folder = tmp_path_factory.mktemp("somebody")
    photos = (folder / "1.jpg", folder / "2.jpg", folder / "3.jpg")
    for path, taken in zip(photos, (somebody, ImageOps.mirror(somebody), somebody.rotate(8)), strict=True):
        path.write_bytes(jpeg(taken))
    key = keys.change(stack.target, lambda known: known.created("page", ["people", "recognize"], today())[::2])
    people = tuple(folder.name for folder in (samples / PEOPLE).iterdir())
    return Scene(urljoin(stack.site, "owner.html"), key, people, photos, samples / STRANGERS, 6, 4, 3)


@pytest.fixture
def deployed(stack, scene: Scene) -> Iterator[Scene]:
    """The scene on the deployed page. A walk that failed may leave somebody there, who is removed."""
    yield scene
    headers = {"Authorization": f"Bearer {scene.key}"}
    for person in stack.get(f"{stack.api}/people", headers=headers).json()["people"]:
        if not person["trained"]:
            stack.send("DELETE", f"{stack.api}/people/{person['id']}", headers=headers)


def walk(owner: Visitor, scene: Scene) -> None:
    owner.open(scene.page)
    sees(owner, "document.activeElement.type", "password")
    owner.write("#key-place input", scene.key)
    owner.press("#key-place button")
    sees_people(owner, scene)

    add_somebody(owner, scene)
    correct_an_answer(owner, scene)

    open_person(owner, "Grace Hopper")
    sees(owner, FACTS, ["3 photos", "1 face that isn’t this person’s"])
    owner.write("#person-changes input", "Grace Murray")
    owner.press("#person-changes form .button")
    sees(owner, NEWS, "The name is now Grace Murray.")
    remove(owner, "Grace Murray")
    sees_people(owner, scene, "Joan Clarke")
    open_person(owner, "Joan Clarke")
    remove(owner, "Joan Clarke")
    sees_people(owner, scene)
    assert owner.look("window.problems", []) == []


def add_somebody(owner: Visitor, scene: Scene) -> None:
    owner.press('#rooms a[href="#add"]')
    sees(owner, TITLE, "Add somebody")
    owner.write("#new-name", "Grace Hopper")
    owner.choose(*scene.photos)
    sees(owner, VERDICTS, ["verdict good"] * 3)
    owner.press("#add-drafts > .button")
    sees(owner, TITLE, "Grace Hopper")
    sees(owner, NEWS, "3 photos added.")


def correct_an_answer(owner: Visitor, scene: Scene) -> None:
    """Say who a face is, recognise the photo again, and say of another face who it is not."""
    owner.press('#rooms a[href="#recognise"]')
    owner.choose(scene.together)
    sees_faces(owner, scene, {scene.face: "Grace Hopper"})
    owner.press(f"{card_of(scene.other)} summary")
    owner.press(first_choice(scene.other))
    owner.write(".who-is-this input", "Joan Clarke")
    sees(owner, "document.querySelector('.who-is-this .button').textContent", "Add Joan Clarke as somebody new")
    owner.press(".who-is-this .button")
    sees(owner, result_of(scene.other), "Done. This face is Joan Clarke, somebody new.")
    owner.press(first_choice(scene.other))
    sees_faces(owner, scene, {scene.face: "Grace Hopper", scene.other: "Joan Clarke"})

    owner.press(f"{card_of(scene.face)} summary")
    owner.press(first_choice(scene.face))
    sees(owner, result_of(scene.face), "Done. This face isn’t Grace Hopper.")


def card_of(face: int) -> str:
    return f".faces > .face:nth-child({face})"


def first_choice(face: int) -> str:
    return f"{card_of(face)} .correction > .choices > .button:first-child"


def result_of(face: int) -> str:
    return f"document.querySelector('{card_of(face)} .correction > [role=status]').textContent"


def open_person(owner: Visitor, name: str) -> None:
    owner.press('#rooms a[href="#people"]')
    owner.follow(name)
    sees(owner, TITLE, name)


def remove(owner: Visitor, name: str) -> None:
    owner.press("#person-changes .danger")
    owner.press("#question .danger")
    sees(owner, GONE, f"{name} is removed. The last copy is gone")


def sees_people(owner: Visitor, scene: Scene, *added: str) -> None:
    sees(owner, f"{NAMES}.sort()", sorted([*scene.people, *added]))


def sees_faces(owner: Visitor, scene: Scene, names: dict[int, str]) -> None:
    sees(owner, FACES, [f"{number}{names.get(number, 'Unknown')}" for number in range(1, scene.faces + 1)])


def sees(owner: Visitor, expression: str, expected: Any) -> None:
    assert owner.look(expression, expected) == expected
