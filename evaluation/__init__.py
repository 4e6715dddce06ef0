"""How good a network, a bundle and the whole product are: metrics, benchmarks and reports."""
