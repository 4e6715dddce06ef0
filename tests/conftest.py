"""The tiers of the tests, and the fixtures that all of them share.

| folder | what its tests need |
| --- | --- |
| `unit` | nothing: no model, no sample photos, no network |
| `functional` | sample photos, and the real model that the real pipeline makes of them |
| `stack` | the real stack on a local AWS |
| `browser` | the website in a browser, some of it on that stack |
| `site` | Node: the website's modules on their own |
"""

import pytest

pytest_plugins = ["tests.leaks", "tests.pipeline", "tests.gateway", "tests.deployed"]


def pytest_itemcollected(item):
    """Run the tests of a file in one process, and all tests of the stack in one: each fixture is then made once.

    The marks are set here, because xdist reads them before `pytest_collection_modifyitems` reaches this file.
    """
    group = "stack" if "stack" in item.fixturenames else item.nodeid.partition("::")[0]
    item.add_marker(pytest.mark.xdist_group(group))
