"""Bundles whose embeddings can be compared have one name for their space, and others have another."""

import re
from dataclasses import replace

import pytest

from model.errors import BundleError
from model.space import embedding_space
from preprocess.geometry import Geometry
from tests.gateway import FakeRecognizer

BUNDLE = FakeRecognizer.manifest
FILE = {"name": "/home/ada/weights.pt", "sha256": "a" * 64}


def trained(pretrained=BUNDLE.training["pretrained"], input_size=160, **changes):
    training = {"recipe": {"input_size": input_size}, "pretrained": pretrained}
    return replace(BUNDLE, training=training, **changes)


def test_a_space_is_named_after_its_weights_and_can_be_a_folder():
    assert re.fullmatch("casia-webface-[0-9a-f]{12}", embedding_space(BUNDLE))


def test_the_path_of_weights_is_not_told():
    assert re.fullmatch("weights-[0-9a-f]{12}", embedding_space(trained(FILE)))


@pytest.mark.parametrize(
    "same",
    [
        trained(labels=("Somebody Else",), threshold=0.1, version="another"),
        trained({"name": "casia-webface", "sha256": "of the file that another version of torch wrote"}),
    ],
)
def test_other_people_do_not_change_the_space(same):
    assert embedding_space(same) == embedding_space(BUNDLE)


def test_the_same_file_of_weights_has_one_space_wherever_it_lies():
    assert embedding_space(trained(FILE)) == embedding_space(trained(FILE | {"name": "elsewhere.pt"}))


@pytest.mark.parametrize(
    "other",
    [
        trained({"name": "vggface2", "sha256": BUNDLE.training["pretrained"]["sha256"]}),
        trained(FILE),
        trained(FILE | {"sha256": "b" * 64}),
        trained(input_size=224),
        trained(geometry=Geometry(size=160)),
        trained(geometry=Geometry(padding=0.5)),
        trained(geometry=Geometry(stretch=1.0)),
    ],
)
def test_what_changes_embeddings_changes_the_space(other):
    assert embedding_space(other) not in {embedding_space(same) for same in (BUNDLE, trained(FILE)) if same != other}


@pytest.mark.parametrize("training", [{}, {"recipe": {}}, {"recipe": {"input_size": 160}, "pretrained": None}])
def test_a_bundle_that_does_not_say_how_it_was_trained_is_refused(training):
    with pytest.raises(BundleError, match="Export its run again"):
        embedding_space(replace(BUNDLE, training=training))
