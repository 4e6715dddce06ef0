"""What a run on AWS costs at most, in dollars.

Lambda bills each function for the seconds that it works. A run never has more functions at work than it may have at
once, so the seconds of the run times that number are the most that can be billed.
"""

from dataclasses import dataclass
from typing import Any, Final

from batch.errors import OutputError

_GB_SECOND: Final = 0.0000166667
"""Lambda, a gigabyte for a second. Prices are those of us-east-1 on 2026-11-26, without the free tiers. Sources:
https://aws.amazon.com/lambda/pricing/, https://aws.amazon.com/s3/pricing/, https://aws.amazon.com/step-functions/pricing/.
"""

_BATCH: Final = 0.0000359
"""A batch. In dollars a million: a call of the function (0.20), a PUT (5) and four GET (0.40 each) of S3, an EXPRESS
execution (1) of 64 MB for 3 s (3.1), and a state transition of the run (25)."""

_PHOTO: Final = 0.000000405
"""A photo: a GET, and its share of a list of 1,000 keys."""


@dataclass(frozen=True, slots=True)
class Functions:
    """So many functions at once at most, of so many megabytes each."""

    count: int
    memory_mb: int

    @classmethod
    def from_json(cls, fields: Any) -> "Functions | None":
        """Read what the state machine says of the functions; None if it says nothing.

        Raises:
            OutputError: it says something else.
        """
        if fields is None:
            return None
        try:
            return cls(int(fields["count"]), int(fields["memory_mb"]))
        except (KeyError, TypeError, ValueError) as error:
            raise OutputError("The state machine does not say how large its functions are. Deploy it again.") from error


def dollars_at_most(functions: Functions, seconds: float, batches: int, photos: int) -> float:
    """Return the most that a run of so many seconds, batches and photos costs, to four digits behind the point."""
    computing = seconds * functions.count * functions.memory_mb / 1024 * _GB_SECOND
    return round(computing + batches * _BATCH + photos * _PHOTO, 4)
