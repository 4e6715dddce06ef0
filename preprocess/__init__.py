"""A photo's bytes to an aligned face: the one path for pixels, shared by training and serving.

Nothing is imported here: who reads a bundle's manifest takes `preprocess.geometry` and must not pay for dlib.
"""
