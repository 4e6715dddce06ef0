"""The errors of models and uploads. Their texts are for whoever runs Visage; the API's clients get none of them.

ModelError
├── BundleError                  a bundle that is missing, incomplete, altered or of another format
│   └── BundleUnavailableError   a bundle that cannot be reached now
├── SnapshotError                a function that Lambda would take a snapshot of without its model
├── UploadMissingError           a photo that was not uploaded, or was taken
└── UploadUnavailableError       uploads that cannot be reached now
"""


class ModelError(Exception):
    """A model, or the photo for it, that cannot be used."""


class BundleError(ModelError):
    """The bundle is missing, incomplete, altered or of another format."""


class BundleUnavailableError(BundleError):
    """The bundle cannot be reached now; a later attempt may succeed."""


class SnapshotError(ModelError):
    """Lambda would take a snapshot of the function without its model."""


class UploadMissingError(ModelError):
    """There is no upload of this key: it was not made, is too old, or was taken."""


class UploadUnavailableError(ModelError):
    """The uploads cannot be reached now; a later attempt may succeed."""
