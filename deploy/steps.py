"""How a deployment shows what it is doing."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Step = Callable[[str], AbstractContextManager[object]]
"""Takes the name of a step and returns a context that lasts as long as the step does."""


def silent(_name: str) -> AbstractContextManager[object]:
    """Show nothing."""
    return nullcontext()
