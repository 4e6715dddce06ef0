"""`visage forget` removes a person from a bundle and, on request, from the aligned faces."""

import json
import shutil

import pytest

from dataset.aligned import JOURNAL, OUTPUT
from model import bundle as bundles
from model.roster import trained_id
from model.roster_storage import beside, of_bundle
from training.enrolment import enroll, gallery_of

NAME = "Joe Biden"


@pytest.fixture
def mine(bundle, tmp_path):
    """A copy of the sample people's bundle, with somebody on its roster."""
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    opened = bundles.load(str(copy))
    face = gallery_of(opened).embeddings[:1]
    enroll(opened, {"Zo\u00eb": -face})
    return copy


@pytest.fixture
def prepared(aligned, tmp_path):
    return shutil.copytree(aligned, tmp_path / "aligned")


def test_forgetting_with_aligned_deletes_the_faces_too(visage, mine, prepared):
    status, out, _ = visage("forget", mine, NAME, "--aligned", prepared, "--json")
    result = json.loads(out)
    assert status == 0
    assert (result["trained_on"], result["retrained"]) == (True, False)
    assert result["deleted_faces"] >= 2
    assert NAME not in bundles.load(str(mine)).manifest.labels
    assert not (prepared / NAME).exists()
    assert NAME not in (prepared / OUTPUT / JOURNAL).read_text(encoding="utf-8")


def test_faces_can_be_deleted_after_the_bundle_has_forgotten(visage, mine, prepared):
    visage("forget", mine, NAME)
    version = bundles.load(str(mine)).manifest.version
    new = mine.with_name("new")
    status, out, _ = visage("forget", mine, NAME, "--aligned", prepared, "--output", new, "--json")
    result = json.loads(out)
    assert (status, result["version"]) == (0, version)
    assert (result["bundle"], new.exists()) == (str(mine), False)
    assert result["trained_on"] is None
    assert not (prepared / NAME).exists()


def test_forget_says_what_is_not_removed(visage, mine):
    _, out, _ = visage("forget", mine, NAME)
    assert "Not removed" in out
    assert "--retrain" in out
    _, out, _ = visage("forget", mine, "Zoe\u0308")
    assert "The network was not trained on" in out
    assert "Not removed" not in out


def people(bundle):
    """The names on the roster of a bundle."""
    return [person.name for person in of_bundle(bundles.load(str(bundle))).read()[0].people]


def test_forgetting_somebody_trained_keeps_the_others_on_the_roster_also_in_a_new_bundle(visage, mine):
    _, out, _ = visage("forget", mine, NAME, "--output", mine.with_name("new"), "--json")
    assert json.loads(out)["labels"] == [*bundles.load(str(mine.with_name("new"))).manifest.labels, "Zo\u00eb"]
    assert people(mine) == people(mine.with_name("new")) == ["Zo\u00eb"]


def test_forgetting_somebody_trained_also_removes_their_further_photos(visage, mine):
    opened = bundles.load(str(mine))
    identity, faces = trained_id(NAME), gallery_of(opened).embeddings[:2]
    of_bundle(opened).change(
        lambda roster: (roster.with_trained(identity, NAME).with_photos(identity, faces, (0.5, 0.5)), None)
    )
    status, out, _ = visage("forget", mine, NAME, "--json")
    assert (status, NAME in json.loads(out)["labels"]) == (0, False)
    assert people(mine) == ["Zo\u00eb"]


def test_forgetting_somebody_enrolled_leaves_the_bundle_as_it_is(visage, mine):
    version = bundles.load(str(mine)).manifest.version
    status, out, _ = visage("forget", mine, "zo\u00eb", "--json")
    result = json.loads(out)
    assert (status, result["version"], result["trained_on"]) == (0, version, False)
    assert "Zo\u00eb" not in result["labels"]
    assert people(mine) == []


def test_a_roster_that_cannot_be_read_is_said_and_nobody_is_forgotten(visage, mine):
    beside(mine).write_bytes(b"PK torn")
    status, _, err = visage("forget", mine, NAME)
    assert (status, "The roster is damaged" in err) == (1, True)
    assert NAME in bundles.load(str(mine)).manifest.labels


@pytest.mark.parametrize("spelled", ["{0}", "{0}/../bundle", "{0}/"])
def test_the_bundle_is_replaced_however_its_path_is_spelled(visage, mine, spelled):
    status, _, _ = visage("forget", mine, NAME, "--output", spelled.format(mine))
    assert status == 0
    assert NAME not in bundles.load(str(mine)).manifest.labels


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["Nobody"], "knows nobody called"),
        (["Nobody", "--aligned", "{aligned}"], "knows nobody called"),
        (["Nobody", "--retrain", "{aligned}"], "knows nobody called"),
        (["joe bidn", "--aligned", "{aligned}"], 'Did you mean "Joe Biden"?'),
        (["Zo\u00eb", "--retrain", "{aligned}"], "was enrolled"),
        (["Zo\u00eb", "--output", "{bundle}/../new"], "was enrolled"),
        ([NAME, "--retrain", "{aligned}/nowhere"], "No such folder"),
        ([NAME, "--aligned", "{aligned}/.visage"], "visage prepare"),
        ([NAME, "--aligned", "{bundle}", "--retrain", "{aligned}"], "two folders"),
        ([NAME, "--output", "{aligned}"], "exists already"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(visage, mine, prepared, words, sentence):
    before = {path: path.read_bytes() for path in mine.parent.rglob("*") if path.is_file()}
    status, out, err = visage("forget", mine, *(word.format(aligned=prepared, bundle=mine) for word in words))
    assert (status, out) == (1, "")
    assert sentence in err
    assert "Traceback" not in err
    after = {path: path.read_bytes() for path in mine.parent.rglob("*") if path.is_file()}
    assert after == before


def test_retraining_is_refused_when_a_person_has_no_faces(visage, mine, prepared):
    shutil.rmtree(prepared / "Tom Hanks")
    status, _, err = visage("forget", mine, NAME, "--retrain", prepared)
    assert (status, "no faces of Tom Hanks" in err) == (1, True)
    assert (prepared / NAME).exists()
