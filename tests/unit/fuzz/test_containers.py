"""The fuzzer takes photos apart as they are made: a file of the same pieces is the same photo."""

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

from preprocess.photo import Photo
from tests.fuzz.containers import CONTAINERS
from tests.fuzz.mutations import damaged_photos
from tests.fuzz.seeds import _WAYS, seeds

SEEDS = seeds(Image.linear_gradient("L").convert("RGB"))


@pytest.mark.parametrize("name", SEEDS)
def test_a_file_of_the_same_pieces_is_the_same_photo(name):
    seed = SEEDS[name]
    container = CONTAINERS[seed.container]
    again = container.join(container.split(seed.data))
    assert np.array_equal(Photo(again).pixels(), Photo(seed.data).pixels())


@pytest.mark.parametrize("name", [name for name, *_ in _WAYS])
def test_every_seed_has_pieces_that_decide_how_it_is_decoded(name):
    seed = SEEDS[name]
    container = CONTAINERS[seed.container]
    kinds = {piece.kind for piece in container.split(seed.data)}
    nested = getattr(container, "NESTED", {})
    assert kinds & (container.MAIN | nested.keys())


@pytest.mark.parametrize("container", CONTAINERS)
def test_damage_to_a_photo_leaves_bytes(container):
    @settings(derandomize=True, database=None, deadline=None, max_examples=20)
    @given(damaged_photos(SEEDS, container))
    def check(upload):
        assert isinstance(upload.body, bytes)

    check()
