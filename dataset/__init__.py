"""Folders of photos to folders of aligned faces."""
