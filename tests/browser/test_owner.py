"""The owner's page: who is let in, the people, photos to add, corrections, and what happens when something fails."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fakes import problem
from tests.browser.owner_api import DARK, GRACE, JOAN, KEY, NOBODY, TWO, OwnerServer, photo
from tests.browser.test_everyone import violations
from tests.browser.test_old_browsers import LATER_FUNCTIONS

SCROLL_WIDTH = "document.documentElement.scrollWidth"


@pytest.fixture(scope="module")
def running_server() -> Iterator[OwnerServer]:
    with OwnerServer() as server, server.running():
        yield server


@pytest.fixture
def server(running_server: OwnerServer) -> OwnerServer:
    running_server.reset()
    return running_server


@pytest.fixture
def door(page: Page, server: OwnerServer) -> Page:
    """The page before the owner has signed in."""
    page.goto(f"{server.address}/owner.html")
    expect(page.locator("#key-place input")).to_be_focused()
    return page


@pytest.fixture
def owner(page: Page, server: OwnerServer) -> Page:
    """The page of an owner who has signed in before."""
    page.add_init_script(f"sessionStorage.setItem('key', '{KEY}')")
    page.goto(f"{server.address}/owner.html")
    expect(page.locator("#grid li").first).to_be_visible()
    return page


def sign_in(page: Page, key: str = KEY) -> None:
    page.locator("#key-place input").fill(key)
    page.get_by_role("button", name="Use this key").click()


def go_to(page: Page, room: str) -> None:
    page.locator("#rooms").get_by_role("link", name=room).click()
    expect(page.locator(".room:not([hidden]) h1")).to_be_focused()


def choose(page: Page, *sizes: tuple[int, int]) -> None:
    files = [{"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo(size)} for size in sizes]
    page.locator("#file").set_input_files(files=files)


def drafts(page: Page):
    return page.locator(".room:not([hidden]) .draft")


def add(page: Page, name: str, *sizes: tuple[int, int]) -> None:
    go_to(page, "Add somebody")
    page.locator("#new-name").fill(name)
    choose(page, *sizes)
    expect(page.locator(".verdict:is(.good, .doubtful, .bad)")).to_have_count(len(sizes))
    page.get_by_role("button", name="Add this person").click()


def recognise(page: Page, size: tuple[int, int], faces: int = 1) -> None:
    go_to(page, "Recognise")
    choose(page, size)
    expect(page.locator(".box")).to_have_count(faces)


def test_a_key_that_does_not_fit_is_refused_with_what_to_do(door: Page):
    for key, sentence in {
        "visage_dev_wrong": "Nobody has made this key. Check it, or make another one.",
        "visage_dev_revoked": "This key was revoked. Make another one, and enter that.",
        "visage_dev_over": "The last day of this key has passed. Make another one, and enter that.",
        "visage_dev_visitor": "This key may not change people. Make one with the scope people, and enter that.",
    }.items():
        sign_in(door, key)
        expect(door.locator("#door-problem")).to_have_text(sentence)
        expect(door.locator(".room:visible")).to_have_count(0)
    sign_in(door)
    expect(door.locator("#grid li")).to_have_count(1)


def test_the_key_stays_for_the_tab_until_the_owner_signs_out(door: Page):
    sign_in(door)
    expect(door.locator("#grid li")).to_have_count(1)
    door.reload()
    expect(door.locator("#grid li")).to_have_count(1)
    door.get_by_role("button", name="Sign out").click()
    expect(door.locator("#key-place input")).to_be_focused()
    assert door.evaluate("[Object.keys(sessionStorage).length, localStorage.length, document.cookie]") == [0, 0, ""]


def test_a_service_that_cannot_be_reached_at_the_door_can_be_tried_again(door: Page, server: OwnerServer):
    server.failing = {"GET /people": problem("internal-error", 500)}
    sign_in(door)
    expect(door.locator("#door-problem")).to_contain_text("The service made a mistake.")
    server.failing = {}
    door.get_by_role("button", name="Try again").click()
    expect(door.locator("#grid li")).to_have_count(1)


def test_a_key_that_ends_while_photos_wait_is_asked_for_and_nothing_is_lost(owner: Page, server: OwnerServer):
    server.revoked = True
    add(owner, "Grace Hopper", *GRACE)
    expect(owner.locator("#door-problem")).to_contain_text("This key was revoked.")
    server.revoked = False
    sign_in(owner)
    expect(drafts(owner)).to_have_count(3)
    expect(owner.locator("#new-name")).to_have_value("Grace Hopper")
    owner.get_by_role("button", name="Add this person").click()
    expect(owner.get_by_role("heading", name="Grace Hopper")).to_be_visible()


def test_people_are_found_by_name_and_shown_page_by_page(owner: Page, server: OwnerServer):
    for number in range(70):
        server.add(f"Person {number}", ("x",))
    owner.reload()
    expect(owner.locator("#count")).to_have_text("71 people.")
    expect(owner.locator("#grid li")).to_have_count(60)
    owner.get_by_role("button", name="Show more").click()
    expect(owner.locator("#grid li")).to_have_count(71)
    expect(owner.locator("#grid li:nth-child(61) a")).to_be_focused()
    expect(owner.get_by_role("button", name="Show more")).to_be_hidden()
    owner.get_by_label("Find somebody by name").fill("person 6")
    expect(owner.locator("#grid li")).to_have_count(11)
    expect(owner.locator("#count")).to_have_text("11 people have such a name.")
    owner.get_by_label("Find somebody by name").fill("nobody")
    expect(owner.locator("#count")).to_have_text("Nobody has such a name.")


def test_a_list_that_grows_past_what_was_measured_says_so(owner: Page, server: OwnerServer):
    expect(owner.locator("#oversize")).to_be_hidden()
    server.supported = 1
    server.add("Grace Hopper")
    owner.reload()
    expect(owner.locator("#oversize")).to_contain_text("You have 2 people. The threshold was measured for 1 at most")


def test_a_picture_is_shown_where_one_is_kept_and_initials_elsewhere(owner: Page, server: OwnerServer):
    server.add("Grace Hopper", ("grace",))
    owner.reload()
    expect(owner.locator("#grid .portrait").first).to_have_text("AL")
    picture = owner.locator("#grid .portrait img")
    expect(picture).to_have_count(1)
    assert picture.get_attribute("src").startswith("blob:")


def test_somebody_whom_the_network_was_trained_on_gets_photos_and_no_other_change(owner: Page, server: OwnerServer):
    server.people.clear()
    person = server.add('Ada "the Countess" Lovelace', trained=True)
    owner.reload()
    owner.locator("#grid a").click()
    note = owner.locator("#person-changes")
    expect(note).to_contain_text("The network was trained on this person.")
    expect(note.locator("code")).to_have_text('visage forget BUNDLE "Ada \\"the Countess\\" Lovelace"')
    expect(note.get_by_role("button")).to_have_count(0)
    choose(owner, GRACE[0])
    owner.get_by_role("button", name="Add these photos").click()
    expect(owner.locator("#person .notice")).to_have_text("1 photo added.")
    assert person.faces == ["grace"]


def test_each_photo_says_at_once_whether_it_can_be_used(owner: Page):
    go_to(owner, "Add somebody")
    choose(owner, GRACE[0], TWO, NOBODY, DARK)
    verdicts = drafts(owner).locator(".verdict")
    expect(verdicts.nth(0)).to_have_text("Good: one face, easy to see.")
    expect(verdicts.nth(1)).to_contain_text("2 faces. Choose the one you mean.")
    expect(verdicts.nth(2)).to_contain_text("I can’t find a face in this photo.")
    expect(verdicts.nth(3)).to_contain_text("This face is dark.")
    owner.get_by_role("button", name="Remove photo 3").click()
    expect(drafts(owner)).to_have_count(3)
    expect(owner.get_by_role("button", name="Remove photo 3")).to_be_visible()


def test_a_face_is_chosen_where_a_photo_has_several(owner: Page, server: OwnerServer):
    go_to(owner, "Add somebody")
    owner.locator("#new-name").fill("Joan Clarke")
    choose(owner, TWO)
    owner.get_by_role("group", name="Whose face in photo 1?").get_by_role("button", name="Face 2").click()
    expect(owner.get_by_role("button", name="Face 2")).to_have_attribute("aria-pressed", "true")
    expect(owner.get_by_role("button", name="Face 2")).to_be_focused()
    owner.get_by_role("button", name="Add this person").click()
    expect(owner.get_by_role("heading", name="Joan Clarke")).to_be_visible()
    assert server.named("Joan Clarke").faces == ["joan"]


def test_what_was_not_used_stays_with_its_reason_and_can_be_sent_again(owner: Page, server: OwnerServer):
    server.unlike = {"joan"}
    add(owner, "Grace Hopper", GRACE[0], TWO, JOAN)
    expect(owner.locator("#person .notice")).to_have_text("1 photo added. 2 photos were not used: each one says why.")
    verdicts = drafts(owner).locator(".verdict")
    expect(verdicts.nth(0)).to_contain_text("I can’t tell whose face you mean.")
    expect(verdicts.nth(1)).to_contain_text("This face is unlike the others.")
    drafts(owner).nth(0).get_by_role("button", name="Face 1").click()
    drafts(owner).nth(1).get_by_role("button", name="It is them: use it").click()
    owner.get_by_role("button", name="Add these photos").click()
    expect(owner.locator("#person .notice")).to_have_text("2 photos added.")
    expect(drafts(owner)).to_have_count(0)
    assert server.named("Grace Hopper").faces == ["grace", "grace", "joan"]


def test_photos_of_which_none_can_be_used_add_nobody(owner: Page, server: OwnerServer):
    add(owner, "Grace Hopper", TWO)
    expect(owner.locator("#add-drafts > .notice")).to_have_text("None of these photos can be used. Each one says why.")
    expect(drafts(owner).locator(".verdict")).to_contain_text("I can’t tell whose face you mean.")
    assert len(server.people) == 1


def test_a_name_that_does_not_fit_is_said_and_the_photos_stay(owner: Page):
    add(owner, "", GRACE[0])
    for name, sentence in {
        "": "Enter a name.",
        "../x": "This can’t be a name.",
        "ADA lovelace": "Somebody has this name already.",
    }.items():
        owner.locator("#new-name").fill(name)
        owner.get_by_role("button", name="Add this person").click()
        expect(owner.locator("#add-drafts > .notice")).to_contain_text(sentence)
        expect(drafts(owner)).to_have_count(1)
    owner.get_by_role("link", name="Open this person").click()
    expect(owner.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


def test_many_photos_go_in_several_requests_and_are_added_once(owner: Page, server: OwnerServer):
    go_to(owner, "Add somebody")
    owner.locator("#new-name").fill("Grace Hopper")
    choose(owner, *[GRACE[0]] * 12)
    expect(owner.locator(".verdict.good")).to_have_count(12)
    server.failing = {"POST /people/.*/photos": problem("internal-error", 500)}
    owner.get_by_role("button", name="Add this person").click()
    expect(owner.locator("#person .notice")).to_contain_text("10 photos added.")
    server.failing = {}
    expect(drafts(owner)).to_have_count(2)
    owner.get_by_role("button", name="Add these photos").click()
    expect(owner.locator("#person .notice")).to_have_text("2 photos added.")
    assert server.named("Grace Hopper").faces == ["grace"] * 12


def test_an_answer_that_is_lost_adds_nobody_twice(owner: Page, server: OwnerServer):
    lost = []

    def lose(route):
        if not lost:
            lost.append(route.fetch())
            return route.abort()
        return route.continue_()

    owner.route("**/people", lambda route: lose(route) if route.request.method == "POST" else route.continue_())
    add(owner, "Grace Hopper", GRACE[0])
    expect(owner.get_by_role("heading", name="Grace Hopper")).to_be_visible()
    assert server.named("Grace Hopper").faces == ["grace"]


def test_photos_are_taken_by_dropping_and_pasting_and_by_the_camera(owner: Page):
    owner.evaluate(
        """async (bytes) => {
            const file = new File([new Uint8Array(bytes)], "dropped.jpg", { type: "image/jpeg" });
            for (const kind of ["drop", "paste"]) {
                const data = new DataTransfer();
                data.items.add(file);
                const about = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
                document.dispatchEvent(new (kind === "drop" ? DragEvent : ClipboardEvent)(kind, about));
                await new Promise((resolve) => setTimeout(resolve, 200));
            }
        }""",
        list(photo(GRACE[0])),
    )
    expect(owner.get_by_role("heading", name="Add somebody")).to_be_visible()
    expect(owner.locator(".verdict.good")).to_have_count(2)
    owner.route("**/detect", lambda route: route.fulfill(status=422, json=problem("no-face", 422)[0]))
    owner.get_by_role("button", name="Take a photo").click()
    owner.locator("#camera .shutter").click()
    expect(drafts(owner)).to_have_count(3)


def test_a_key_that_may_not_look_at_photos_is_said_beside_them(owner: Page, server: OwnerServer):
    server.failing = {"POST /(detect|recognize)": problem("key-scope", 403)}
    go_to(owner, "Add somebody")
    choose(owner, GRACE[0])
    expect(drafts(owner).locator(".verdict")).to_contain_text("This key may not look at photos.")
    expect(owner.locator("#status")).to_contain_text("Photo 1: This key may not look at photos.")
    go_to(owner, "Recognise")
    choose(owner, GRACE[0])
    expect(owner.locator("#reason")).to_contain_text("Make one with the scopes people and recognize")


def test_another_name_is_shown_everywhere(owner: Page, server: OwnerServer):
    person = server.add("Grace Brewster", ("grace",))
    owner.reload()
    owner.get_by_role("link", name="Grace Brewster").click()
    owner.get_by_label("New name").fill("Grace Hopper")
    owner.get_by_role("button", name="Rename").click()
    expect(owner.get_by_role("heading", name="Grace Hopper")).to_be_visible()
    expect(owner.locator("#person .notice")).to_have_text("The name is now Grace Hopper.")
    assert person.name == "Grace Hopper"


@pytest.mark.parametrize("action", ["Rename", "Remove this person"])
def test_another_owners_change_is_said_and_shown_before_anything_is_done(owner: Page, server: OwnerServer, action):
    person = server.add("Grace Brewster", ("grace",))
    owner.reload()
    owner.get_by_role("link", name="Grace Brewster").click()
    expect(owner.get_by_role("heading", name="Grace Brewster")).to_be_visible()
    server.changed(person, "Grace Hopper")
    owner.get_by_role("button", name=action).click()
    if action != "Rename":
        owner.locator("#question").get_by_role("button", name=action).click()
    expect(owner.locator("#person .notice")).to_contain_text("Somebody else changed this person meanwhile.")
    expect(owner.get_by_role("heading", name="Grace Hopper")).to_be_visible()
    expect(owner.get_by_label("New name")).to_have_value("Grace Hopper")
    assert server.named("Grace Hopper") is person


def test_removal_is_asked_about_with_its_consequences_and_can_be_left(owner: Page, server: OwnerServer):
    server.add("Grace Hopper", ("grace",))
    owner.reload()
    owner.get_by_role("link", name="Grace Hopper").click()
    owner.get_by_role("button", name="Remove this person").click()
    question = owner.get_by_role("dialog", name="Remove Grace Hopper?")
    expect(question).to_contain_text("This can’t be undone.")
    expect(question).to_contain_text("the day on which the last copy is gone")
    assert violations(owner) == []
    owner.keyboard.press("Escape")
    expect(question).to_be_hidden()
    assert len(server.people) == 2


def test_somebody_who_is_gone_has_a_sentence_and_a_way_back(owner: Page):
    owner.evaluate("location.hash = '#person/nobody'")
    expect(owner.locator("#person .notice")).to_contain_text("This person isn’t there any more.")
    owner.locator("#person").get_by_role("link", name="People").click()
    expect(owner.locator("#grid li")).to_have_count(1)


def test_a_wrong_name_is_right_after_two_corrections(owner: Page, server: OwnerServer):
    server.add("Grace Hopper", ("joan",))
    recognise(owner, JOAN)
    owner.get_by_role("button", name="This isn’t Grace Hopper").click()
    expect(owner.locator(".correction")).to_contain_text("Done. This face isn’t Grace Hopper.")
    owner.get_by_role("button", name="Recognise the photo again").click()
    expect(owner.get_by_role("heading", name="Nobody I know")).to_be_visible()
    owner.get_by_role("button", name="This is …").click()
    owner.get_by_role("button", name="This is Ada Lovelace").click()
    expect(owner.locator(".correction")).to_contain_text("Done. This face is Ada Lovelace.")
    owner.get_by_role("button", name="Recognise the photo again").click()
    expect(owner.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    assert server.named("Grace Hopper").not_faces == ["joan"]
    go_to(owner, "People")
    owner.get_by_role("link", name="Grace Hopper").click()
    expect(owner.locator("#person")).to_contain_text("1 face that isn’t this person’s")
    owner.get_by_role("button", name="Forget the near misses").click()
    expect(owner.locator("#person .notice")).to_have_text("The near misses are forgotten.")
    assert server.named("Grace Hopper").not_faces == []


def test_a_correction_that_cannot_be_sent_waits_in_the_tab_and_is_sent_once(owner: Page, server: OwnerServer):
    server.failing = {"POST /people/.*": problem("internal-error", 500)}
    recognise(owner, JOAN)
    owner.get_by_role("button", name="This is …").click()
    owner.get_by_role("button", name="This is Ada Lovelace").click()
    expect(owner.locator(".correction")).to_contain_text("This can’t be sent now.")
    waiting = owner.locator("#waiting")
    expect(waiting).to_contain_text("This face is Ada Lovelace.")
    expect(waiting).to_contain_text("The service made a mistake.")
    assert violations(owner) == []
    with owner.expect_response("**/photos"):
        owner.reload()  # it is sent again by itself, in vain
    expect(waiting).to_contain_text("This face is Ada Lovelace.")
    server.failing = {}
    waiting.get_by_role("button", name="Send again").click()
    expect(waiting).to_be_hidden()
    assert server.named("Ada Lovelace").faces == ["joan"]
    assert owner.evaluate("Object.keys(sessionStorage)") == ["key"]


def test_corrections_are_sent_by_themselves_when_the_network_is_back(owner: Page, server: OwnerServer, context):
    recognise(owner, JOAN)
    owner.get_by_role("button", name="This is …").click()
    context.set_offline(True)
    expect(owner.locator("#offline")).to_be_visible()
    owner.get_by_role("button", name="This is Ada Lovelace").click()
    expect(owner.locator("#waiting")).to_contain_text("You’re offline.")
    context.set_offline(False)
    expect(owner.locator("#waiting")).to_be_hidden()
    assert server.named("Ada Lovelace").faces == ["joan"]


def test_signing_out_asks_before_corrections_are_lost(door: Page, server: OwnerServer):
    owner = door
    sign_in(owner)
    server.failing = {"POST /people/.*": problem("internal-error", 500)}
    recognise(owner, JOAN)
    owner.get_by_role("button", name="This is …").click()
    owner.get_by_role("button", name="This is Ada Lovelace").click()
    expect(owner.locator("#waiting")).to_be_visible()
    owner.get_by_role("button", name="Sign out").click()
    expect(owner.get_by_role("dialog")).to_contain_text("1 correction has not been sent. It will be lost.")
    owner.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(owner.locator("#waiting")).to_be_visible()
    owner.get_by_role("button", name="Sign out").click()
    owner.get_by_role("dialog").get_by_role("button", name="Sign out").click()
    expect(owner.locator("#key-place input")).to_be_focused()
    assert owner.evaluate("Object.keys(sessionStorage)") == []


@pytest.mark.parametrize(("scheme", "language"), [("light", "en"), ("dark", "ar")])
def test_on_a_small_phone_with_an_old_browser_everything_is_accessible_and_fits(
    page: Page, server: OwnerServer, scheme: str, language: str
):
    page.add_init_script(LATER_FUNCTIONS)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": 320, "height": 740})
    server.add("Grace Hopper", ("x", "y"))
    page.goto(f"{server.address}/owner.html?lang={language}")
    expect(page.locator("#key-place input")).to_be_focused()
    check(page)
    page.locator("#key-place input").fill(KEY)
    page.keyboard.press("Enter")
    expect(page.locator("#grid li")).to_have_count(2)
    check(page)
    page.locator('#rooms a[href="#add"]').click()
    choose(page, GRACE[0], TWO, NOBODY, DARK)
    expect(page.locator(".verdict:is(.good, .doubtful, .bad)")).to_have_count(4)
    check(page)
    page.locator('#rooms a[href="#recognise"]').click()
    choose(page, TWO)
    expect(page.locator(".box")).to_have_count(2)
    page.evaluate("document.querySelectorAll('.face details').forEach((details) => (details.open = true))")
    page.locator(".correction .button").last.click()
    check(page)
    page.evaluate("(hash) => (location.hash = hash)", f"#person/{server.named('Grace Hopper').id}")
    expect(page.locator("#person-changes button")).to_have_count(2)
    check(page)


def check(page: Page) -> None:
    assert violations(page) == []
    assert page.evaluate(SCROLL_WIDTH) <= 320
    for target in page.locator("button:visible, summary:visible, input:visible:not([type=file]), nav a:visible").all():
        assert target.bounding_box()["height"] >= 43.9, target.text_content()


@pytest.mark.parametrize("language", ["es", "hi", "ar"])
def test_the_page_is_in_the_owners_language(page: Page, server: OwnerServer, language: str):
    server.add("Grace Hopper", ("x", "y"))
    page.goto(f"{server.address}/owner.html?lang={language}")
    sign = page.locator("#key-place input")
    sign.fill(KEY)
    page.keyboard.press("Enter")
    expect(page.locator("#grid li")).to_have_count(2)
    english = re.compile("People|photos|Well known|Sign out|Show more")
    expect(page.locator("main")).not_to_contain_text(english)
    expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")


def test_the_visitors_page_loads_nothing_of_the_owners(page: Page, server: OwnerServer):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.address)
    expect(page.locator(".names li").first).to_be_visible()
    assert not [address for address in asked if "owner" in address]
    expect(page.get_by_role("link", name="Owner")).to_be_hidden()


def test_search_engines_are_asked_to_leave_the_page_out(door: Page):
    expect(door.locator("meta[name=robots]")).to_have_attribute("content", "noindex")
