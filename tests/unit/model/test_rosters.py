"""A process follows the newest roster: it asks every few seconds, at once for owners, and goes on while S3 fails."""

from types import SimpleNamespace

import numpy as np
import pytest

from model.errors import RosterUnreadableError, SharedError, SharedUnavailableError
from model.roster import Roster
from model.roster_storage import RosterStorage
from model.rosters import Rosters
from model.settings import ROSTER_SECONDS, Settings
from model.space import embedding_space
from model.storage import Content
from tests.clock import Clock
from tests.gateway import FakeRecognizer

SPACE = embedding_space(FakeRecognizer.manifest)
FACE = np.eye(1, 512, dtype=np.float32)


class Store:
    """A fake of the object with the roster. It counts the questions, and can fail."""

    def __init__(self, roster):
        self.roster, self.error, self.asked = roster, None, []

    def _content(self):
        return Content(self.roster.to_bytes(), f'"{self.roster.version}"')

    def read(self):
        return self._content()

    def newer(self, known):
        self.asked.append(known)
        if self.error:
            raise self.error
        content = self._content()
        return None if content.etag == known else content

    def replace(self, body, seen=""):
        assert seen == self._content().etag
        self.roster = Roster.from_bytes(body)
        return self._content().etag


@pytest.fixture
def store():
    return Store(Roster(SPACE, version=1))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def failures():
    return []


@pytest.fixture
def model():
    """A model that keeps the roster it was told of."""
    model = SimpleNamespace(manifest=FakeRecognizer.manifest, roster=None)
    model.know = lambda roster: setattr(model, "roster", roster)
    return model


@pytest.fixture
def rosters(store, clock, failures, monkeypatch):
    """Make what follows the roster in `store`, which may have been fetched before."""
    monkeypatch.setattr(RosterStorage, "at", lambda _, space, **__: RosterStorage(lambda: store, space, former_days=30))

    def rosters(fetched=None, settings=None):
        given = settings or Settings.read({"VISAGE_ROSTER": "s3://models/roster/x/roster.npz"})
        return Rosters(given, failures.append, lambda: fetched, clock)

    return rosters


def test_a_newer_roster_is_asked_for_every_few_seconds(rosters, store, model, clock):
    following = rosters()
    for _ in range(3):
        following.show(model)
    assert store.asked == [""]
    clock.now += ROSTER_SECONDS
    following.show(model)
    assert store.asked == ["", '"1"']
    assert model.roster.version == 1


def test_an_owner_sees_changes_of_others_at_once(rosters, store, model):
    following = rosters()
    following.show(model)
    store.roster, _ = store.roster.with_person("Ann", FACE, [1.0])
    store.roster = store.roster.numbered(2)
    following.show(model)
    assert model.roster.version == 1
    following.show(model, fresh=True)
    assert model.roster.version == 2


def test_what_was_fetched_at_the_start_is_used_and_costs_no_question(rosters, store, model, clock):
    following = rosters(Content(store.roster.to_bytes(), '"1"'))
    following.show(model)
    assert (model.roster.version, store.asked) == (1, [])
    clock.now += ROSTER_SECONDS
    following.show(model)
    assert store.asked == ['"1"']


@pytest.mark.parametrize("content", [b"", b"rubbish", Roster("elsewhere").to_bytes()])
def test_what_was_fetched_and_cannot_be_used_is_asked_for_again(rosters, store, model, failures, content):
    rosters(Content(content, '"0"')).show(model)
    assert isinstance(failures[0], RosterUnreadableError)
    assert (model.roster.version, store.asked) == (1, [""])


@pytest.mark.parametrize("error", [SharedUnavailableError("slow"), SharedError("denied")])
def test_the_roster_at_hand_is_kept_while_s3_fails(rosters, store, model, clock, failures, error):
    following = rosters()
    following.show(model)
    store.error = error
    clock.now += 86_400
    following.show(model)
    following.require(model)
    assert model.roster.version == 1
    assert failures == [error, error]


def test_an_owner_learns_that_there_is_no_roster_to_be_had(rosters, store, model):
    store.error = SharedError("denied")
    with pytest.raises(SharedError, match="denied"):
        rosters().require(model)


def test_a_change_starts_from_the_roster_at_hand_and_is_known_at_once(rosters, store, model):
    following = rosters()
    following.show(model)
    reads = []
    store.read = lambda: reads.append(1) or store._content()
    following.change(model, lambda roster: (roster.with_person("Ann", FACE, [1.0])[0], None))
    assert (reads, model.roster.version, store.roster.version) == ([], 2, 2)


def test_without_a_roster_nobody_is_added_and_nothing_is_asked_for(rosters, store, model):
    following = rosters(settings=Settings.read({"VISAGE_MODEL": "s3://models/x"}))
    following.show(model)
    assert (model.roster, store.asked) == (None, [])
    with pytest.raises(RosterUnreadableError, match="has no roster"):
        following.change(model, lambda roster: (roster, None))


def test_a_bundle_in_a_folder_has_its_roster_beside_it(tmp_path, model):
    following = Rosters(Settings.read({"VISAGE_MODEL": str(tmp_path / "bundle")}), pytest.fail)
    following.show(model)
    following.change(model, lambda roster: (roster.with_person("Ann", FACE, [1.0])[0], None))
    assert (tmp_path / "bundle.roster.npz").is_file()
    assert [person.name for person in model.roster.people] == ["Ann"]
