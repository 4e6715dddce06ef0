"""Every error of training, export and enrolment.

TrainingError
├── DatasetError    aligned faces that cannot be trained on or evaluated
├── RemovalError    a person whose weights cannot be removed from a network
├── RunError        a training run that is missing, unfinished or does not fit
└── WeightsError    pretrained weights that cannot be downloaded or are not what they should be
"""


class TrainingError(Exception):
    """The text is a sentence for whoever typed the command."""


class DatasetError(TrainingError):
    """The aligned faces cannot be trained on or evaluated."""


class RemovalError(TrainingError):
    """A person's weights cannot be removed from the network; the bundle stays as it was."""


class RunError(TrainingError):
    """The training run is missing, unfinished or does not fit what is asked of it."""


class WeightsError(TrainingError):
    """The pretrained weights cannot be downloaded, or are not what they should be."""
