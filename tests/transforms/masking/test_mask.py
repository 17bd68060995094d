import pickle
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.masking.masks import (
    DATASET,
    NOON,
    ROOT,
    mask_config,
    person,
    segment,
    table,
)
from transforms.errors import RefusedError, SecretError
from transforms.guard import guarded
from transforms.masking import POLICIES, MaskPlan, mask
from transforms.segment import DEAD_LETTER, join

PLANS = {policy: MaskPlan(mask_config(policy), ROOT) for policy in POLICIES}
CANARY = "Zebulon Quackenbush"

hostile = st.one_of(
    st.none(), st.sampled_from(["", " ", CANARY, "\x00", "\u202e", "٣", "a" * 300]), st.text()
)
people = st.lists(
    st.fixed_dictionaries(
        {
            "patient": hostile.map(lambda text: text or ""),
            "name": hostile,
            "born": st.none() | st.dates(),
            "died": st.none() | st.dates(),
            "served": st.none() | st.dates(),
            "zip": hostile,
            "country": st.sampled_from([None, "", "US", "DE"]),
            "badge": hostile,
            "codes": st.none() | st.lists(hostile, max_size=3),
        }
    ),
    min_size=1,
    max_size=12,
)


def numbered(changes):
    return [person(offset, **each) for offset, each in enumerate(changes)]


def listed(rows):
    """Rows with days as numbers: one that is shifted to before year 1 is no day to Python."""
    plain = [c.cast(pa.int32()) if pa.types.is_date32(c.type) else c for c in rows.columns]
    return pa.table(plain, names=rows.column_names).to_pylist()


class TestCuts:
    @settings(max_examples=40, deadline=None)
    @given(people, st.data(), st.sampled_from(POLICIES))
    def test_a_segment_masked_whole_equals_it_masked_in_pieces(self, changes, data, policy):
        whole = segment(numbered(changes))
        cut = data.draw(st.integers(0, len(changes)))
        pieces = [whole.slice(0, cut), whole.slice(cut, len(changes))]
        joined = join([mask(piece, PLANS[policy]) for piece in pieces])
        at_once = mask(whole, PLANS[policy])
        assert listed(joined.rows[DATASET]) == listed(at_once.rows[DATASET])
        assert joined.versions == at_once.versions

    @settings(max_examples=40, deadline=None)
    @given(people)
    def test_rows_and_their_order_stay_and_no_name_leaves(self, changes):
        masked = mask(segment(numbered(changes)), PLANS["pseudonymised"])
        masked.check()
        assert masked.rows[DATASET]["_offset"].to_pylist() == list(range(len(changes)))
        assert CANARY not in str(listed(masked.rows[DATASET]))


class TestRefusals:
    def test_a_dataset_without_masks_is_refused_by_name(self):
        given = segment([person(0)])
        with pytest.raises(RefusedError, match="dataset others has no masks"):
            mask(replace(given, rows={"others": given.rows[DATASET]}), PLANS["ops"])

    @pytest.mark.parametrize(
        "column", [pa.array([CANARY]), pa.array([[CANARY]]), pa.array([{"x": CANARY}])]
    )
    def test_a_refusal_names_the_column_and_no_value(self, column):
        extra = table([person(0, name=CANARY)]).append_column("note", column)
        with pytest.raises(RefusedError, match=r"visits\.note") as caught:
            PLANS["limited"].mask(DATASET, extra)
        assert CANARY not in repr(caught.value)
        assert caught.value.__cause__ is None

    def test_a_refused_segment_goes_on_with_the_failure_for_the_sink_to_stop_at(self):
        given = segment([person(0)])
        extra = given.rows[DATASET].append_column("note", pa.array([CANARY]))
        failed = guarded(
            lambda each: mask(each, PLANS["ops"]), replace(given, rows={DATASET: extra})
        )
        assert "has no class" in str(failed.failure)

    def test_text_that_is_no_utf_8_is_quarantined_without_a_word_of_it(self, caplog):
        broken = pa.array([b"\xff" + CANARY.encode()]).view(pa.string())
        given = segment([person(0)])
        rows = given.rows[DATASET].set_column(4, "patient", broken)
        done = guarded(
            lambda each: mask(each, PLANS["limited"]), replace(given, rows={DATASET: rows})
        )
        assert done.disposed["disposition"].to_pylist() == [DEAD_LETTER]
        assert CANARY not in caplog.text
        assert "ALARM" in caplog.text


class TestPlan:
    def test_it_is_never_pickled(self):
        with pytest.raises(TypeError, match="on the worker"):
            pickle.dumps(PLANS["limited"])

    def test_a_malformed_key_is_refused(self):
        with pytest.raises(SecretError, match="32 bytes"):
            MaskPlan(mask_config(), "short")

    def test_the_versions_of_the_segment_gain_the_masks(self):
        given = replace(segment([person(0)]), versions={"schema.visits": "1"})
        versions = mask(given, PLANS["ops"]).versions
        assert versions == {
            "schema.visits": "1",
            **PLANS["ops"].versions(DATASET),
        }

    def test_times_of_events_stay(self):
        assert mask(segment([person(0)]), PLANS["pseudonymised"]).rows[DATASET][
            "at"
        ].to_pylist() == [NOON]
