"""The state machine of a stage that recognises many photos, and what belongs to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Machine:
    """What `visage deploy --with-batch` adds to a stage.

    `arn` is the state machine's, `function` the name of the function that it calls. It may read the photos below
    `source`, and write below `output`; both are addresses in S3 that end in a slash. `arrivals` and `failed_arrivals`
    are the addresses of the queues of photos that arrived, and of those that were given up.
    """

    arn: str
    function: str
    source: str
    output: str
    arrivals: str
    failed_arrivals: str

    @property
    def place(self) -> str:
        """The source as the parameter of serverless.yml has it: without its scheme."""
        return self.source.removeprefix("s3://")

    @classmethod
    def deployed(cls, outputs: Mapping[str, str]) -> Self | None:
        """Return what the outputs of a stack say, None for a stage without it."""
        names = ("BatchMachine", "BatchFunction", "BatchSource", "BatchOutput", "Arrivals", "FailedArrivals")
        return cls(*(outputs[name] for name in names)) if all(name in outputs for name in names) else None
