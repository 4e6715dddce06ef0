"""From a photo's bytes to an aligned face: the one path for pixels, shared by training and serving.

Nothing is imported here: the manifest of a bundle needs `preprocess.geometry`, and must not wait for dlib.
"""
