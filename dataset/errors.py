"""Every way in which folders of photos cannot become folders of aligned faces.

PrepareError             the folders cannot be prepared
└── WorkerKilledError    a process that worked on photos was killed
"""


class PrepareError(Exception):
    """The folders cannot be prepared; the text is a sentence for whoever typed the command."""


class WorkerKilledError(PrepareError):
    """A process that worked on photos was killed."""
