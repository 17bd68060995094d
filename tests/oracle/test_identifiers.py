"""The oracle's identifiers by values known from outside."""

import pytest

from tests.oracle import identifiers as ids
from tests.oracle.zips import _HOLDERS, ALLOWED, told_prefix, zip_in_state
from transforms.masking import zip3_table
from transforms.sql.functions.zip3 import ZIP3_BY_STATE


def test_known_numbers_are_right():
    assert ids.is_npi("1234567893") is ids.is_dea("AB1234563") is ids.is_dea("BB1388568") is True
    assert ids.is_gtin("80614141123458") is ids.is_gtin("00300028215012") is True
    assert ids.gtin_fits_ndc("00300028215012", "0002-8215-01") is True
    assert ids.gtin_fits_ndc("00300028215012", "50242-040-62") is False
    assert ids.sgtin("3074257BF7194E4000001A85") == ("80614141123458", "6789")
    assert ids.sgtin("urn:epc:id:sgtin:0614141.812345.67%2F9") == ("80614141123458", "67/9")


@pytest.mark.parametrize("npi", ["1234567890", "3234567893", "123456789", "12345678\uff193"])
def test_other_numbers_are_no_npi(npi):
    assert ids.is_npi(npi) is False


@pytest.mark.parametrize(
    ("ndc", "billing"),
    [
        ("0002-8215-01", "00002821501"),
        ("50242-040-62", "50242004062"),
        ("60575-4112-1", "60575411201"),
        ("60575-4112-01", "60575411201"),
        ("60575411201", "60575411201"),
        ("6057541121", None),
        ("605754-112-01", None),
        ("", None),
        (None, None),
    ],
)
def test_an_ndc_has_eleven_digits_or_none(ndc, billing):
    assert ids.ndc11(ndc) == billing


def test_the_two_tables_of_zip_codes_agree_with_those_that_the_pipeline_has():
    assert zip3_table.ALLOWED == ALLOWED
    assert {
        (f"{prefix:03d}", state)
        for state, ranges in ZIP3_BY_STATE.items()
        for low, high in ranges
        for prefix in range(low, high + 1)
    } == _HOLDERS


def test_zip_codes_are_cut_and_placed():
    assert [told_prefix(z) for z in ("94110-1234", "03601", "9411", None)] == [
        "941", "000", None, None,
    ]  # fmt: skip
    assert zip_in_state("10001", "NY") is True
    assert zip_in_state("10001", "NJ") is False
