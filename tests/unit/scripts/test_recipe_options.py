"""`visage train` has an option for every field of a recipe, with its default and its limits."""

import inspect
from dataclasses import fields
from typing import get_args

import pytest

from scripts.train import train
from training.recipe import Recipe


@pytest.mark.parametrize("field", fields(Recipe), ids=lambda field: field.name)
def test_every_field_of_a_recipe_is_an_option(field):
    parameter = inspect.signature(train).parameters[field.name]
    kind, option = get_args(parameter.annotation)
    assert (kind, parameter.default) == (field.type, field.default)
    assert (option.min, option.max) == (field.metadata.get("min"), field.metadata.get("max"))
