"""The tiers of the tests, and the fixtures that all of them share.

| folder | what its tests need |
| --- | --- |
| `unit` | nothing: no model, no sample photos, no network |
| `functional` | sample photos, and the real model that the real pipeline makes of them |
| `stack` | the real stack on a local AWS |
| `jail` | bubblewrap, and that model |
| `browser` | the website in a browser, some of it on that stack |
| `site` | Node: the website's modules on their own |
"""

from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

settings.register_profile("suite", derandomize=True, deadline=None)
"""The same examples in every run, so that a failure can be seen again; how long one takes depends on the machine."""

settings.load_profile("suite")

pytest_plugins = [
    "tests.leaks",
    "tests.processes",
    "tests.pipeline",
    "tests.gateway",
    "tests.people_service",
    "tests.deployed",
]

ORDER = ("functional/scripts/test_checks.py", "unit/api", "stack", "browser", "jail", "functional", "unit")
"""The order of the tests. The first file makes the model, which no test of the API beside it needs. What is dear comes
before what is cheap, so that all processes are busy until the end."""

WITH_STACK = ("tests/stack/", "tests/browser/test_deployed.py", "tests/browser/test_owner_walk.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests; `make` forbids pytest-xdist to sort them by the number of tests in a file."""
    items.sort(key=lambda item: _place(item.path))


def _place(file: Path) -> int:
    below = file.relative_to(Path(__file__).parent).as_posix()
    return next((place for place, start in enumerate(ORDER) if below.startswith(start)), len(ORDER))


class ByFile(LoadFileScheduling):
    """Gives each process a file at a time. The tests with a deployed stack are one file here: they share the stack."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "stack" if file.startswith(WITH_STACK) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)
