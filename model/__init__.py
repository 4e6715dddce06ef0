"""From an aligned face to a name: the bundle, its storage, the engines that run its network, and the recognizer.

Nothing is imported here, so that a function can read its settings and start its download first.
"""
