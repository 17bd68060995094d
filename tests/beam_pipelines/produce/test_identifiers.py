"""The check digits against known values, and against formulas written the plain way."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.produce.columns import byte_strings
from beam_pipelines.produce.identifiers import dea, gtin14, ndc10, ndc11, npi


def luhn_holds(number: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def ascii_matrix(letters: str) -> np.ndarray:
    return np.frombuffer(letters.encode(), np.uint8)[:, None]


def test_the_npi_of_the_standard_is_made():
    assert byte_strings(npi(np.array([23456789]))) == [b"1234567893"]


@given(st.integers(0, 10**8 - 1))
def test_every_npi_passes_luhn(base):
    (number,) = byte_strings(npi(np.array([base])))
    assert luhn_holds("80840" + number.decode())


@given(st.integers(0, 10**6 - 1))
def test_every_dea_number_has_its_check_digit(base):
    (number,) = byte_strings(dea(np.array([base]), ascii_matrix("K")))
    d = [int(c) for c in number[2:].decode()]
    assert number[1:2] == b"K"
    assert (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10 == d[6]


def test_the_known_dea_number_is_made():
    assert byte_strings(dea(np.array([123456]), ascii_matrix("B")))[0][2:] == b"1234563"


def test_a_billing_ndc_is_padded_in_its_short_segment():
    formats = np.array([0, 1, 2])
    billing = ndc11(np.array([2, 50242, 50242]), np.array([8215, 40, 1234]), np.array([1, 62, 3]),
                    formats)  # fmt: skip
    assert byte_strings(billing) == [b"00002821501", b"50242004062", b"50242123403"]
    assert byte_strings(ndc10(billing, formats)) == [b"0002821501", b"5024204062", b"5024212343"]


def test_the_known_gtin_is_made():
    ndc = np.frombuffer(b"0002821501", np.uint8)[None, :]
    assert byte_strings(gtin14(ndc)) == [b"00300028215012"]
