"""ZIP codes: which may be told, and whose they are. Two tables and two questions.

Sources: U.S. Census Bureau, 2020 Census, table P1 by ZIP Code Tabulation Areas (the prefixes it
counts anybody in); HHS, guidance on de-identification, 3.3, and the 2020 census (those of 20,000
people or fewer: the union of the privacy facts, section 1.2); USPS labeling list L002 (whose).
"""

import re

_ZIP = re.compile("[0-9]{5}(-?[0-9]{4})?", re.ASCII)

_COUNTED = """
006-007 009-054 056-089 100-191 193-212 214-268 270-310 312-331 333-339 341-342 344 346-347 349-352
354-374 376-398 400-418 420-427 430-458 460-508 510-516 520-528 530-532 534-535 537-551 553-554
556-567 570-577 580-588 590-620 622-631 633-641 644-648 650-658 660-662 664-681 683-693 700-701
703-708 710-714 716-731 734-741 743-770 772-816 820-838 840-841 843-847 850-853 855-857 859-860
863-865 870-871 873-875 877-884 890-891 893-895 897-898 900 902-908 910-928 930-937 939-941 943-961
967-968 970-986 988-999
"""
_SMALL = (
    "036 059 063 102 202 203 204 205 369 556 692 753 772 790 821 823 830 831 878 879 884 890 893"
)

#: In the order of the prefixes; a prefix of two states stands twice.
_STATES = """
005 NY, 006-007 PR, 008 VI, 009 PR, 010-027 MA, 028-029 RI, 030-038 NH, 039-049 ME, 050-054 VT,
055 MA, 056-059 VT, 060-069 CT, 063 NY, 070-089 NJ, 090-098 AE, 100-149 NY, 150-196 PA, 197-199 DE,
200 DC, 201 VA, 202-205 DC, 206-212 MD, 214-219 MD, 220-246 VA, 247-268 WV, 270-289 NC, 290-299 SC,
300-319 GA, 320-339 FL, 340 AA, 341-342 FL, 344 FL, 346-347 FL, 349 FL, 350-352 AL, 354-369 AL,
370-385 TN, 386-397 MS, 398-399 GA, 400-427 KY, 430-459 OH, 460-479 IN, 480-499 MI, 500-528 IA,
530-532 WI, 534-535 WI, 537-549 WI, 550-551 MN, 553-567 MN, 569 DC, 570-577 SD, 580-588 ND,
590-599 MT, 600-620 IL, 622-629 IL, 630-631 MO, 633-641 MO, 644-658 MO, 660-662 KS, 664-679 KS,
680-681 NE, 683-693 NE, 700-701 LA, 703-708 LA, 710-714 LA, 716-729 AR, 730-731 OK, 733 TX,
734-741 OK, 743-749 OK, 750-770 TX, 772-799 TX, 800-816 CO, 820-831 WY, 832-838 ID, 834 WY,
840-847 UT, 850-853 AZ, 855-857 AZ, 859-860 AZ, 863-865 AZ, 870-871 NM, 873-875 NM, 877-884 NM,
885 TX, 889-891 NV, 893-895 NV, 897-898 NV, 900-908 CA, 910-928 CA, 930-961 CA, 962-966 AP,
967-968 HI, 967 AS, 969 GU, 969 MP, 969 PW, 969 FM, 969 MH, 970-979 OR, 980-986 WA, 988-994 WA,
995-999 AK
"""


def _span(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


ALLOWED = {
    f"{n:03d}" for part in _COUNTED.split() for n in _span(part)
} - set(_SMALL.split())  # fmt: skip

_HOLDERS: set[tuple[str, str]] = {
    (f"{n:03d}", part.split()[1]) for part in _STATES.split(",") for n in _span(part.split()[0])
}


def is_zip(code: str) -> bool:
    """Five digits, or nine, with or without a hyphen."""
    return bool(_ZIP.fullmatch(code))


def zip_in_state(code: str | None, state: str | None) -> bool | None:
    """The prefix may be the state's."""
    if code is None or state is None:
        return None
    return is_zip(code) and (code[:3], state) in _HOLDERS


def told_prefix(code: str | None) -> str | None:
    """Three digits where enough people live, ``000`` elsewhere, None for what is no ZIP code."""
    stripped = (code or "").strip()
    if not is_zip(stripped):
        return None
    return stripped[:3] if stripped[:3] in ALLOWED else "000"
