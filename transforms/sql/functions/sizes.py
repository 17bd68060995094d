"""How much room a text takes."""

from transforms.sql.functions.texts import Ints, Texts, over_texts


@over_texts
def utf8_bytes(texts: Texts) -> Ints:
    """Bytes of each text in UTF-8: what a VARCHAR of Redshift counts, where others count letters.

    Source: RFC 3629; Amazon Redshift, "Character types" (VARCHAR is declared in bytes).
    """
    return texts.sizes
