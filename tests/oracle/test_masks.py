from schemas.catalog import packaged_dataset
from tests.oracle.masks import Pseudonymised, band, hkdf

DAY = 86_400_000_000
READER = packaged_dataset("patient_update").reader
MASKS = Pseudonymised(bytes(32))


def masked(**values: object) -> dict[str, object]:
    row = {"event_time": 20_000 * DAY, "country": "US", **values}
    return MASKS.masked("patient_update", READER, row)


def test_keys_are_derived_by_rfc_5869():
    # Appendix A.3: no salt, no info. The first 32 bytes of its 42.
    told = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    assert hkdf(b"\x0b" * 22, "").hex() == told


def test_pseudonyms_are_of_the_class_and_of_any_spelling():
    row = masked(patient_id=" p1", surviving_patient_id="P1 ", member_id="P1")
    assert row["patient_id"] == row["surviving_patient_id"] != row["member_id"]
    assert str(row["patient_id"]).startswith("v1:")
    assert len(str(row["patient_id"])) == 3 + 26
    assert masked(patient_id=" ", member_id=None)["patient_id"] is None


def test_a_patients_dates_move_together_and_another_domain_moves_them_otherwise():
    days = {MASKS.shift(f"P{n}") for n in range(300)}
    assert min(days) >= 1
    assert max(days) <= 365
    other = Pseudonymised(bytes(32), domain="elsewhere")
    assert [other.shift(f"P{n}") for n in range(9)] != [MASKS.shift(f"P{n}") for n in range(9)]
    dispense = packaged_dataset("dispense_event").reader
    row = {"event_time": 0, "patient_id": "P1", "date_written": 100, "received_at": 130 * DAY}
    moved = MASKS.masked("dispense_event", dispense, row)
    assert moved["date_written"] == 100 - MASKS.shift("P1")
    assert moved["received_at"] == (130 - MASKS.shift("P1")) * DAY
    assert (
        MASKS.masked("dispense_event", dispense, {**row, "patient_id": ""})["date_written"] is None
    )


def test_ages_are_bands_at_the_event_and_names_go():
    row = masked(birth_date=20_000 - 90 * 366, death_date=19_999, last_name="Ng", ssn="1")
    assert (row["birth_date"], row["death_date"]) == ("90+", 2024)
    assert not {"last_name", "ssn"} & row.keys()
    assert [band(age) for age in (None, -1, 0, 4, 5, 89, 90)] == [
        None, None, "0-4", "0-4", "5-9", "85-89", "90+",
    ]  # fmt: skip


def test_foreign_codes_are_no_prefixes():
    assert masked(postal_code="94110")["postal_code"] == "941"
    assert masked(postal_code="94110", country="DE")["postal_code"] is None


def test_free_text_is_dropped_and_credentials_are_redacted():
    reader = packaged_dataset("dispense_event").reader
    row = {"event_time": 0, "patient_id": "P", "sig_text": "x", "prescriber_dea": "AB1234563"}
    made = MASKS.masked("dispense_event", reader, row)
    assert made["prescriber_dea"] == "[redacted]"
    assert "sig_text" not in made
