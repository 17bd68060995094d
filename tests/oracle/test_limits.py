"""The oracle's limits, value by value, and the lengths that it takes from the configuration."""

import datetime
from typing import Any

import pytest

from schemas.catalog import packaged_dataset
from tests.oracle.limits import misfits, packaged_lengths

EVENT = packaged_dataset("dispense_event").reader
PATIENT = packaged_dataset("patient_update").reader


def found(reader: Any = EVENT, at: int = 0, years: bool = True, **row: Any) -> list[str]:
    lengths = packaged_lengths()["dispense_event"]
    return misfits(reader, row, at, lengths, years=years)


def test_texts_are_measured_in_bytes_by_their_declared_length_or_the_default():
    assert found(tenant_id="é" * 32, sig_text="x" * 1024, rxcui=None) == []
    assert found(tenant_id="é" * 33, sig_text="x" * 1025) == ["sig_text", "tenant_id"]


def test_a_nul_does_not_fit_a_text_and_does_fit_a_list():
    assert found(tenant_id="a\0b", reject_codes=["a\0b"]) == ["tenant_id"]


@pytest.mark.parametrize(
    ("codes", "fits"),
    [(["x" * 65_535], True), (["x" * 65_536], False), (["x" * 65_000] * 300, False)],
)
def test_lists_are_measured_text_by_text_and_as_a_whole(codes, fits):
    assert (found(reject_codes=codes) == []) is fits


@pytest.mark.parametrize(
    ("day", "fits"),
    [(-2_440_550, True), (-2_440_551, False), (106_762_939, True), (106_762_940, False)],
)
def test_dates_end_where_the_warehouses_do(day, fits):
    assert (found(expiration_date=day) == []) is fits


def test_times_begin_and_end_with_whole_years():
    first, last = -2_440_550 * 86_400_000_000, 106_751_982 * 86_400_000_000 - 1
    assert found(promised_at=first, picked_up_at=last) == []
    assert found(promised_at=first - 1, picked_up_at=last + 1) == ["picked_up_at", "promised_at"]


def test_the_brokers_time_counts_in_milliseconds():
    assert found(at=9_223_371_244_799_999) == []
    assert found(at=9_223_371_244_800_000) == ["_timestamp"]


def test_a_year_is_no_date():
    assert found(PATIENT, death_date=-2_500_000) == []
    assert found(PATIENT, death_date=-2_500_000, years=False) == ["death_date"]


def test_what_python_can_say_is_within_all_ranges():
    assert found(expiration_date=datetime.date.max, promised_at=datetime.datetime.max) == []
