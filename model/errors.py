"""The errors of models and uploads. Their texts are for whoever runs Visage; the API's clients get none of them.

ModelError
├── BundleError                  a bundle that is missing, incomplete, altered or of another format
│   └── BundleUnavailableError   a bundle that cannot be reached now
├── RosterError                  a roster that cannot be changed as asked for
│   ├── BadNameError             a name that nobody can have
│   ├── NameTakenError           a name that somebody has
│   ├── RosterBusyError          others change the roster all the time
│   ├── PersonChangedError       somebody whom another owner has changed in the meantime
│   ├── RosterUnreadableError    a roster that is damaged, or of a newer version of Visage
│   ├── TrainedPersonError       somebody on whom the network was trained
│   └── UnknownPersonError       somebody who is not on the roster
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


class RosterError(ModelError):
    """The roster cannot be changed as asked for."""


class BadNameError(RosterError):
    """Nobody can have this name; the text says why."""


class NameTakenError(RosterError):
    """Somebody has this name."""

    def __init__(self, name: str, identity: str) -> None:
        """Name the person who has it."""
        super().__init__(f'There is a person named "{name}". Give another name, or add photos to that person.')
        self.id = identity


class PersonChangedError(RosterError):
    """Somebody else has changed the person since the caller read it."""

    def __init__(self, name: str) -> None:
        """Name the person."""
        super().__init__(f'Somebody else has changed "{name}" in the meantime. Read it again, then repeat.')


class RosterBusyError(RosterError):
    """Others change the roster all the time; a later attempt may succeed."""


class RosterUnreadableError(RosterError):
    """The roster is damaged, or a newer version of Visage wrote it."""


class TrainedPersonError(RosterError):
    """The network was trained on the person, who cannot be renamed or removed while it serves."""

    def __init__(self, name: str) -> None:
        """Name the person, and say what to do."""
        super().__init__(
            f'The network was trained on "{name}", who can only get photos here. To remove or rename the person, use '
            "`visage forget` or train again, and deploy."
        )


class UnknownPersonError(RosterError):
    """Nobody on the roster has this id."""

    def __init__(self, identity: str) -> None:
        """Say which id, if it could be one."""
        shown = f" {identity}" if identity.isalnum() and identity.isascii() and len(identity) < 40 else ""
        super().__init__(f"There is nobody with the id{shown}. GET /people lists everybody.")


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
