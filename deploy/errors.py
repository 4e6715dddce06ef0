"""The one way in which a deployment fails its user."""


class DeployError(Exception):
    """A deployment that cannot go on; the text is a sentence that says what to do."""
