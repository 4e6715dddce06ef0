"""The page of `visage sort --page` works in every browser."""

import pytest

from scripts.programs import BROWSERS
from tests.browser.visitors import visit
from tests.piles import SORTED


@pytest.mark.parametrize("browser", BROWSERS, ids=lambda browser: browser.name)
def test_people_are_named_and_faces_moved_in_every_browser(browser, sorted_address, sorted_pile):
    with visit(browser) as visitor:
        visitor.open(sorted_address)
        cards = 'document.querySelectorAll(".card").length'
        assert visitor.look(cards, 3) == 3
        visitor.press('[aria-label="Face of person-002 in a1.jpg"]')
        visitor.press("#move")
        said = 'document.querySelector("#said").textContent'
        moved = "1 face went to a new person."
        assert visitor.look(said, moved) == moved
        visitor.press("#undo")
        assert visitor.look(said, "Undone.") == "Undone."
    assert sorted_pile.folders() == SORTED
