"""The tiers of the tests, and the fixtures that all of them share.

| folder | what its tests need |
| --- | --- |
| `unit` | nothing: no model, no sample photos, no network |
| `functional` | sample photos, and the real model that the real pipeline makes of them |
| `stack` | the real stack on a local AWS |
| `browser` | the website in a browser, some of it on that stack |
| `site` | Node: the website's modules on their own |
"""

pytest_plugins = ["tests.leaks", "tests.pipeline", "tests.gateway", "tests.deployed", "tests.processes"]
