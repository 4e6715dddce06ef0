"""From a photo's bytes to an aligned face: the one path for pixels, shared by training and serving.

Nothing is imported here, so that reading a bundle's manifest, which needs `preprocess.geometry`, does not import dlib.
"""
