from tests.oracle.references import References


def drug(start: int, schedule: str, offset: int = 0) -> dict[str, object]:
    return {
        "_offset": offset, "_row": 0, "_partition": 0, "ndc11": "00002821501",
        "effective_from": start, "dea_schedule": schedule,
    }  # fmt: skip


def chart(op: str, start: int, offset: int, link: int | None = 7) -> dict[str, object]:
    return {
        "_offset": offset, "_row": 0, "_partition": 0, "patient_link": link,
        "effective_at": start, "op": op,
    }  # fmt: skip


def op_at(references: References, time: int, patient: str = "P1") -> str | None:
    row = dict.fromkeys(("ndc", "prescriber_npi", "pharmacy_ncpdp_id"), "1")
    seen = references.seen("dispense_event", {**row, "patient_id": patient, "event_time": time}, 0)
    return seen.patient.op


def schedule_at(references: References, time: int, ndc: str = "0002-8215-01") -> str | None:
    row = {"ndc": ndc, "pharmacy_ncpdp_id": "1", "event_time": time}
    return references.seen("inventory_movement", row, 0).drug.dea_schedule


def test_a_version_is_valid_from_its_time_until_the_next():
    held = References({"drug_ref": [drug(20, "CII", 1), drug(10, "NONE", 2)]})
    assert [schedule_at(held, t) for t in (9, 10, 19, 20, 10**15)] == [
        None, "NONE", "NONE", "CII", "CII",
    ]  # fmt: skip


def test_of_one_effective_time_the_later_message_counts():
    held = References({"drug_ref": [drug(10, "CV", 9), drug(10, "CII", 3)]})
    assert schedule_at(held, 10) == "CV"


def test_what_is_not_there_has_nothing_but_unknowns():
    held = References({"drug_ref": [drug(10, "CV")]})
    assert schedule_at(held, 10, "0002821501") is None
    assert schedule_at(held, 253_402_214_400_000_000) is None
    assert schedule_at(References(), 10) is None


def test_of_a_patient_only_deaths_and_their_retractions_are_seen_by_the_link():
    charts = [
        chart("UPSERT", 5, 1), chart("DECEASED", 10, 2), chart("UPSERT", 15, 3),
        chart("REINSTATE", 20, 4), chart("DECEASED", 1, 5, None),
    ]  # fmt: skip
    held = References({"patient_update": charts}, {"P1": 7, "": None}.get)
    assert [op_at(held, t) for t in (9, 10, 19, 20)] == [None, "DECEASED", "DECEASED", "REINSTATE"]
    assert op_at(held, 19, "P2") is None
    assert op_at(held, 19, "") is None
