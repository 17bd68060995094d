"""Check digits and written forms, one value after the other.

Source: the algorithms of the domain's facts, section 3.2; GS1 General Specifications, 3.4.1 and
7.9; GS1 EPC Tag Data Standard, 6.3.1 and 14.6.1. Null in, null out.
"""

import re
from urllib.parse import unquote

_SET_82 = re.compile(r"""[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}""", re.ASCII)
_DEA = re.compile(r"[ABCDEFGHJKLMPRSTUX][A-Z9][0-9]{7}(-[A-Za-z0-9]+)?", re.ASCII)
_SGTIN_URN = re.compile(
    r"urn:epc:id:sgtin:([0-9]{6,12})\.([0-9]{1,7})"
    r"\.((?:[!'()*+,\-.0-9:;=A-Z_a-z]|%[0-9A-Fa-f]{2}){1,60})",
    re.ASCII,
)
_SGTIN_96 = re.compile("30[0-9A-Fa-f]{22}", re.ASCII)
#: Segments of a hyphenated NDC -> what comes before each in 11 digits.
_PADDINGS = {(4, 4, 2): ("0", "", ""), (5, 3, 2): ("", "0", ""), (5, 4, 1): ("", "", "0"),
             (5, 4, 2): ("", "", "")}  # fmt: skip


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def luhn(digits: str) -> bool:
    """The sum from the right, every second digit doubled (less 9 above 9), ends in zero."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def is_npi(npi: str | None) -> bool | None:
    """Ten digits, the first one 1 or 2, and Luhn holds with 80840 before them."""
    if npi is None:
        return None
    return len(npi) == 10 and _digits(npi) and npi[0] in "12" and luhn("80840" + npi)


def is_dea(number: str | None) -> bool | None:
    """LLddddddd with a check digit; a hospital's suffix may follow."""
    if number is None:
        return None
    if not _DEA.fullmatch(number):
        return False
    d = [int(digit) for digit in number[2:9]]
    return (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10 == d[6]


def dea_second_letter(number: str | None) -> str | None:
    """The registrant's initial, or 9; None for what is no DEA number."""
    return number[1] if number is not None and is_dea(number) else None


def ndc11(ndc: str | None) -> str | None:
    """The 11 digits of billing; None for ten bare digits, which are ambiguous, and all else."""
    if ndc is None:
        return None
    parts = ndc.split("-")
    if not all(_digits(part) for part in parts):
        return None
    if len(parts) == 1:
        return ndc if len(ndc) == 11 else None
    padding = _PADDINGS.get(tuple(map(len, parts)))  # type: ignore[arg-type]
    return padding and "".join(zero + part for zero, part in zip(padding, parts, strict=True))


def check_digit(body: str) -> str:
    """GS1's: weights 3, 1, 3 ... from the right."""
    total = sum(int(d) * (3, 1)[place % 2] for place, d in enumerate(reversed(body)))
    return str(-total % 10)


def is_gtin(gtin: str | None) -> bool | None:
    """8, 12, 13 or 14 digits, the last one right."""
    if gtin is None:
        return None
    return _digits(gtin) and len(gtin) in (8, 12, 13, 14) and check_digit(gtin[:-1]) == gtin[-1]


def gtin_fits_ndc(gtin: str | None, ndc: str | None) -> bool | None:
    """The NDC in a GTIN-14 may be the one beside it; None where either can't be read."""
    billing = ndc11(ndc)
    readable = gtin is not None and len(gtin) == 14 and is_gtin(gtin) and gtin[1:3] == "03"
    if billing is None or gtin is None or not readable:
        return None
    ten = gtin[3:13]
    written = (("0" + ten), (ten[:5] + "0" + ten[5:]), (ten[:9] + "0" + ten[9:]))
    return billing in written


def is_gs1_serial(serial: str | None) -> bool | None:
    """1 to 20 characters of set 82."""
    return None if serial is None else bool(_SET_82.fullmatch(serial))


def sgtin(epc: str | None) -> tuple[str, str] | None:
    """GTIN-14 and serial number of an SGTIN, as a URN or as SGTIN-96 in hexadecimal."""
    if epc is None:
        return None
    if _SGTIN_96.fullmatch(epc):
        return _tag(int(epc, 16))
    found = _SGTIN_URN.fullmatch(epc)
    if not found or len(found[1] + found[2]) != 13:
        return None
    return _gtin14(found[1], found[2]), unquote(found[3])


def _tag(tag: int) -> tuple[str, str] | None:
    bits = f"{tag:096b}"
    partition = int(bits[11:14], 2)
    if partition > 6:
        return None
    end = 14 + (40, 37, 34, 30, 27, 24, 20)[partition]
    digits = 12 - partition
    prefix, item = int(bits[14:end], 2), int(bits[end:58], 2)
    if prefix >= 10**digits or item >= 10 ** (13 - digits):
        return None
    gtin = _gtin14(f"{prefix:0{digits}d}", f"{item:0{13 - digits}d}")
    return gtin, str(int(bits[58:], 2))


def _gtin14(prefix: str, item: str) -> str:
    body = item[0] + prefix + item[1:]
    return body + check_digit(body)
