"""Aligned faces to a bundle: network, pretrained weights, training, calibration, export and enrolment."""
