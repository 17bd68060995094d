"""What the events say, decoded: they agree with each other and with the rules of the trade."""

import datetime
from collections import defaultdict
from decimal import Decimal

import pytest

from beam_pipelines.produce import generate
from beam_pipelines.produce.one_schema import DEFAULT_DAY
from tests.oracle import Message, expected_of

TOPICS = (
    "pharmacy.dispense", "pharmacy.inventory", "pharmacy.patients", "pharmacy.ref.pharmacies",
    "pharmacy.ref.drugs", "pharmacy.ref.prescribers",
)  # fmt: skip


@pytest.fixture(scope="module")
def rows() -> dict[str, list[dict]]:
    messages: dict[str, list[Message]] = {topic: [] for topic in TOPICS}
    for chunk in generate(6, 12_000, "none"):
        listed = messages[chunk.topic]
        listed += [
            Message(topic=chunk.topic, partition=0, offset=len(listed) + n, timestamp_ms=time,
                    key=key, value=value)
            for n, (key, value, time) in enumerate(
                zip(chunk.keys, chunk.values, chunk.timestamps_ms, strict=True))
        ]  # fmt: skip
    expected = {topic: expected_of(topic, listed) for topic, listed in messages.items()}
    assert all(e.counts.keys() == {"accepted"} for e in expected.values())
    return {topic: list(e.rows.values()) for topic, e in expected.items()}


class TestDispenseEvents:
    def test_references_are_those_that_were_published(self, rows):
        stores = {r["pharmacy_ncpdp_id"] for r in rows["pharmacy.ref.pharmacies"]}
        drugs = {r["ndc11"] for r in rows["pharmacy.ref.drugs"]}
        prescribers = {r["npi"] for r in rows["pharmacy.ref.prescribers"]}
        for row in rows["pharmacy.dispense"]:
            assert row["pharmacy_ncpdp_id"] in stores
            assert row["ndc"] in drugs
            assert row["prescriber_npi"] in prescribers

    def test_money_adds_up(self, rows):
        priced = [r for r in rows["pharmacy.dispense"] if r["total_paid"] is not None]
        assert priced
        for row in priced:
            assert row["ingredient_cost"] + row["dispensing_fee"] == row["total_paid"]
            assert 0 <= row["patient_pay"] <= row["total_paid"]

    def test_steps_of_a_fill_come_in_their_order(self, rows):
        fills = defaultdict(list)
        for row in rows["pharmacy.dispense"]:
            fills[row["rx_number"]].append(row)
        for steps in fills.values():
            steps.sort(key=lambda row: row["source_seq"])
            times = [row["event_time"] for row in steps]
            assert times == sorted(times)
            assert len({row["source_seq"] for row in steps}) == len(steps)
            assert len({row["patient_id"] for row in steps}) == 1

    def test_every_event_of_a_fill_says_when_the_prescription_came_in(self, rows):
        received = {
            r["rx_number"]: r["event_time"]
            for r in rows["pharmacy.dispense"]
            if r["event_type"] == "RX_RECEIVED"
        }
        told = [r for r in rows["pharmacy.dispense"] if r["received_at"] is not None]
        # Version 1 has no such field.
        assert 0.8 < len(told) / len(rows["pharmacy.dispense"]) < 0.9
        for row in told:
            assert row["received_at"] <= row["event_time"]
            assert row["received_at"] == received.get(row["rx_number"], row["received_at"])

    def test_only_rejected_claims_have_reject_codes(self, rows):
        for row in rows["pharmacy.dispense"]:
            assert bool(row["reject_codes"]) == (row["event_type"] == "CLAIM_REJECTED")

    def test_controlled_drugs_have_a_registered_prescriber(self, rows):
        for row in rows["pharmacy.dispense"]:
            assert (row["prescriber_dea"] is not None) == (row["dea_schedule"] != "NONE")

    def test_schedule_two_has_no_refills(self, rows):
        second = [r for r in rows["pharmacy.dispense"] if r["dea_schedule"] == "CII"]
        assert second
        assert {r["fill_number"] for r in second} == {0}

    def test_dates_are_in_order(self, rows):
        for row in rows["pharmacy.dispense"]:
            assert row["patient_dob"] < row["date_written"] <= row["date_of_service"]

    def test_one_in_a_hundred_is_late_by_hours(self, rows):
        events = rows["pharmacy.dispense"]
        late = [r for r in events if r["produced_at"] - r["event_time"] > HOUR]
        assert 0.004 < len(late) / len(events) < 0.02
        assert max(r["produced_at"] - r["event_time"] for r in late) <= 9 * HOUR

    def test_timestamps_are_the_times_of_production(self, rows):
        for row in rows["pharmacy.dispense"]:
            assert row["_timestamp"] == row["produced_at"].timestamp() * 1_000 // 1

    def test_the_day_has_peaks_at_eleven_and_seventeen(self, rows):
        zones = {r["pharmacy_ncpdp_id"]: r["time_zone"] for r in rows["pharmacy.ref.pharmacies"]}
        hours = defaultdict(int)
        for row in rows["pharmacy.dispense"]:
            if row["source_seq"] == 1:
                behind = BEHIND[zones[row["pharmacy_ncpdp_id"]]]
                hours[(row["event_time"] - behind * HOUR).hour] += 1
        assert min(hours[10], hours[11], hours[16], hours[17]) > hours[13] > hours[7] > hours[3]

    def test_events_happen_on_the_day(self, rows):
        start = datetime.datetime.fromtimestamp(DEFAULT_DAY * 86_400, datetime.UTC)
        for row in rows["pharmacy.dispense"]:
            assert start <= row["event_time"] < start + 48 * HOUR


class TestInventoryMovements:
    def test_stock_on_hand_is_the_sum_of_the_movements(self, rows):
        last = {}
        for row in sorted(rows["pharmacy.inventory"], key=lambda r: r["source_seq"]):
            place = row["pharmacy_ncpdp_id"], row["ndc"]
            if place in last:
                before, sequence = last[place]
                assert row["on_hand_after"] == before + row["quantity_delta"]
                assert row["source_seq"] == sequence + 1
            assert row["on_hand_after"] >= 0
            last[place] = row["on_hand_after"], row["source_seq"]

    def test_dispensing_refers_to_its_fill(self, rows):
        filled = {r["event_id"]: r for r in rows["pharmacy.dispense"]}
        moves = [r for r in rows["pharmacy.inventory"] if r["movement_type"] == "DISPENSE"]
        assert moves
        for move in moves:
            fill = filled[move["related_event_id"]]
            assert fill["ndc"] == move["ndc"]
            assert fill["quantity_dispensed"] == -move["quantity_delta"]

    def test_what_is_sent_to_another_store_arrives(self, rows):
        transfers = defaultdict(list)
        for row in rows["pharmacy.inventory"]:
            if row["transfer_id"]:
                transfers[row["transfer_id"]].append(row)
        assert transfers
        for out, in_ in transfers.values():
            kinds = [out["movement_type"], in_["movement_type"]]
            assert kinds == ["TRANSFER_OUT", "TRANSFER_IN"]
            assert out["quantity_delta"] == -in_["quantity_delta"]
            assert out["ndc"] == in_["ndc"]
            assert out["pharmacy_ncpdp_id"] != in_["pharmacy_ncpdp_id"]

    def test_the_cold_chain_is_measured(self, rows):
        temps = {r["storage_temp_c"] for r in rows["pharmacy.inventory"]} - {None}
        assert temps
        assert all(Decimal(2) <= t <= Decimal(8) for t in temps)


class TestPatientUpdates:
    def test_an_erased_patient_has_no_person(self, rows):
        erased = [r for r in rows["pharmacy.patients"] if r["op"] == "ERASE"]
        for row in erased:
            assert not row["last_name"]
            assert row.get("ssn") is None
            assert row["address_line1"] is None
            assert row["gdpr_subject"] or row["_schema_id"] == "4"

    def test_a_merge_names_another_survivor(self, rows):
        merged = [r for r in rows["pharmacy.patients"] if r["op"] == "MERGE"]
        assert merged
        assert all(r["surviving_patient_id"] not in (None, r["patient_id"]) for r in merged)

    def test_changes_become_true_before_they_are_told(self, rows):
        assert all(r["effective_at"] <= r["event_time"] for r in rows["pharmacy.patients"])


HOUR = datetime.timedelta(hours=1)
BEHIND = {
    "America/New_York": 4, "America/Chicago": 5, "America/Denver": 6, "America/Phoenix": 7,
    "America/Los_Angeles": 7,
}  # fmt: skip
