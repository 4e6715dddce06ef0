"""Unit tests stay quick: none of them asks for sample photos, a model or the stack."""

import pytest

HEAVY = frozenset({"samples", "weights", "embedder", "aligned", "run", "bundle", "stack", "lambda_handler"})


def pytest_itemcollected(item: pytest.Item) -> None:
    asked = HEAVY.intersection(getattr(item, "fixturenames", ()))
    if asked and "tests/unit/" in item.nodeid:
        raise pytest.UsageError(f"{item.nodeid} asks for {min(asked)}: it belongs to tests/functional.")
