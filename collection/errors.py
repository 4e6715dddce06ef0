"""Every error of collections of photos.

CollectionError
├── SearchError  a face cannot be searched for in an output
└── SortError    a pile cannot be sorted, or the sorted photos cannot be changed so
"""


class CollectionError(Exception):
    """The text is a sentence for whoever typed the command."""


class SearchError(CollectionError):
    """A face cannot be searched for in this output."""


class SortError(CollectionError):
    """A pile of photos cannot be sorted, or what was sorted cannot be changed in this way."""
