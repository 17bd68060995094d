"""Global Trade Item Numbers, and the NDC in them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.sql.functions.test_ndc import NDCS, oracle11
from tests.transforms.sql.functions.texts import ANY_TEXT, agrees, columns, damaged, one
from transforms.sql.functions.gtin import gtin_fits_ndc, gtin_ndc10, is_gtin


def check_digit(body):
    total = sum(int(d) * (3 if place % 2 == 0 else 1) for place, d in enumerate(reversed(body)))
    return str(-total % 10)


def oracle(text):
    return (
        len(text) in (8, 12, 13, 14)
        and all(c in "0123456789" for c in text)
        and check_digit(text[:-1]) == text[-1]
    )


def oracle_ndc10(text):
    return text[3:13] if len(text) == 14 and oracle(text) and text[1:3] == "03" else None


def oracle_fits(gtin, ndc):
    ten, eleven = oracle_ndc10(gtin), oracle11(ndc)
    if ten is None or eleven is None:
        return None
    padded = {
        "0" + ten,
        ten[:5] + "0" + ten[5:],
        ten[:9] + "0" + ten[9:],
    }
    return eleven in padded


def with_check(body):
    return body + check_digit(body)


BODIES = st.one_of([st.text("0123456789", min_size=n, max_size=n) for n in (7, 11, 12, 13)])
TENS = st.text("0123456789", min_size=10, max_size=10)
DRUGS = st.builds("{}03{}".format, st.sampled_from("0123456789"), TENS).map(with_check)
GTINS = BODIES.map(with_check) | DRUGS


@pytest.mark.parametrize("gtin", ["00300028215012", "80614141123458", "614141123452", "96385074"])
def test_right_ones_are_right(gtin):
    assert oracle(gtin)
    assert one(is_gtin, gtin) is True


@pytest.mark.parametrize("text", ["", "00300028215013", "0030002821502", "0030002821501x", "123"])
def test_wrong_ones_are_wrong(text):
    assert one(is_gtin, text) is False


def test_the_ndc_is_found_in_the_gtin():
    assert one(gtin_ndc10, "00300028215012") == "0002821501"
    assert one(gtin_ndc10, "80614141123458") is None


@pytest.mark.parametrize("ndc", ["0002-8215-01", "00002821501", "00028-215-01", "00028-2150-1"])
def test_an_ndc_fits_in_each_form_of_the_ten_digits(ndc):
    assert one(gtin_fits_ndc, "00300028215012", ndc) is True


def test_another_ndc_does_not_fit():
    assert one(gtin_fits_ndc, "00300028215012", "0002-8215-02") is False


@pytest.mark.parametrize(
    ("gtin", "ndc"),
    [("80614141123458", "0002-8215-01"), ("00300028215012", "0002821501"), ("x", "y")],
)
def test_what_can_not_be_read_is_neither(gtin, ndc):
    assert one(gtin_fits_ndc, gtin, ndc) is None


@settings(max_examples=60)
@given(columns(damaged(GTINS) | ANY_TEXT))
def test_a_column_is_judged_as_each_text_alone(values):
    assert agrees(is_gtin, oracle, values)
    assert agrees(gtin_ndc10, oracle_ndc10, values)


def beside(ten):
    eleven = st.sampled_from(["0" + ten, f"{ten[:5]}0{ten[5:]}", f"{ten[:9]}0{ten[9:]}"])
    return st.tuples(st.just(with_check("003" + ten)), eleven | damaged(eleven) | NDCS)


@settings(max_examples=60)
@given(st.lists(TENS.flatmap(beside), max_size=20))
def test_pairs_fit_as_each_pair_alone(pairs):
    assert agrees(gtin_fits_ndc, oracle_fits, [g for g, _ in pairs], [n for _, n in pairs])
