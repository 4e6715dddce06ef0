"""The error of this package.

DeployError
"""


class DeployError(Exception):
    """A deployment that cannot go on; the text is a sentence that says what to do."""
