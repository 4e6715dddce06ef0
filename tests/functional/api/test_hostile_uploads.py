"""Whatever is uploaded, it is answered in time, within memory and without a word on the terminal; nothing dies of it.

`make fuzz` does the same for longer, with other inputs each time.
"""

from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz import findings
from tests.fuzz.containers import CONTAINERS
from tests.fuzz.mutations import Upload, damaged_photos, damaged_uploads
from tests.fuzz.seeds import portrait_in, seeds
from tests.fuzz.watched import API, Watched, complaint

EXAMPLES = 60
"""For each format. The same ones in every run."""

MAX_GROWTH_MB = 60

bounded = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def sound(samples):
    """Sound photos in every format."""
    return seeds(portrait_in((samples / "unseen" / "Barack Obama" / "obama2.jpg").read_bytes()))


@pytest.fixture(scope="module")
def api(bundle):
    """The API in a process that may die, and what it answered so far."""
    with Watched(partial(API, bundle)) as process:
        yield process


@pytest.fixture(scope="module")
def check(api):
    """Send an upload; store it and fail if something is wrong."""

    def check(upload):
        seen = api.send(upload)
        found = complaint(upload, seen)
        if found:
            pytest.fail(f"{found}: {findings.store(upload, seen, found)}", pytrace=False)
        return seen

    return check


def test_sound_photos_of_every_kind_are_recognised(sound, check):
    answers = {name: check(Upload(seed.data)).status for name, seed in sound.items()}
    assert answers == dict.fromkeys(answers, 200)


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_damaged_photo_is_answered_or_refused(sound, check, container):
    @bounded
    @given(damaged_photos(sound, container))
    def send(upload):
        check(upload)

    send()


def test_an_upload_with_damaged_framing_is_answered_or_refused(sound, check):
    @bounded
    @given(damaged_uploads(sound["jpeg"].data))
    def send(upload):
        check(upload)

    send()


def test_memory_stays_flat(sound, check):
    small = [Upload(seed.data) for name, seed in sound.items() if not name.startswith("large")]

    def resident():
        return min(check(upload).resident_mb for upload in small)

    before, *_, after = [resident() for _ in range(4)]
    assert after - before < MAX_GROWTH_MB
