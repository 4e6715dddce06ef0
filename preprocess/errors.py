"""Every error of a photo that cannot be used.

PhotoError
├── UnsupportedFormatError    the bytes are not an image of an accepted format
├── PhotoTooLargeError        more bytes or more pixels than are accepted
├── UnreadablePhotoError      an image of an accepted format that cannot be decoded
└── NoFaceError               a readable photo without a face

Their texts are written for the person who sent the photo.
"""


class PhotoError(ValueError):
    """A photo that cannot be used."""


class UnsupportedFormatError(PhotoError):
    """The bytes are not an image of an accepted format."""


class PhotoTooLargeError(PhotoError):
    """The photo has more bytes or more pixels than are accepted."""


class UnreadablePhotoError(PhotoError):
    """The photo is damaged: it starts like an accepted format and cannot be decoded."""


class NoFaceError(PhotoError):
    """No face was found in a readable photo."""
