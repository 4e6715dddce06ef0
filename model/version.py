"""The version of Visage: the one place that says it."""

from typing import Final

VERSION: Final = "0.2.0"
