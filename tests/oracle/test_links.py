from tests.oracle.links import link, links_of, normalized

KEY = bytes(32)


def test_spellings_agree():
    assert normalized(" \uff501") == "P1"
    assert link(KEY, " p1 ") == link(KEY, "P1") != link(KEY, "P2")


def test_parts_are_told_apart():
    assert link(KEY, "AB", "C") != link(KEY, "A", "BC")
    assert link(KEY, "A", 17) == link(KEY, "A", "17") != link(bytes([1] * 32), "A", 17)


def test_a_missing_part_makes_none():
    assert link(KEY, "A", None) is None
    assert link(KEY, "A", " ") is None
    assert link(KEY, "A", 0) is not None


def test_a_patient_has_one_link_in_both_datasets():
    update = {"patient_id": "P1", "surviving_patient_id": "p1", "effective_at": 5}
    made = links_of("patient_update", update, lambda entity: entity.encode())
    event = {"patient_id": "P1", "tenant_id": "T", "pharmacy_ncpdp_id": "S", "rx_number": "1"}
    fill = links_of("dispense_event", {**event, "fill_number": 0}, lambda entity: entity.encode())
    assert made["patient_link"] == made["surviving_patient_link"] == fill["patient_link"]
    assert made["patient_version"] not in (None, made["patient_link"])
    assert links_of("drug_ref", {}, lambda entity: b"") == {}
