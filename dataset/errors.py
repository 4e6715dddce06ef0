"""Every error of the preparation of photos.

PrepareError              the folders cannot be prepared
├── UnusableNameError     a folder's name cannot be a person's name
└── WorkerKilledError     a worker process was killed
"""


class PrepareError(Exception):
    """The folders cannot be prepared; the text is a sentence for whoever typed the command."""


class WorkerKilledError(PrepareError):
    """A worker process was killed."""


class UnusableNameError(PrepareError):
    """A folder's name cannot be a person's name."""
