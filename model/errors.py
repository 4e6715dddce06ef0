"""The errors of models and uploads. Their texts are for whoever runs Visage; the API's clients get none of them.

ModelError
├── BundleError                  a bundle that is missing, incomplete, altered or of another format
│   └── BundleUnavailableError   a bundle that cannot be reached now
├── KeysError                    keys of the API that cannot be read or changed as asked for
├── SharedError                  an object that several programs use, and that cannot be used
│   ├── SharedChangedError       one that somebody else has changed in the meantime
│   ├── SharedMissingError       one that does not exist
│   └── SharedUnavailableError   one that cannot be reached now
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


class KeysError(ModelError):
    """The keys of the API cannot be read, or not changed as asked for."""


class SharedError(ModelError):
    """An object that several programs read and replace cannot be used."""


class SharedChangedError(SharedError):
    """Somebody else has changed the object since it was read; reading it again and repeating the change may succeed."""


class SharedMissingError(SharedError):
    """The object does not exist."""


class SharedUnavailableError(SharedError):
    """The object cannot be reached now; a later attempt may succeed."""


class SnapshotError(ModelError):
    """Lambda would take a snapshot of the function without its model."""


class UploadMissingError(ModelError):
    """There is no upload of this key: it was not made, is too old, or was taken."""


class UploadUnavailableError(ModelError):
    """The uploads cannot be reached now; a later attempt may succeed."""
