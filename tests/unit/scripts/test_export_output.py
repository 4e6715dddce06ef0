"""`visage export` prints the thresholds, and no figures that were measured on a few faces."""

import pytest

from scripts.export import _show

RESULT = {
    "bundle": "diary",
    "version": "0123456789ab",
    "threshold": 0.5123,
    "engines": {"onnx": {"precision": "int8", "threshold": 0.5177}},
    "false_accept_rate": 0.01,
    "measured_on": "LFW",
    "estimates": {"LFW": 0.5123, "people left out": 0.41},
    "held_out": {"faces": 40, "name_right": 0.975, "recognised": 0.95, "expected_calibration_error": 0.02},
    "largest_difference": 0.0008,
}


@pytest.fixture
def said(capsys):
    def said(**changed):
        _show(RESULT | changed)
        return capsys.readouterr().out

    return said


def test_the_threshold_is_said_with_its_rate_and_what_that_was_measured_on(said):
    assert "A face counts as known from score 0.512, 0.518 with onnx (int8) on." in said()
    assert "1 % of strangers reach that: measured on LFW. Estimates: LFW 0.512, people left out 0.410." in said()


def test_figures_of_many_faces_are_said(said):
    assert "Of 40 faces that were kept from training: name right 97.50%, recognised 95.00%" in said()


@pytest.mark.parametrize("held_out", [None, *({**RESULT["held_out"], "faces": faces} for faces in (1, 19))])
def test_figures_of_a_few_faces_are_not_said(said, held_out):
    assert "kept from training" not in said(held_out=held_out)


def test_a_rate_that_was_not_measured_says_so(said):
    assert "1 % of strangers reach that: assumed, not measured. Estimates: none." in said(
        estimates={}, measured_on=None
    )
