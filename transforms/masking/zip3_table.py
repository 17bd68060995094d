"""Which three-digit ZIP prefixes may be told: reference data, with their version.

45 CFR 164.514(b)(2)(i)(B) lets the first three digits stand where the area they name holds more
than 20,000 people by the current census. HHS's printed list is of the 2000 census, and HHS says not
to rely on it once newer data exist; so a prefix is allowed here only if no census since 2000 finds
it small. It is an allow-list: a prefix in which the census counts nobody (military mail, agencies,
ranges never assigned) is not on it.

Sources: U.S. Census Bureau, 2020 Census, Demographic and Housing Characteristics File, table P1,
the population of the ZIP Code Tabulation Areas summed by their first three digits: 894 prefixes.
HHS, Guidance Regarding Methods for De-identification of PHI (2012), section 3.3: 17 prefixes.
"""

from typing import Final

#: Part of the version of every masking plan that cuts ZIP codes.
VERSION: Final = "census-2000+2020"

#: The prefixes in which the 2020 census has an area.
_COUNTED: Final = """
006-007 009-054 056-089 100-191 193-212 214-268 270-310 312-331 333-339 341-342 344 346-347 349-352
354-374 376-398 400-418 420-427 430-458 460-508 510-516 520-528 530-532 534-535 537-551 553-554
556-567 570-577 580-588 590-620 622-631 633-641 644-648 650-658 660-662 664-681 683-693 700-701
703-708 710-714 716-731 734-741 743-770 772-816 820-838 840-841 843-847 850-853 855-857 859-860
863-865 870-871 873-875 877-884 890-891 893-895 897-898 900 902-908 910-928 930-937 939-941 943-961
967-968 970-986 988-999
"""

#: Those with 20,000 people or fewer by the census of 2000 or of 2020.
_SMALL: Final = """
036 059 063 102 202-205 369 556 692 753 772 790 821 823 830-831 878-879 884 890 893
"""


def _listed(ranges: str) -> frozenset[str]:
    spans = (part.partition("-") for part in ranges.split())
    return frozenset(
        f"{number:03d}" for a, _, b in spans for number in range(int(a), int(b or a) + 1)
    )


#: The prefixes that may be told.
ALLOWED: Final = _listed(_COUNTED) - _listed(_SMALL)
