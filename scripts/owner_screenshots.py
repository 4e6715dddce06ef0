"""The states of the owner's page, of which scripts/screenshots.py takes pictures: with a key, people and corrections.

They add a person to the deployment under the name `SOMEBODY`, and remove that person again. Others stay as they are.
"""

from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urljoin

from playwright.sync_api import FilePayload, Page, expect

SOMEBODY: Final = "Matt LeBlanc"

ANSWERED_MS: Final = 30_000

Photos = Sequence[bytes]

_REMOVE: Final = """async ([key, name]) => {
    const { api } = await (await fetch("config.json")).json();
    const headers = { Authorization: `Bearer ${key}` };
    const query = new URLSearchParams({ name });
    const { people } = await (await fetch(`${api}/people?${query}`, { headers })).json();
    for (const { id, trained } of people) {
        if (!trained) await fetch(`${api}/people/${id}`, { method: "DELETE", headers });
    }
}"""


class OwnerStates:
    """The states, for one key and some photos: of one person, of several, of nobody, and blurred."""

    def __init__(self, site: str, key: str, one: bytes, several: bytes, nobody: bytes, blurred: bytes) -> None:
        """Take the address of the website, and a key with the scopes `people` and `recognize`."""
        self._address, self._key = urljoin(site, "owner.html"), key
        self._has_added = False
        self._one, self._several, self._nobody, self._blurred = one, several, nobody, blurred

    @property
    def all(self) -> dict[str, Callable[[Page], None]]:
        """Each state by its name, as a function that brings an empty page there."""
        return {
            "owner-door": self.door,
            "owner-refused": self.refused,
            "owner-people": self.people,
            "owner-photos": self.photos,
            "owner-added": self.added,
            "owner-remove": self.remove,
            "owner-trained": self.trained,
            "owner-correct": self.correct,
            "owner-corrected": self.corrected,
            "owner-waiting": self.waiting,
        }

    def clean(self, page: Page) -> None:
        """Remove the person if a state has added one. The page is closed: it must not send what waits in it."""
        if not self._has_added:
            return
        self._has_added = False
        context = page.context
        page.close()
        other = context.new_page()
        other.goto(self._address)
        other.evaluate(_REMOVE, [self._key, SOMEBODY])

    def door(self, page: Page) -> None:
        """Ask for the key."""
        page.goto(self._address)
        expect(page.locator("#key-place input")).to_be_visible(timeout=ANSWERED_MS)
        page.locator(".door summary").click()

    def refused(self, page: Page) -> None:
        """Refuse a key."""
        page.goto(self._address)
        page.locator("#key-place input").fill("visage_local_wrong")
        page.locator("#key-place button").click()
        expect(page.locator("#door-problem")).to_be_visible(timeout=ANSWERED_MS)

    def people(self, page: Page) -> None:
        """List the people."""
        self._add(page)
        page.locator("#rooms a[href='#people']").click()
        expect(page.locator("#grid li").nth(1)).to_be_visible(timeout=ANSWERED_MS)

    def photos(self, page: Page) -> None:
        """Say of each photo whether it can be used."""
        self._enter(page)
        self._choose_for_new(page, (self._one, self._several, self._nobody, self._blurred))

    def added(self, page: Page) -> None:
        """Show a person who was just added, with the photos that were not used."""
        self.photos(page)
        page.locator("#add-drafts > .button").click()
        self._expect_person(page)

    def remove(self, page: Page) -> None:
        """Ask before a person is removed."""
        self._add(page)
        page.locator("#person-changes .danger").click()
        expect(page.locator("#question")).to_be_visible()

    def trained(self, page: Page) -> None:
        """Show somebody whom the network was trained on."""
        self._enter(page)
        page.locator("#grid li a").first.click()
        expect(page.locator("#person-changes code")).to_be_visible(timeout=ANSWERED_MS)

    def correct(self, page: Page) -> None:
        """Ask who a face is."""
        self._enter(page)
        page.locator("#rooms a[href='#recognise']").click()
        _choose(page, (self._one,))
        expect(page.locator(".correction")).to_be_visible(timeout=ANSWERED_MS)
        page.locator(".correction .button").last.click()
        page.locator(".who-is-this input").fill(SOMEBODY)
        expect(page.locator(".who-is-this .button", has_text=SOMEBODY)).to_be_visible(timeout=ANSWERED_MS)

    def corrected(self, page: Page) -> None:
        """Say that a correction was taken."""
        self.correct(page)
        self._has_added = True
        page.locator(".who-is-this .button").last.click()
        expect(page.locator(".correction [role=status]")).to_contain_text("Done.", timeout=ANSWERED_MS)

    def waiting(self, page: Page) -> None:
        """Keep a correction that could not be sent."""
        self.correct(page)
        page.context.set_offline(offline=True)
        page.locator(".who-is-this .button").last.click()
        expect(page.locator("#waiting")).to_be_visible(timeout=ANSWERED_MS)

    def _enter(self, page: Page) -> None:
        page.add_init_script(f"sessionStorage.setItem('key', '{self._key}')")
        page.goto(self._address)
        expect(page.locator("#grid li").first).to_be_visible(timeout=ANSWERED_MS)

    def _add(self, page: Page) -> None:
        self._enter(page)
        self._choose_for_new(page, (self._one,))
        page.locator("#add-drafts > .button").click()
        self._expect_person(page)

    @staticmethod
    def _choose_for_new(page: Page, photos: Photos) -> None:
        page.locator("#rooms a[href='#add']").click()
        page.locator("#new-name").fill(SOMEBODY)
        _choose(page, photos)
        finished = page.locator(".verdict:is(.good, .doubtful, .bad)")
        expect(finished).to_have_count(len(photos), timeout=ANSWERED_MS)

    def _expect_person(self, page: Page) -> None:
        self._has_added = True
        expect(page.locator("#person-title", has_text=SOMEBODY)).to_be_visible(timeout=ANSWERED_MS)
        expect(page.locator("#person-changes .danger")).to_be_visible(timeout=ANSWERED_MS)


def _choose(page: Page, photos: Photos) -> None:
    page.locator("#file").set_input_files(
        files=[FilePayload(name="photo", mimeType="image/png", buffer=photo) for photo in photos]
    )
