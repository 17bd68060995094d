"""What the warehouse can't take becomes dead letters: COPY of what is left refuses nothing."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from beam_pipelines.produce.contracts import contract_of
from beam_pipelines.produce.faults.malformed import Sound
from beam_pipelines.produce.faults.patching import patched
from beam_pipelines.produce.versions import CURRENT_VERSION
from runners.local import Redshift
from tests.faults.lakes import Lake, dead_letters_of, rows_of
from tests.integration.small import LakeFactory, send
from tests.twisted import stream
from tests.warehouse import login_flags

pytestmark = pytest.mark.warehouse

DATASET = "dispense_event"
SCHEMA = "limits"
WAREHOUSE = "beam_pipelines.warehouse.cli:main"
#: A derived text of which nothing else in a row is as long, and one of a column that is dropped.
COLUMNS = {
    "pcn_twice": {"sql": "payer_pcn || payer_pcn", "class": "NONE"},
    "directions": {"sql": "left(sig_text, 40)", "class": "NONE"},
}
#: Its windows begin and end around the outermost times.
AGGREGATE = {
    "name": "seen", "dataset": DATASET, "time": "event_time", "window": "day",
    "dimensions": ["tenant_id"], "measures": {"n": {"count": ""}},
}  # fmt: skip
LENGTHS = {"tenant_id": 64, "payer_pcn": 32, "pcn_twice": 40, "directions": 60}
FIRST_DAY, LAST_DAY = -2_440_550, 106_762_939
LAST_US = 106_751_982 * 86_400_000_000 - 1
DAY_US = 86_400_000_000

#: What fits, if only just: the masks move times back by a year at most.
FITTING: tuple[Mapping[str, Any], ...] = (
    {"tenant_id": "é" * 32, "payer_pcn": "x" * 20, "reject_codes": ["y" * 65_535, "a\0b"]},
    {"rx_number": "7" * 5_000, "cardholder_id": "M\0" * 900, "patient_zip": "1" * 3_000},
    {"sig_text": "TAKE " * 14_000 + "\0"} | {"product_serial": "é" * 700},
    {"expiration_date": LAST_DAY, "picked_up_at": LAST_US},
    {"event_time": FIRST_DAY * DAY_US},
    {"event_time": LAST_US},
    {"expiration_date": FIRST_DAY, "promised_at": (FIRST_DAY + 366) * DAY_US},
)
#: By the column at fault: kept, kept, derived of kept and of dropped, nested, dates and times.
UNFIT: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("tenant_id", {"tenant_id": "é" * 32 + "x"}),
    ("payer_pcn", {"payer_pcn": "a\0b"}),
    ("pcn_twice", {"payer_pcn": "x" * 21}),
    ("directions", {"sig_text": "é" * 31}),
    ("reject_codes", {"reject_codes": ["75", "é" * 32_768]}),
    ("expiration_date", {"expiration_date": LAST_DAY + 1}),
    ("date_of_service", {"date_of_service": FIRST_DAY}),
    ("promised_at", {"promised_at": FIRST_DAY * DAY_US}),
    ("source_system", {"source_system": "s" * 1_025}),
)


def messages() -> tuple[list[bytes | None], list[str]]:
    """A stream with the producer's faults, then what fits and what doesn't; columns at fault."""
    told = [(m.value, sound) for m, sound in stream(3, 400) if m.topic == "pharmacy.dispense"]
    sound = next(
        Sound(value, contract_of(value), None)
        for value, is_sound in told
        if is_sound and value and contract_of(value).version == CURRENT_VERSION
    )
    fitting = [patched(sound, changes) for changes in FITTING]
    unfit = [patched(sound, changes) for _, changes in UNFIT]
    return [*(value for value, _ in told), *fitting, *unfit], [column for column, _ in UNFIT]


def drained(make_lake: LakeFactory, topic: str) -> Lake:
    """A lake of a topic, by the real job."""
    lake = make_lake(
        {"topic": topic, "dataset": DATASET},
        datasets={DATASET: {"columns": COLUMNS, "lengths": LENGTHS}},
        aggregates=[AGGREGATE],
        masking={
            "policy": "pseudonymised",
            "domain": "test",
            "fields": {DATASET: {"sig_text": "drop"}},
        },
    )
    assert lake.drain().code == 0
    return lake


def proven(lake: Lake, redshift: Redshift) -> list[str]:
    """Loads a lake; what the proof of the warehouse says."""
    flags = [f"--config={lake.config}", *login_flags(redshift, SCHEMA)]
    migrated = lake.launcher.launch(["migrate", *flags], main=WAREHOUSE).wait()
    assert migrated.code == 0, migrated
    loaded = lake.command(WAREHOUSE, "load", *flags)
    assert loaded.code == 0, loaded
    verified = lake.verify("--format=json", "--progress=off", *flags)
    assert verified.code == 0, verified
    notes: list[str] = orjson.loads(verified.out)["notes"]
    return notes


def test_copy_refuses_no_row_that_the_lake_accepts(kafka, make_lake, topic_factory, warehouse):
    topic = topic_factory(1)
    values, faults = messages()
    send(kafka, topic, values)

    lake = drained(make_lake, topic)

    letters = [x for commit in lake.commits() for x in dead_letters_of(lake.store, commit)]
    first = len(values) - len(faults)
    limited = {x["offset"]: x["reason"] for x in letters if x["reason"].startswith("DDL.")}
    assert limited == {n: f"DDL.{DATASET}.{name}" for n, name in enumerate(faults, first)}
    offsets = rows_of(lake.store, DATASET)["_offset"].to_pylist()
    assert set(range(first - len(FITTING), first)) <= set(offsets)
    assert len(offsets) > len(FITTING) + 100
    told = f"raw_{DATASET}: {len(offsets)} rows accepted, {len(offsets)} loaded, 0 rejected"
    assert told in proven(lake, warehouse.redshift)
    assert warehouse.count(f"{SCHEMA}.load_rejects") == 0
