"""Rules in the commit, from the findings to the proof."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tests.fakes.lake import DATASET, FakeLake, segment
from transforms.lake.commit import SegmentCommit, parse_commit
from transforms.lake.verify import verify_lake
from transforms.lake.verify.contents import WARNINGS as VERIFIED_WARNINGS
from transforms.lake.writer import WARN, count_rules, count_warnings
from transforms.quality import WARNINGS, Severity
from transforms.segment import DEAD_LETTER, FINDINGS_SCHEMA

ROWS = {
    "offset": [1, 1, 2, 3, 4],
    "rule": ["E1", "W1", "W1", "W1", "A1"],
    "severity": ["error", "warn", "warn", "warn", "alert"],
    "source_system": ["web", "web", "web", "other", "web"],
}


def judged(rows_each=1, holes=()):
    """Offsets 0 to 5: 1 is rejected, 2 and 3 are warned of, 4 gives an alert."""
    made = segment(0, 6, rows_each=rows_each, holes=holes)
    table = made.rows[DATASET]
    texts = [
        "W1" if offset in (1, 2, 3) else None for offset in table.column("_offset").to_pylist()
    ]
    column = pa.array(texts, pa.string()).dictionary_encode()
    rows = {DATASET: table.append_column(WARNINGS, column)}
    made = replace(made, rows=rows, findings=pa.table(ROWS, schema=FINDINGS_SCHEMA))
    return made.dispose(DEAD_LETTER, np.array([1]), ["E1"], ["amount"])


@pytest.fixture
def lake():
    made = FakeLake()
    made.write(judged())
    return made


def breaches(lake):
    return dict(verify_lake(lake.store).breaches)


class TestCounting:
    def test_rules_are_counted_by_source_system_whatever_became_of_the_messages(self):
        assert count_rules(judged().findings) == {
            "E1": {"web": 1},
            "W1": {"web": 2, "other": 1},
            "A1": {"web": 1},
        }

    def test_warnings_are_counted_where_messages_are_accepted(self):
        assert count_warnings(judged()) == {"W1": 2}

    def test_without_findings_there_are_no_counts(self):
        assert (count_rules(segment(0, 3).findings), count_warnings(segment(0, 3))) == ({}, {})

    def test_the_names_that_are_repeated_are_the_same(self):
        assert Severity.WARN.value == WARN
        assert VERIFIED_WARNINGS == WARNINGS


class TestCommit:
    def test_the_counts_are_in_it_and_read_back(self, lake):
        commit = lake.commit(1)
        assert commit.rules["W1"] == {"web": 2, "other": 1}
        assert commit.warnings == {"W1": 2}
        assert parse_commit(commit.to_bytes(), commit.key) == commit

    def test_a_segment_without_rules_gives_the_bytes_it_always_gave(self):
        lake = FakeLake()
        lake.write(segment(0, 3))
        body = lake.store.content[lake.commit(1).key]
        assert b'"rules"' not in body
        assert b'"warnings"' not in body
        assert lake.commit(1).rules == {}

    def test_a_trimmed_segment_counts_what_is_left(self):
        lake = FakeLake()
        lake.write(judged().slice(0, 2))
        lake.write(judged())
        assert lake.commit(1).rules == {"E1": {"web": 1}, "W1": {"web": 1}}
        assert lake.commit(2).rules == {"W1": {"web": 1, "other": 1}, "A1": {"web": 1}}
        assert breaches(lake) == {}


class TestVerify:
    def test_true_counts_hold(self, lake):
        assert breaches(lake) == {}

    def test_messages_of_several_rows_count_once(self):
        lake = FakeLake()
        lake.write(judged(rows_each=3))
        assert breaches(lake) == {}

    @pytest.mark.parametrize(
        ("change", "rules"),
        [
            ({"warnings": {"W1": 1}}, {"rule-warnings": 1}),
            ({"warnings": {}}, {"rule-warnings": 1}),
            ({"warnings": {"W1": 2, "W2": 1}}, {"rule-warnings": 1, "rule-count": 1}),
            ({"rules": {"W1": {"web": 1}, "E1": {"web": 1}}}, {"rule-count": 1}),
            ({"rules": {"W1": {"web": 3}}}, {"rule-count": 1}),
            ({"rules": {"W1": {"web": 7}, "E1": {"web": 1}}}, {"rule-count": 1}),
            ({"rules": {}, "warnings": {}}, {"rule-warnings": 1, "rule-count": 1}),
        ],
    )
    def test_false_counts_are_found(self, change, rules, lake):
        def falsify(commit: SegmentCommit) -> SegmentCommit:
            return replace(commit, **change)

        lake.change(1, falsify)
        assert breaches(lake) == rules

    def test_a_row_that_lost_its_warning_is_found(self):
        lake = FakeLake()
        lake.write(judged(holes=[0]))  # which is of another day, and so of another file

        def bare(table):
            at = table.column_names.index(WARNINGS)
            none = pa.array([None] * table.num_rows, pa.string()).dictionary_encode()
            return table.set_column(at, WARNINGS, none)

        lake.change_rows(1, bare)
        assert breaches(lake)["rule-warnings"] == 1
