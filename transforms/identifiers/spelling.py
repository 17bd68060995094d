"""The one form of all spellings of an identifier."""

import unicodedata


def normalized(text: str) -> str:
    """Returns the form of an identifier under which its spellings agree: NFKC, stripped, upper."""
    # NFKC leaves ASCII as it is, which nearly all ids are; asking it takes half of the time.
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return plain.strip().upper()
