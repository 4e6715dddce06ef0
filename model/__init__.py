"""An aligned face to a name: weights, training, evaluation, the bundle and the runtime that serves it.

Nothing is imported here: the serving side takes `model.recognizer` and must not pay for the training side.
"""
