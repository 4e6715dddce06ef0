"""The error of the commands themselves. Each package has a tree of its own, in its errors.py."""


class CommandError(Exception):
    """Ends a command with status 1 and one line that says what to do."""
