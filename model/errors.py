"""Every way a model can fail its user.

ModelError
├── BundleError              a bundle that is missing, incomplete, altered or of another format
│   └── BundleUnavailableError   its place cannot be reached just now
├── DatasetError             aligned faces that cannot be trained on or evaluated
├── RunError                 a training run that is missing, unfinished or does not fit
└── WeightsError             pretrained weights that cannot be had or are not what they should be
"""


class ModelError(Exception):
    """A sentence for the person at the command line or behind the API."""


class BundleError(ModelError):
    """The bundle is missing, incomplete, altered or of another format."""


class BundleUnavailableError(BundleError):
    """The bundle's place cannot be reached just now; trying again may help."""


class DatasetError(ModelError):
    """The aligned faces cannot be trained on or evaluated."""


class RunError(ModelError):
    """The training run is missing, unfinished or does not fit what is asked of it."""


class WeightsError(ModelError):
    """The pretrained weights cannot be had, or are not what they should be."""
