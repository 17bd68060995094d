"""From Avro messages through rules and references to a lake that proves its counts."""

from collections import Counter

import pytest

from tests.beam_pipelines.rules.pharmacy_lake import (
    DRUGS,
    EVENTS,
    ROOT,
    commit,
    drugs,
    events,
    judged,
)
from tests.fakes.object_store import FakeBucket
from transforms.lake import CommitChain
from transforms.lake.verify import verify_lake
from transforms.quality import load_rules
from transforms.references import References, loading, snapshot
from transforms.sql.functions.ndc import ndc11

RULES = """\
references:
  drug:
    dataset: drug_ref
    key: ndc11
    lookup: {dispense_event: ndc11(ndc)}
rules:
  - {id: R01, version: 1, dataset: dispense_event, severity: error, field: days_supply,
     expect: days_supply <= 30, message: Too long, owner: sales}
  - {id: R03, version: 1, dataset: dispense_event, severity: warn, field: ndc,
     expect: drug.ndc11 IS NOT NULL, message: Unknown drug, owner: sales}
  - {id: R11, version: 1, dataset: dispense_event, severity: warn, field: quantity_dispensed,
     expect: quantity_dispensed % drug.package_size = 0, message: Broken package, owner: sales}
  - {id: A01, version: 1, dataset: dispense_event, severity: alert, field: fill_number,
     expect: fill_number = 0, message: A refill, owner: sales}
"""


@pytest.fixture
def bucket(monkeypatch):
    made = FakeBucket()
    monkeypatch.setattr(loading, "ObjectStore", lambda root, _settings: made.store(root))
    return made


def trips_of(row, code, known):
    """What the rules say of a row, in plain Python."""
    tripped = {
        "R01": row["days_supply"] > 30,
        "R03": code not in known,
        "R11": code in known and row["quantity_dispensed"] % 7 != 0,
        "A01": row["fill_number"] != 0,
    }
    return {name for name, is_so in tripped.items() if is_so}


def test_rows_counts_and_dead_letters_agree_with_a_loop(bucket, tmp_path):
    table = events().rows["dispense_event"]
    codes = ndc11(table.column("ndc").combine_chunks()).to_pylist()
    known = sorted(set(codes))[::2]
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    rules = load_rules(tmp_path / "rules.yaml")
    commit(bucket, DRUGS, drugs(known))
    pinned = snapshot(bucket.store(), ["drug_ref"])
    references = References(rules.references, lake_root=ROOT, pinned=pinned)
    commit(bucket, EVENTS, judged(events(), rules, references))

    counts: dict[str, Counter[str]] = {}
    dead, warned = 0, Counter[str]()
    for row, code in zip(table.to_pylist(), codes, strict=True):
        trips = trips_of(row, code, known)
        for name in trips:
            source = row["source_system"] if row["source_system"] == "rxhub" else "other"
            counts.setdefault(name, Counter())[source] += 1
        dead += "R01" in trips
        warned.update(trips & {"R03", "R11"} if "R01" not in trips else ())
    tail = CommitChain(bucket.store(), EVENTS, "lake-1").reload()
    assert tail is not None
    assert tail.commit.rules == counts
    assert tail.commit.warnings == warned
    assert tail.commit.dispositions["dead_letter"] == {"R01": dead}
    assert min(dead, *warned.values()) > 0
    assert set(tail.commit.versions) >= {"rules.dispense_event", "references"}
    assert not verify_lake(bucket.store()).breaches
