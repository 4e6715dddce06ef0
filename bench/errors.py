"""Every way in which a benchmark can fail.

BenchError
├── ContestError               a contestant cannot continue
└── UnsupportedSystemError     this system is not Linux
"""


class BenchError(Exception):
    """The text is a sentence for whoever started the benchmark."""


class ContestError(BenchError):
    """A contestant's process ended or sent something unreadable; the text says which and why."""


class UnsupportedSystemError(BenchError):
    """The benchmark needs Linux."""
