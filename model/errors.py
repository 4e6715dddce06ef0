"""The errors of models. Their texts are written for whoever runs Visage; the API's clients get none of them.

ModelError
├── BundleError                  a bundle that is missing, incomplete, altered or of another format
│   └── BundleUnavailableError   a bundle that cannot be reached now
└── SnapshotError                a function that Lambda would take a snapshot of without its model
"""


class ModelError(Exception):
    """A model that cannot be used."""


class BundleError(ModelError):
    """The bundle is missing, incomplete, altered or of another format."""


class BundleUnavailableError(BundleError):
    """The bundle cannot be reached now; a later attempt may succeed."""


class SnapshotError(ModelError):
    """Lambda would take a snapshot of the function without its model."""
