"""Every error of a batch.

BatchError
├── SourceError               a source that cannot be listed
├── OutputError               an output that cannot be used or is damaged
├── StorageError              S3 refuses a request; another attempt will not help
├── BatchUnavailableError     S3 cannot be reached now; a later attempt may succeed
└── UnreadError               one photo, or one file of an output, that cannot be read
    ├── ArchivedError         it was moved to an archive
    ├── ChangedError          it was replaced since it was listed
    ├── ForbiddenError        nobody has allowed it
    └── MissingError          it does not exist (any more)

Each UnreadError of a photo is a row with its `status`. The others end the run; whole parts are kept.
"""

from typing import ClassVar


class BatchError(Exception):
    """A batch that cannot be done as asked for."""


class SourceError(BatchError):
    """The source cannot be listed."""


class OutputError(BatchError):
    """The output cannot be used, or a file in it is damaged."""


class StorageError(BatchError):
    """S3 refuses a request."""


class BatchUnavailableError(BatchError):
    """S3 cannot be reached now; a later attempt may succeed."""


class UnreadError(BatchError):
    """One photo, or one file of an output, cannot be read."""

    status: ClassVar[str]
    """What the row of the photo says."""

    detail: ClassVar[str]
    """The sentence of the row."""


class ArchivedError(UnreadError):
    """The object was moved to an archive of S3."""

    status = "archived"
    detail = "The object is in an archive of S3. Restore it, and run the batch again."


class ChangedError(UnreadError):
    """The photo was replaced since it was listed."""

    status = "changed"
    detail = "The photo was replaced while the batch ran. Run the batch again."


class ForbiddenError(UnreadError):
    """There is no permission to read it."""

    status = "forbidden"
    detail = "There is no permission to read the photo. Allow it, and run the batch again."


class MissingError(UnreadError):
    """It does not exist."""

    status = "missing"
    detail = "The photo was removed while the batch ran."
