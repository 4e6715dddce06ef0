"""A device that cannot be used is reported in one sentence before any work begins."""

import pytest
import torch

from scripts.console import CommandError
from scripts.weights import device


def test_the_processor_can_always_be_used():
    assert device("cpu") == "cpu"


def test_auto_takes_the_gpu_where_there_is_one():
    assert device() == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["", "tpu", "gpu", "meta", "cpu:x", "CPU", "cuda:-1", "cuda:99", "xla", "\u00e9"])
def test_a_device_that_cannot_be_used_is_one_sentence(name):
    with pytest.raises(CommandError, match="--device") as raised:
        device(name)
    assert len(str(raised.value).splitlines()) == 1
    assert len(str(raised.value)) < 300
