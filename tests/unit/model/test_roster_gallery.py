"""Scores of a roster: those of one person never depend on the others, and what is computed in steps is exact."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.cohort import Cohort
from model.known import Bars, KnownPeople
from model.manifest import Manifest
from model.roster import FEW, Roster, restored, trained_id
from model.roster_gallery import RosterGallery, more_alike
from model.roster_gallery import measured as measure
from model.strangers import DRAWN, draw, drawn_rate, score_at
from preprocess.geometry import Geometry
from tests.crowds import crowd, faces_of, measured, unit
from training.calibration import gallery_of, with_strangers
from training.discriminant import fit

COHORT, OTHER = measured(mean=0.2), measured(mean=0.3)
PEOPLE = crowd(12, 20)
PROBES, OWNERS = faces_of(PEOPLE, 2, seed=21)

MANIFEST = Manifest(("Tom", "Uma"), Geometry(), 0.3, 1.0, {"false_accept_rate": 0.01}, {}, {}, {}, {})


def roster_of(people, photos=2, cohort=COHORT):
    """A roster of these rows of PEOPLE, measured."""
    roster = Roster("space")
    for person in people:
        faces, _ = faces_of(PEOPLE[person][None], photos, seed=100 + person)
        roster, _ = roster.with_person(f"Person {person}", faces, ())
    return measure(roster, cohort)


def scores(roster, faces, names, cohort=COHORT):
    """The scores of faces with the people of these names, (N, names)."""
    found = RosterGallery.of(roster, cohort).compare(faces).scores
    return found[:, [roster.number_of(roster.named(name).id) for name in names]]


def afresh(roster):
    """The same roster, as if nothing had been computed of it."""
    unknown = np.full(len(roster.owners), np.nan, np.float32)
    return measure(replace(roster, cohort="", penalties=unknown), COHORT)


@settings(max_examples=8, derandomize=True, database=None, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30), st.booleans()), min_size=1, max_size=5))
def test_what_is_computed_change_by_change_is_what_is_computed_at_once(changes):
    roster = roster_of([0, 1])
    for number, (change, chosen, is_measured) in enumerate(changes):
        person = roster.people[chosen % len(roster.people)] if roster.people else None
        face = crowd(1, 1000 + chosen)
        if change == 0 or person is None:
            roster, _ = roster.with_person(f"New {number}", face, ())
        elif change == 1:
            roster = roster.without(person.id)
        elif change == 2:
            roster = roster.with_photos(person.id, face, ())
        elif change == 3:
            roster = roster.with_near_miss(person.id, face[0])
        else:
            roster = roster.renamed(person.id, f"Other {number}")
        roster = measure(roster, COHORT) if is_measured else roster
    roster, at_once = measure(roster, COHORT), afresh(roster)
    np.testing.assert_allclose(roster.penalties, at_once.penalties, atol=1e-6)
    if roster.people:
        np.testing.assert_allclose(roster.strangers, at_once.strangers, atol=1e-5)
        assert (roster.nearest != at_once.nearest).mean() < 0.001  # equal scores
        np.testing.assert_allclose(roster.alike, at_once.alike, atol=1e-5)
        assert roster.nearest.shape == (2, DRAWN)


def test_nothing_is_computed_again_if_nothing_has_changed_and_all_if_the_cohort_is_another():
    roster = roster_of([0, 1, 2])
    assert measure(roster, COHORT) is roster
    other = measure(roster, OTHER)
    assert other.cohort != roster.cohort
    assert (other.strangers != roster.strangers).mean() > 0.99


@pytest.mark.parametrize("cohort", [COHORT, Cohort.unmeasured()], ids=["measured", "unmeasured"])
def test_who_comes_and_goes_never_changes_the_scores_of_the_others(cohort):
    names = ["Person 0", "Person 2"]
    before = scores(roster_of([0, 2], cohort=cohort), PROBES, names, cohort)
    roster = roster_of(range(6), cohort=cohort)
    np.testing.assert_allclose(scores(roster, PROBES, names, cohort), before, atol=1e-6)
    for gone in (1, 3, 5):
        roster = measure(roster.without(roster.named(f"Person {gone}").id), cohort)
    np.testing.assert_allclose(scores(roster, PROBES, names, cohort), before, atol=1e-6)


def test_each_face_is_nearest_to_its_person():
    found = RosterGallery.of(roster_of(range(12)), COHORT).compare(PROBES)
    np.testing.assert_array_equal(found.scores.argmax(axis=1), OWNERS)
    assert (found.similarities[np.arange(len(OWNERS)), OWNERS] > 0.4).all()


def test_a_near_miss_lowers_the_person_for_faces_like_it_and_nobody_and_nothing_else():
    roster = roster_of(range(4))
    other = unit(PEOPLE[:1] + PEOPLE[8:9])[0]  # who looks half like person 0
    corrected = measure(roster.with_near_miss(roster.named("Person 0").id, other), COHORT)
    names = [f"Person {number}" for number in range(4)]
    like = np.concatenate([other[None], faces_of(PEOPLE[8:9], 3, seed=30)[0]])
    before, after = (scores(one, like, names) for one in (roster, corrected))
    assert (after[:, 0] < before[:, 0]).all()
    assert after[0, 0] < before[0, 0] - 0.2
    np.testing.assert_allclose(after[:, 1:], before[:, 1:], atol=1e-6)
    own = PROBES[OWNERS == 0]
    np.testing.assert_allclose(scores(corrected, own, names), scores(roster, own, names), atol=1e-6)


def known_of(roster, cohort=COHORT, manifest=MANIFEST):
    faces, owners = faces_of(crowd(2, 50), 4)
    gallery = with_strangers(fit(faces, owners, cohort)) if cohort.is_measured else gallery_of(faces, owners, cohort)
    return KnownPeople.of(manifest, gallery, roster)


def test_without_a_roster_the_trained_people_are_judged_as_before():
    for roster in (None, Roster("space")):
        known = known_of(roster)
        assert (known.names, known.bars) == (("Tom", "Uma"), Bars())
        judged = known.judge(PROBES, np.zeros((len(PROBES), 2), np.float32))
        np.testing.assert_array_equal(judged.scores, known.gallery.compare(PROBES).scores)


def test_the_share_of_drawn_strangers_that_is_asked_for_is_taken_for_anybody_on_the_roster():
    known = known_of(roster_of(range(10)))
    strangers = known.roster.strangers[0] - known.bars.few
    assert (strangers >= MANIFEST.threshold).mean() <= 0.0101
    assert known.bars.few == known.bars.many


def test_whoever_gets_further_photos_changes_no_score_and_no_bar_of_the_others():
    roster = roster_of(range(8), photos=FEW)
    before, person = known_of(roster), roster.named("Person 3")
    faces = unit(crowd(6, 95) + crowd(1, 96))  # which strangers are like, too
    after = known_of(measure(roster.with_photos(person.id, faces, ()), COHORT))
    assert after.bars.few == pytest.approx(before.bars.few, abs=1e-6)
    assert after.bars.many > after.bars.few
    logits = np.zeros((len(PROBES), 2), np.float32)
    others = [number for number, name in enumerate(before.names) if name != person.name]
    scores_before, scores_after = (known.judge(PROBES, logits).scores[:, others] for known in (before, after))
    np.testing.assert_allclose(scores_after, scores_before, atol=1e-6)
    without = known_of(measure(after.roster.without(person.id), COHORT))
    assert without.bars.many == without.bars.few


def roster_by(faces):
    """A measured roster of a person by each face."""
    roster = Roster("space")
    for number, face in enumerate(faces):
        roster, _ = roster.with_person(f"Person {number}", face[None], ())
    return measure(roster, COHORT)


ALIKE = unit(crowd(20, 90) + crowd(1, 91))
"""Faces of people who look like each other."""


@pytest.mark.parametrize("faces", [draw(COHORT)[:12], ALIKE[:4]], ids=["like the cohort", "too few"])
def test_the_bar_stays_where_people_are_as_alike_as_strangers_are_or_few(faces):
    roster = roster_by(faces)
    assert more_alike(roster, RosterGallery.of(roster, COHORT)) == 0


def test_the_bar_is_higher_where_people_are_more_alike_than_strangers_are():
    roster = roster_by(ALIKE)
    known, higher = known_of(roster), more_alike(roster, RosterGallery.of(roster, COHORT))
    bar = score_at(roster.strangers[0], drawn_rate(COHORT.roster_corrections, 0.01, len(ALIKE)))
    assert higher > 0.2
    assert known.bars.few - known.bars.trained == pytest.approx(bar + higher - MANIFEST.threshold)
    judged = known.judge(ALIKE, np.zeros((len(ALIKE), 2), np.float32))
    assert (judged.scores.max(axis=1) >= MANIFEST.threshold).all()


def test_people_of_the_roster_are_known_and_listed_after_the_trained_ones():
    known = known_of(roster_of(range(5)))
    assert known.names == ("Tom", "Uma", *(f"Person {number}" for number in range(5)))
    assert known.ids[:2] == (trained_id("Tom"), trained_id("Uma"))
    assert (known.trained, known.supported) == (2, 400)
    probes = PROBES[OWNERS < 5]
    judged = known.judge(probes, np.zeros((len(probes), 2), np.float32))
    np.testing.assert_array_equal(judged.probabilities.argmax(axis=1) - 2, OWNERS[OWNERS < 5])
    np.testing.assert_allclose(judged.probabilities.sum(axis=1), 1, atol=1e-5)
    assert (judged.scores.max(axis=1) >= MANIFEST.threshold).all()


def test_further_photos_of_a_trained_person_are_used_beside_the_trained_ones():
    roster = roster_of(range(3)).with_trained(trained_id("Tom"), "Tom")
    tom, _ = faces_of(crowd(1, 50), 2, seed=60)
    other = crowd(1, 61)  # Tom in a photo that is like none of the others
    added = measure(roster.with_photos(trained_id("Tom"), other, ()), COHORT)
    without, known = known_of(roster), known_of(added)
    assert known.names == without.names
    logits = np.zeros((1, 2), np.float32)
    assert without.judge(other, logits).scores[0, 0] < MANIFEST.threshold <= known.judge(other, logits).scores[0, 0]
    assert (known.judge(tom, logits.repeat(2, 0)).scores[:, 0] >= MANIFEST.threshold).all()


def test_near_misses_of_a_trained_person_only_lower_faces_like_them():
    miss = crowd(1, 62)[0]
    roster = Roster("space").with_trained(trained_id("Tom"), "Tom")
    before = known_of(measure(roster, COHORT))
    after = known_of(measure(roster.with_near_miss(trained_id("Tom"), miss), COHORT))
    assert after.bars == Bars()
    faces, owners = faces_of(crowd(2, 50), 2, seed=63)
    own, logits = faces[owners == 0], np.zeros((2, 2), np.float32)
    np.testing.assert_allclose(after.judge(own, logits).scores, before.judge(own, logits).scores, atol=1e-6)
    like = unit(np.stack([miss, miss + crowd(1, 64)[0]]))
    assert (after.judge(like, logits).scores[:, 0] < before.judge(like, logits).scores[:, 0] - 0.2).all()
    np.testing.assert_allclose(after.judge(like, logits).scores[:, 1], before.judge(like, logits).scores[:, 1])


def test_people_who_look_alike_are_named_the_most_alike_first():
    roster = roster_of(range(4), photos=1)
    face = unit(restored(roster.embeddings[:1]) + 0.3 * crowd(1, 70))
    known = known_of(roster)
    (found,) = known.lookalikes(face)
    assert (found.name, found.id) == ("Person 0", roster.people[0].id)
    assert known.lookalikes(face, but=found.id) == known.lookalikes(face[:0]) == []


def test_without_measured_strangers_the_threshold_of_the_roster_is_cautious():
    known = known_of(roster_of(range(3), cohort=Cohort.unmeasured()), Cohort.unmeasured())
    assert known.supported is None
    judged = known.judge(np.concatenate([PROBES[:2], crowd(5, 80)]), np.zeros((7, 2), np.float32))
    is_known = judged.scores.max(axis=1) >= MANIFEST.threshold
    assert is_known.tolist() == [True] * 2 + [False] * 5
