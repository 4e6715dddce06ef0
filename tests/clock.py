"""A clock for what waits: a test sets it, or lets it go on by sleeping."""


class Clock:
    """Shows its seconds, `now`, when it is called."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
