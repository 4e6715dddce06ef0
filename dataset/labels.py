"""How a person's name is spelled: the one place that decides when two spellings are the same name."""

import unicodedata


def normalised(name: str) -> str:
    """Return a name in Unicode's NFC form, in which labels are kept and compared.

    A folder from a Mac may be in NFD: the letter e, then a combining accent. A keyboard types NFC: one character. Both
    look the same. Source: Unicode Standard Annex 15.
    """
    return unicodedata.normalize("NFC", name)
