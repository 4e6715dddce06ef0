"""How a function reports its progress to whoever shows it."""

from collections.abc import Callable
from typing import TypeAlias

OnProgress: TypeAlias = Callable[[int, int], None]
"""How much is done, and how much there is."""

OnStep: TypeAlias = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and how much there is."""
