"""Every way a model can fail its user.

ModelError
└── BundleError                  a bundle that is missing, incomplete, altered or of another format
    └── BundleUnavailableError   its place cannot be reached just now
"""


class ModelError(Exception):
    """A sentence for the person at the command line or behind the API."""


class BundleError(ModelError):
    """The bundle is missing, incomplete, altered or of another format."""


class BundleUnavailableError(BundleError):
    """The bundle's place cannot be reached just now; trying again may help."""
