"""People are enrolled in a bundle from one or two photos, and removed from it completely."""

import base64
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dataset.folders import walk
from dataset.prepare import select_faces
from model import bundle as bundles
from model.engines import ENGINES
from model.errors import BundleError, NameTakenError
from model.prototypes import ALIKE
from model.recognizer import Recognizer
from model.roster import stored
from model.roster_storage import beside, of_bundle
from model.settings import Settings, cores
from preprocess.detect import Box
from tests.processes import without_workers
from training import class_removal
from training.class_removal import _remove_from_trace
from training.embedder import Embedder
from training.enrolment import (
    embeddings_of,
    enroll,
    forget,
    forget_enrolled,
    gallery_of,
    poor_references,
)
from training.errors import RemovalError

NEWCOMER = "Zoë"


@pytest.fixture(scope="module")
def opened(bundle):
    return bundles.load(str(bundle))


@pytest.fixture(scope="module")
def newcomer(kept):
    """The embedding of one photo of somebody."""
    return embeddings_of(kept)


@pytest.fixture(scope="module")
def kept(samples, opened, tmp_path_factory):
    """The face of one photo of somebody: the first face from the left in the photo of six strangers."""
    photos = tmp_path_factory.mktemp("newcomer")
    (photos / NEWCOMER).mkdir()
    shutil.copyfile(samples / "strangers" / "friends.jpg", photos / NEWCOMER / "1.jpg")
    keep = [Path(f"{NEWCOMER}/1.jpg#1")]
    with without_workers():
        kept, _ = select_faces(walk(photos), 1, Embedder.of_bundle(opened).with_mirror(), lambda *_: None, keep=keep)
    return kept


@pytest.fixture(scope="module")
def without_joe(opened, tmp_path_factory):
    return forget(opened, "Joe Biden", tmp_path_factory.mktemp("forgotten") / "bundle")


@pytest.fixture(scope="module")
def joined(opened, newcomer, tmp_path_factory):
    """A bundle with somebody on its roster, and the remarks on them."""
    copy = another(opened, tmp_path_factory.mktemp("enrolled"))
    return copy, enroll(copy, newcomer)[1]


@pytest.fixture(params=ENGINES)
def engine(request, monkeypatch):
    """Each engine in turn, as the one that answers."""
    monkeypatch.setenv("VISAGE_ENGINE", request.param)
    return ENGINES[request.param]


def another(bundle, folder):
    """The same bundle in a folder of its own, where nobody is on its roster."""
    folder = folder / "bundle"
    folder.mkdir()
    for file in bundle.directory.iterdir():
        (folder / file.name).symlink_to(file)
    return bundles.load(str(folder), files=())


def faces(bundle, photo):
    recognizer = Recognizer.load(str(bundle.directory), Settings.read())
    recognizer.know(of_bundle(bundle).read()[0])
    return recognizer.recognize(photo.read_bytes()).faces


@pytest.mark.usefixtures("engine")
def test_one_photo_is_enough_to_be_known(joined, samples):
    known = [face for face in faces(joined[0], samples / "strangers" / "friends.jpg") if face.known]
    assert [(face.label, face.enrolled) for face in known] == [(NEWCOMER, True)]
    assert known[0].similarity > 0.95
    assert known[0].id == of_bundle(joined[0]).read()[0].named(NEWCOMER).id
    assert known[0].predictions[0].enrolled


@pytest.mark.usefixtures("engine")
def test_people_who_were_trained_on_are_still_listed_as_trained(joined, samples):
    (face,) = faces(joined[0], samples / "unseen" / "Barack Obama" / "obama2.jpg")
    assert (face.label, face.known, face.enrolled) == ("Barack Obama", True, False)
    assert sum(prediction.probability for prediction in face.predictions) == pytest.approx(1, abs=1e-4)


def test_a_bundle_stays_as_it_is_when_a_person_is_enrolled(opened, joined):
    bundle, remarks = joined
    assert remarks == []
    assert bundles.load(str(bundle.directory)).manifest == opened.manifest


@pytest.mark.parametrize("name", ["Barack Obama", "barack  obama"])
def test_enrolling_a_trained_persons_name_is_refused_and_writes_nothing(opened, newcomer, tmp_path, name):
    copy = another(opened, tmp_path)
    with pytest.raises(BundleError, match=f'"{name}" already'):
        enroll(copy, {name: newcomer[NEWCOMER]})
    assert not beside(copy.directory).exists()


def test_enrolling_a_person_similar_to_a_known_one_gives_a_remark(opened, tmp_path):
    gallery = gallery_of(opened)
    _, remarks = enroll(another(opened, tmp_path), {"Brother": gallery.embeddings[gallery.people == 0]})
    assert [remark for remark in remarks if "Brother" in remark and opened.manifest.labels[0] in remark]


TURNED = Box(0, 0, 100, 120, 1, landmarks=((55.0, 45.0), (80.0, 47.0), (95.0, 65.0), (60.0, 88.0), (80.0, 90.0)))
"""A face that looks to the right, almost in profile: the nose lies beyond both eyes."""


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"sharpness": 1.0}, "blurred"),
        ({"box": Box(0, 0, 20, 20, 1)}, "small"),
        ({"box": TURNED}, "turned"),
        ({}, None),
    ],
)
def test_a_photo_that_is_a_poor_reference_is_named_with_the_reason(kept, opened, changed, reason):
    (only,) = kept
    face = replace(only, face=replace(only.face, **changed))
    remarks = poor_references([face], gallery_of(opened).cohort)
    assert [reason in remark and only.photo in remark for remark in remarks] == ([True] if reason else [])
    assert poor_references([face] * 3, gallery_of(opened).cohort) == []


def test_a_face_like_many_others_is_a_poor_reference(kept, opened):
    cohort = gallery_of(opened).cohort
    cosines = cohort.centres @ cohort.centres.T
    crowded = np.sort(cosines, axis=1)[:, -ALIKE:].mean(axis=1).argmax()
    average = cohort.centres[np.argsort(-cosines[crowded])[:ALIKE]].mean(axis=0)
    average = average / np.linalg.norm(average) + cohort.mean
    halves = base64.b64encode((average / np.linalg.norm(average)).astype(np.float16).tobytes()).decode()
    (remark,) = poor_references([replace(kept[0], face=replace(kept[0].face, embedding=halves))], cohort)
    assert "like many others" in remark


def test_no_weight_of_a_forgotten_person_remains_in_the_classifier(opened, without_joe):
    index = opened.manifest.labels.index("Joe Biden")
    assert "Joe Biden" not in without_joe.path(bundles.MANIFEST).read_text(encoding="utf-8")
    for engine in ENGINES.values():
        gallery = gallery_of(without_joe, engine.gallery)
        assert len(gallery.people) == sum(gallery_of(opened, engine.gallery).people != index)
    row = _last_layer(opened)[index].numpy().tobytes()
    assert _holds(opened, row)
    assert not _holds(without_joe, row)
    assert row in opened.path(bundles.ONNX_WEIGHTS).read_bytes()
    assert not [name for name in without_joe.manifest.files if row in without_joe.path(name).read_bytes()]


def test_the_network_names_the_others_as_before(opened, without_joe, samples, engine):
    photo = samples / "people" / "Joe Biden" / "biden.jpg"
    chips = Recognizer.load(str(opened.directory), Settings.read()).align(photo.read_bytes())[:1]
    embeddings, logits = engine(opened.directory, cores()).run(chips)
    found, named = engine(without_joe.directory, cores()).run(chips)
    np.testing.assert_allclose(found, embeddings, atol=1e-6)
    np.testing.assert_allclose(named, np.delete(logits, opened.manifest.labels.index("Joe Biden"), axis=1), atol=1e-5)


@pytest.mark.usefixtures("engine")
def test_the_others_are_recognised_as_before_and_the_forgotten_are_strangers(opened, without_joe, samples):
    portrait = samples / "unseen" / "Barack Obama" / "obama2.jpg"
    (before,) = faces(opened, portrait)
    after = Recognizer.load(str(without_joe.directory), Settings.read())
    (face,) = after.recognize(portrait.read_bytes()).faces
    assert (face.label, face.known) == ("Barack Obama", True)
    assert face.similarity == pytest.approx(before.similarity, abs=1e-5)
    (forgotten,) = after.recognize((samples / "people" / "Joe Biden" / "biden.jpg").read_bytes()).faces
    assert (forgotten.label, forgotten.known) == (None, False)


def test_a_bundle_replaces_itself(opened, tmp_path):
    copy = shutil.copytree(opened.directory, tmp_path / "bundle")
    forget(bundles.load(str(copy)), "Joe Biden", copy, replace_existing=True)
    assert "Joe Biden" not in bundles.load(str(copy)).manifest.labels
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_nobody_of_that_name_is_an_error_that_lists_the_names(opened, tmp_path):
    with pytest.raises(BundleError, match="Joe Biden"):
        forget(opened, "Jo Biden", tmp_path / "bundle")


def test_the_last_person_trained_on_cannot_be_forgotten(opened, tmp_path):
    alone = replace(opened, manifest=replace(opened.manifest, labels=("Ann",)))
    with pytest.raises(BundleError, match="the last person"):
        forget(alone, "Ann", tmp_path / "bundle")


def _last_layer(bundle):
    network = torch.jit.load(bundle.path(bundles.MODEL))
    _, logits = next(iter(network.graph.outputs())).node().inputs()
    return list(logits.node().inputs())[1].toIValue()


def _holds(bundle, content):
    with zipfile.ZipFile(bundle.path(bundles.MODEL)) as archive:
        return any(content in archive.read(name) for name in archive.namelist())


@pytest.mark.parametrize("typed", ["Zo\u00eb", "Zoe\u0308", "ZO\u00cb "], ids=["NFC", "NFD", "another case"])
def test_a_name_is_the_same_in_every_spelling_and_its_face_is_gone_when_it_is_forgotten(
    opened, newcomer, tmp_path, typed
):
    copy = another(opened, tmp_path)
    roster, _ = enroll(copy, {"Zoe\u0308": newcomer[NEWCOMER]})
    assert [person.name for person in roster.people] == ["Zo\u00eb"]
    with pytest.raises(NameTakenError):
        enroll(copy, {typed: newcomer[NEWCOMER]})
    row = stored(newcomer[NEWCOMER]).tobytes()
    assert row in beside(copy.directory).read_bytes()
    assert forget_enrolled(copy, "Zo\u00eb").people == ()
    assert row not in beside(copy.directory).read_bytes()
    assert "Zo\u00eb".encode() not in beside(copy.directory).read_bytes()


def other_embeddings(folder, index):
    _remove_from_trace(folder / bundles.MODEL, index)
    network = torch.jit.load(folder / bundles.MODEL)
    _, logits = next(iter(network.graph.outputs())).node().inputs()
    weight = list(logits.node().inputs())[1]
    weight.node().t_("value", weight.toIValue().flip(0))
    torch.jit.save(network, folder / bundles.MODEL)


def nothing(folder, index):
    pass


def failure(folder, index):
    raise RuntimeError("no such operator")


@pytest.mark.parametrize("removal", [other_embeddings, nothing, failure])
def test_a_converted_network_with_other_answers_is_refused_and_the_old_bundle_stays(
    opened, tmp_path, monkeypatch, removal
):
    copy = shutil.copytree(opened.directory, tmp_path / "bundle")
    monkeypatch.setattr(class_removal, "_remove_from_trace", lambda model, index: removal(model.parent, index))
    with pytest.raises(RemovalError):
        forget(bundles.load(str(copy)), "Joe Biden", copy, replace_existing=True)
    assert bundles.load(str(copy)).manifest == opened.manifest
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
