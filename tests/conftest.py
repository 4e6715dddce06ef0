"""The tiers of the tests, and what every test may ask for.

| folder | what its tests need |
| --- | --- |
| `unit` | nothing: no model, no sample photos, no network |
| `functional` | sample photos, and the real model that the real pipeline makes of them |
| `stack` | the real stack on a local AWS |
| `browser` | the website in a browser, some of it on that stack |
| `site` | Node: the website's modules on their own |
"""

pytest_plugins = ["tests.pipeline", "tests.gateway", "tests.deployed"]
