"""Serial and lot numbers of GS1."""

from typing import Final

import numpy as np

from transforms.sql.functions.texts import Mask, Texts, over_texts

_CHARACTERS: Final = (
    "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
)
_FOREIGN: Final = ~np.isin(np.arange(256), [ord(c) for c in _CHARACTERS])


@over_texts
def is_gs1_serial(serials: Texts) -> Mask:
    """Whether each text may stand in AI (21) serial or AI (10) lot: 1 to 20 characters of set 82.

    Source: GS1 General Specifications, sections 3.4.1 and 3.5.2 (format X..20) and figure 7.11-1
    (the GS1 AI encodable character set 82).
    """
    foreign = np.concatenate([[0], np.cumsum(_FOREIGN[serials.data])])
    ends = serials.starts + serials.sizes
    found: Mask = (
        (serials.sizes >= 1) & (serials.sizes <= 20) & (foreign[ends] == foreign[serials.starts])
    )
    return found
