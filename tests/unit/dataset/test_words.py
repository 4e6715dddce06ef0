"""A number agrees with its noun, whatever is counted and wherever a command says it."""

import ast
import re
from itertools import pairwise

import pytest

from dataset.words import counted
from model.settings import ROOT


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [
        (0, "photo", "0 photos"),
        (1, "photo", "1 photo"),
        (2, "photo", "2 photos"),
        (1, "person", "1 person"),
        (2, "person", "2 people"),
        (3, "known face", "3 known faces"),
    ],
)
def test_only_one_thing_is_in_the_singular(count, noun, words):
    assert counted(count, noun) == words


PLURAL = re.compile(
    r" (photos|faces|people|persons|strangers|folders|files|pairs|folds|epochs|packages|convolutions|"
    r"seconds|minutes|hours|threads|cores|pixels|requests|models|bundles|versions|images)\b"
)
AT_HOME = ("dataset", "training", "collection", "evaluation", "scripts", "bench")


def spelled_out(file):
    """Yield the lines where a sentence has a number and then a noun in the plural; an estimate is never 1."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else part for part in node.values]
            for value, text in pairwise(parts):
                is_number = isinstance(value, ast.FormattedValue) and value.format_spec is None
                if is_number and isinstance(text, str) and PLURAL.match(text):
                    yield node.lineno


@pytest.mark.parametrize("package", AT_HOME)
def test_no_sentence_puts_a_plural_behind_a_number_that_may_be_1(package):
    found = [
        f"{file.relative_to(ROOT)}:{line}" for file in (ROOT / package).rglob("*.py") for line in spelled_out(file)
    ]
    assert found == []
