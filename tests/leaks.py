"""Fails the test that leaves something to the garbage collector, such as an open socket or file.

The collector finds an unclosed resource at some later time, in whatever test runs then. So it is run after each test,
and what it complains of fails the test that has just ended. This replaces pytest's own plugin for unraisable
exceptions, which reports them in the next test.
"""

import gc
import sys
import traceback
from collections.abc import Iterator

import pytest


class Unraisable:
    """Keeps the exceptions that Python could not raise. They are kept as text, so that the objects can be freed."""

    def __init__(self) -> None:
        self.reports: list[str] = []

    def __call__(self, unraisable: "sys.UnraisableHookArgs") -> None:
        lines = traceback.format_exception(unraisable.exc_type, unraisable.exc_value, unraisable.exc_traceback)
        self.reports.append(f"{unraisable.err_msg or 'Exception ignored in'}: {unraisable.object!r}\n{''.join(lines)}")

    def taken(self) -> str:
        """Return the reports so far, and delete them."""
        text, self.reports = "\n".join(self.reports), []
        return text


found = Unraisable()


def pytest_configure(config: pytest.Config) -> None:
    before, sys.unraisablehook = sys.unraisablehook, found
    config.add_cleanup(lambda: setattr(sys, "unraisablehook", before))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    yield
    if nextitem is None or nextitem.path != item.path:
        gc.unfreeze()  # look at everything, also at what outlived a test for the sake of the file's other tests
    gc.collect()
    gc.freeze()  # the collector passes over what is alive now, which makes the next time cheap
    if left := found.taken():
        pytest.fail(f"{item.nodeid} left this to the garbage collector:\n{left}", pytrace=False)
