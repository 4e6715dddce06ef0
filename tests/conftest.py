"""The tiers of the tests, and the fixtures that all of them share.

| folder | what its tests need |
| --- | --- |
| `unit` | nothing: no model, no sample photos, no network |
| `functional` | sample photos, and the real model that the real pipeline makes of them |
| `stack` | the real stack on a local AWS |
| `browser` | the website in a browser, some of it on that stack |
| `site` | Node: the website's modules on their own |
"""

from hypothesis import settings

settings.register_profile("suite", derandomize=True, deadline=None)
"""The same examples in every run, so that a failure can be seen again; how long one takes depends on the machine."""

settings.load_profile("suite")

pytest_plugins = ["tests.leaks", "tests.pipeline", "tests.gateway", "tests.deployed", "tests.processes"]
