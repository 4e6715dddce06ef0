"""An owner's walk, the same in every browser: sign in, add three photos, recognise, correct, remove."""

import pytest

from scripts.programs import BROWSERS
from tests.browser.owner_api import GRACE, JOAN, KEY, TWO, OwnerServer, photo
from tests.browser.visitors import visit

TITLE = "document.querySelector('.room:not([hidden]) h1')?.textContent"
NEWS = "document.querySelector('#person .notice').textContent"
VERDICTS = "[...document.querySelectorAll('.verdict')].map(({ className }) => className)"
PEOPLE = "[...document.querySelectorAll('#grid .name')].map(({ textContent }) => textContent)"
FACES = "[...document.querySelectorAll('.box')].map(({ textContent }) => textContent)"
RESULT = "document.querySelector('.face[data-face=\"1\"] [role=status]').textContent"
GONE = "document.querySelector('#gone').textContent"


@pytest.mark.parametrize("browser", BROWSERS, ids=lambda browser: browser.name)
def test_an_owner_adds_somebody_corrects_an_answer_and_removes_them(browser, tmp_path):
    files = {size: tmp_path / "{}x{}.jpg".format(*size) for size in (*GRACE, JOAN, TWO)}
    for size, path in files.items():
        path.write_bytes(photo(size))
    with OwnerServer() as server, server.running(), visit(browser) as owner:
        owner.open(f"{server.address}/owner.html")
        sees(owner, "document.activeElement.type", "password")
        owner.write("#key-place input", KEY)
        owner.press("#key-place button")
        sees(owner, PEOPLE, ["Ada Lovelace"])

        owner.press('#rooms a[href="#add"]')
        sees(owner, TITLE, "Add somebody")
        owner.write("#new-name", "Grace Hopper")
        owner.choose(*(files[size] for size in GRACE))
        sees(owner, VERDICTS, ["verdict good"] * 3)
        owner.press("#add-drafts > .button")
        sees(owner, TITLE, "Grace Hopper")
        sees(owner, NEWS, "3 photos added.")
        assert server.named("Grace Hopper").faces == ["grace"] * 3

        owner.press('#rooms a[href="#recognise"]')
        owner.choose(files[TWO])
        sees(owner, FACES, ["1Grace Hopper", "2Unknown"])
        owner.press('.face[data-face="1"] summary')
        owner.press('.face[data-face="1"] .correction > .choices .button')
        owner.write(".who-is-this input", "Joan Clarke")
        sees(owner, "document.querySelector('.who-is-this .button').textContent", "Add Joan Clarke as somebody new")
        owner.press(".who-is-this .button")
        sees(owner, RESULT, "Done. This face is Joan Clarke, somebody new.")
        owner.press('.face[data-face="1"] .correction > .choices .button')
        sees(owner, FACES, ["1Grace Hopper", "2Joan Clarke"])

        owner.press('#rooms a[href="#people"]')
        sees(owner, PEOPLE, ["Ada Lovelace", "Grace Hopper", "Joan Clarke"])
        owner.press("#grid li:nth-child(2) a")
        sees(owner, TITLE, "Grace Hopper")
        owner.press("#person-changes .danger")
        owner.press("#question .danger")
        sees(owner, GONE, "Grace Hopper is removed. The last copy is gone on December 26, 2026.")
        sees(owner, PEOPLE, ["Ada Lovelace", "Joan Clarke"])
        assert owner.look("window.problems", []) == []


def sees(owner, expression, expected):
    assert owner.look(expression, expected) == expected
