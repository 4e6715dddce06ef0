"""Where no child process can be started, the bundle is downloaded without one."""

import errno
import os

import pytest

from model.errors import BundleError
from model.prefetch import Prefetch
from model.settings import Settings


def test_a_system_that_refuses_a_child_process_costs_time_only(monkeypatch):
    def refuse():
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    settings = Settings.read({"AWS_LAMBDA_FUNCTION_NAME": "visage", "VISAGE_MODEL": "/nowhere"})
    prefetch = Prefetch(settings)
    with (
        prefetch.download("/nowhere", settings.engine) as parts,
        pytest.raises(BundleError, match="No bundle at /nowhere"),
    ):
        next(parts)
