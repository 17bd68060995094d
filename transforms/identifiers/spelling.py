"""The one form of all spellings of an identifier."""

import unicodedata


def normalized(text: str) -> str:
    """Returns the form of an identifier under which its spellings agree: NFKC, stripped, upper."""
    return unicodedata.normalize("NFKC", text).strip().upper()
