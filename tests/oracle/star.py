"""The star schema of the packaged configuration, in plain Python, from the rows of the lake.

Nothing is read from ``star.yaml``: what each table must be is written down here once more.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from tests.oracle.moments import plain

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]

EVER: Final = plain(datetime.fromisoformat("0001-01-01T00:00:00+00:00"))
NEVER: Final = plain(datetime.fromisoformat("9999-12-31T00:00:00+00:00"))

#: What makes a version of a patient; names and the like aren't in a lake of pseudonyms.
TRACKED: Final = (
    *("op", "surviving_patient_link", "birth_date", "death_date", "deceased", "gender", "state"),
    *("postal_code", "country", "plan_id", "payer_bin", "primary_pharmacy_ncpdp_id"),
    *("primary_prescriber_npi", "preferred_language", "gdpr_subject"),
)
LATEST: Final = (*("patient_id", "consent_marketing", "consent_research", "sync_enrolled"),)
PHARMACY: Final = (
    *("npi", "name", "store_number", "city", "state", "postal_code", "time_zone", "open_24h"),
    *("dispenser_class", "active", "effective_from"),
)
DRUG: Final = (
    *("ndc12", "gtin", "proprietary_name", "nonproprietary_name", "labeler", "dosage_form"),
    *("route", "strength", "package_size", "unit_of_measure", "rxcui", "gpi14", "atc"),
    *("dea_schedule", "multi_source_code", "te_code", "rx_otc", "max_daily_dose", "mme_factor"),
    *("refrigerated", "awp_unit", "nadac_unit", "marketing_start", "marketing_end"),
    "effective_from",
)
PRESCRIBER: Final = (
    *("last_name", "first_name", "taxonomy_code", "state", "dea_expires", "npi_deactivated_on"),
    *("oig_excluded", "effective_from"),
)
FILL: Final = (
    *("event_time", "event_type", "source_system", "tenant_id", "pharmacy_ncpdp_id"),
    *("store_time_zone", "rx_number", "fill_number", "refills_authorized", "patient_link"),
    *("patient_id", "patient_gender", "patient_zip", "age_at_service", "prescriber_npi"),
    *("payer_key", "payment_type", "ndc11", "prescribed_ndc", "generic_substitution"),
    *("dea_schedule", "daw_code", "days_supply", "quantity_dispensed", "quantity_prescribed"),
    *("unit_of_measure", "ingredient_cost", "dispensing_fee", "usual_and_customary"),
    *("patient_pay", "total_paid"),
)
MILESTONES: Final = {
    "received_at": {"RX_RECEIVED"},
    "entered_at": {"DATA_ENTERED"},
    "paid_at": {"CLAIM_PAID"},
    "filled_at": {"FILLED", "PARTIALLY_FILLED"},
    "verified_at": {"VERIFIED"},
    "ready_at": {"READY"},
    "picked_up_at": {"DISPENSED"},
    "returned_at": {"RETURN_TO_STOCK"},
    "reversed_at": {"REVERSED"},
    "cancelled_at": {"CANCELLED"},
}
CLAIM: Final = (
    *("event_time", "event_type", "fill_key", "pharmacy_ncpdp_id", "store_time_zone"),
    *("patient_link", "prescriber_npi", "payer_key", "payment_type", "ndc11"),
    *("reject_code_list", "ingredient_cost", "dispensing_fee", "patient_pay", "total_paid"),
)
MOVEMENT: Final = (
    *("event_time", "source_seq", "movement_type", "pharmacy_ncpdp_id", "ndc11"),
    *("unit_of_measure", "quantity_delta", "on_hand_after", "counted_quantity", "unit_cost"),
    *("lot_number", "expiration_date", "reason_code", "transfer_id", "related_event_id"),
)


def star(rows: Rows) -> dict[str, list[Row]]:
    """What each table of the star must hold, by dataset the lake's rows; times are whole numbers.

    Args:
        rows: Dataset -> its rows, lineage included.
    """
    fills, moves = rows["dispense_event"], rows["inventory_movement"]
    patients = list(_patients(rows["patient_update"], fills))
    stores = [*_values(fills, "pharmacy_ncpdp_id"), *_values(moves, "pharmacy_ncpdp_id")]
    drugs = [*_values(fills, "ndc11"), *_values(moves, "ndc11")]
    prescribers = _values(fills, "prescriber_npi")
    dated = ("effective_from",)
    return {
        "dim_date": list(_days(date(2015, 1, 1), date(2044, 12, 31))),
        "dim_patient": patients,
        "dim_pharmacy": list(
            _members(rows["pharmacy_ref"], "pharmacy_ncpdp_id", dated, PHARMACY, stores)
        ),
        "dim_drug": list(_members(rows["drug_ref"], "ndc11", dated, DRUG, drugs)),
        "dim_prescriber": list(
            _members(rows["prescriber_ref"], "npi", dated, PRESCRIBER, prescribers)
        ),
        "dim_payer": list(_payers(fills)),
        "fact_dispense": list(_fills(fills, patients)),
        "fact_claim": list(_claims(fills, patients)),
        "fact_inventory": [
            {"event_id": key, **_part(row, MOVEMENT)}
            for key, row in _newest(moves, "event_id", ("event_time", "source_seq")).items()
        ],
    }


def _values(rows: Iterable[Row], name: str) -> list[Any]:
    return [row[name] for row in rows if row[name] is not None]


def _part(row: Row, names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _newest(rows: Iterable[Row], key: str, order: Sequence[str]) -> dict[Any, Row]:
    """The last row of each key; where the order leaves a tie, the one that came last."""
    names = (*order, "_timestamp", "_partition", "_offset")
    found: dict[Any, Row] = {}
    for row in sorted(rows, key=lambda row: [row[name] for name in names]):
        if row[key] is not None:
            found[row[key]] = row
    return found


def _patients(changes: Sequence[Row], fills: Sequence[Row]) -> Iterator[Row]:
    by_link: dict[int, list[Row]] = {link: [] for link in _values(fills, "patient_link")}
    for row in changes:
        if row["patient_link"] is not None:
            by_link.setdefault(row["patient_link"], []).append(row)
    for link, mine in by_link.items():
        yield from _versions(link, mine)


def _versions(link: int, changes: list[Row]) -> Iterator[Row]:
    erasures = [row["effective_at"] for row in changes if row["op"] == "ERASE"]
    changes = [row for row in changes if not erasures or row["effective_at"] >= max(erasures)]
    order = ("effective_at", "source_seq", "event_id")
    at = _newest(changes, "effective_at", order)
    newest = _newest(changes, "patient_link", order).get(link)
    latest = dict.fromkeys(LATEST) if newest is None else _part(newest, LATEST)
    told: list[tuple[int, int, dict[str, Any]]] = []
    for moment in sorted(at):
        row = at[moment]
        says = _part(row, TRACKED)
        if row["op"] in ("DELETE", "ERASE"):
            says = {**dict.fromkeys(TRACKED), "op": row["op"]}
        if not told or told[-1][2] != says:
            told.append((moment, row["patient_version"], says))
    begins = [EVER, *(moment for moment, _, _ in told), NEVER]
    unknown = (EVER, link, dict.fromkeys(TRACKED))
    for index, (moment, version, says) in enumerate([unknown, *told]):
        yield {
            "patient_key": version,
            "patient_link": link,
            "valid_from": moment,
            "valid_to": begins[index + 1],
            "is_current": index == len(told),
            "is_inferred": index == 0,
            **says,
            **latest,
        }


def _members(
    rows: Sequence[Row], key: str, order: Sequence[str], names: Sequence[str], seen: Sequence[Any]
) -> Iterator[Row]:
    newest = _newest(rows, key, order)
    for member, row in newest.items():
        yield {key: member, **_part(row, names), "is_inferred": False}
    for member in set(seen) - set(newest):
        yield {key: member, **dict.fromkeys(names), "is_inferred": True}


def _payers(fills: Sequence[Row]) -> Iterator[Row]:
    names = ("payer_key", "payer_bin", "payment_type")
    for values in {tuple(row[name] for name in names) for row in fills}:
        if values[0] is not None:
            yield dict(zip(names, values, strict=True))


def _bound(patients: Sequence[Row]) -> Callable[[int | None, int], int | None]:
    by_link: dict[int, list[Row]] = {}
    for row in patients:
        by_link.setdefault(row["patient_link"], []).append(row)

    def version(link: int | None, moment: int) -> int | None:
        if link is None:
            return None
        (found,) = (v for v in by_link[link] if v["valid_from"] <= moment < v["valid_to"])
        key: int = found["patient_key"]
        return key

    return version


def _fills(fills: Sequence[Row], patients: Sequence[Row]) -> Iterator[Row]:
    version = _bound(patients)
    reached: dict[int, dict[str, int]] = {}
    for row in fills:
        for name, types in MILESTONES.items():
            if row["event_type"] in types:
                mine = reached.setdefault(row["fill_key"], {})
                mine[name] = min(row["event_time"], mine.get(name, row["event_time"]))
    order = ("event_time", "source_seq", "event_id")
    for key, row in _newest(fills, "fill_key", order).items():
        marks = {**dict.fromkeys(MILESTONES), **reached.get(key, {})}
        moment = row["event_time"] if marks["filled_at"] is None else marks["filled_at"]
        bound = version(row["patient_link"], moment)
        yield {"fill_key": key, **_part(row, FILL), **marks, "patient_key": bound}


def _claims(fills: Sequence[Row], patients: Sequence[Row]) -> Iterator[Row]:
    version = _bound(patients)
    answers = [row for row in fills if row["event_type"] in ("CLAIM_PAID", "CLAIM_REJECTED")]
    for key, row in _newest(answers, "event_id", ("event_time", "source_seq")).items():
        bound = version(row["patient_link"], row["event_time"])
        yield {"event_id": key, **_part(row, CLAIM), "patient_key": bound}


def _days(first: date, last: date) -> Iterator[Row]:
    for number in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(number)
        yield {
            "calendar_date": plain(day),
            "calendar_year": day.year,
            "calendar_quarter": (day.month + 2) // 3,
            "calendar_month": day.month,
            "month_name": f"{day:%b}",
            "iso_week": day.isocalendar().week,
            "day_of_month": day.day,
            "day_name": f"{day:%a}",
            "is_weekend": day.isoweekday() > 5,
        }
