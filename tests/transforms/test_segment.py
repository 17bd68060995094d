"""The segment: cut, joined, disposed of, checked, encoded."""

import itertools
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from apache_beam.coders import registry
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.segments import DATASET, raw_segment, rows, segment, with_verdicts
from transforms.errors import ConfigurationError, PipelineError, SegmentError
from transforms.segment import (
    DEAD_LETTER,
    DISPOSED_SCHEMA,
    FILTERED,
    PARKED,
    Segment,
    SegmentCoder,
    clip,
    join,
)

END = 30


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    """Any segment of [0, END): holes, a gap at the start, some messages disposed of."""
    gap = draw(st.integers(0, 5))
    offsets = draw(st.sets(st.integers(gap, END - 1)))
    dead = draw(st.sets(st.sampled_from(range(END)), max_size=8))
    gone = draw(st.sets(st.sampled_from(range(END)), max_size=8)) - dead
    made = with_verdicts(raw_segment(0, END, sorted(offsets)), dead, gone)
    return replace(made, gaps=((0, gap),) if gap else (), versions={"schema.events": "1"})


def same(left: Segment, right: Segment) -> bool:
    """Equal in all that a segment holds."""
    mine, theirs = vars(left), vars(right)
    return {**mine, "rows": dict(left.rows)} == {**theirs, "rows": dict(right.rows)}


class TestSlice:
    @settings(max_examples=60, deadline=None)
    @given(segments(), st.lists(st.integers(0, END), max_size=4))
    def test_joining_any_cut_gives_the_whole(self, whole, cuts):
        edges = [0, *sorted(cuts), END]
        parts = [whole.slice(a, b) for a, b in itertools.pairwise(edges)]
        for part in parts:
            part.check()
        assert same(join(parts), whole)

    @settings(max_examples=60, deadline=None)
    @given(segments(), st.integers(0, END), st.integers(0, END))
    def test_a_cut_holds_what_lies_in_its_range_and_nothing_else(self, whole, one, other):
        start, end = sorted((one, other))
        part = whole.slice(start, end)
        wanted = [o for o in whole.offsets.tolist() if start <= o < end]
        assert part.offsets.tolist() == wanted
        assert part.accepted().tolist() == [o for o in whole.accepted().tolist() if o in wanted]
        assert part.rows[DATASET].column("_offset").to_pylist() == part.accepted().tolist()
        assert all(start <= a < b <= end for a, b in part.gaps)

    @pytest.mark.parametrize(("start", "end"), [(-1, 5), (0, END + 1), (6, 5)])
    def test_a_cut_outside_of_the_segment_is_refused(self, start, end):
        with pytest.raises(SegmentError, match="is not within"):
            segment(0, END).slice(start, end)

    def test_clipping_leaves_out_what_lies_outside(self):
        assert clip([(0, 5), (7, 9), (20, 30)], 3, 8) == ((3, 5), (7, 8))


class TestJoin:
    def test_parts_that_do_not_adjoin_are_refused(self):
        with pytest.raises(SegmentError, match="don't adjoin"):
            join([segment(0, 5), segment(6, 9)])

    def test_gaps_that_touch_become_one(self):
        left = replace(raw_segment(0, 5, []), gaps=((0, 5),))
        right = replace(raw_segment(5, 9, [8]), gaps=((5, 7),))
        assert join([left, right]).gaps == ((0, 7),)

    def test_a_dataset_that_only_one_part_has_is_kept(self):
        joined = join([raw_segment(0, 5), segment(5, 9)])
        assert joined.rows[DATASET] == rows(range(5, 9))

    def test_an_emptied_part_may_lack_the_columns_that_the_others_gained(self):
        bare = rows([]).select(["_offset", "_row"])
        emptied = replace(raw_segment(0, 5), rows={DATASET: bare})
        for parts in ([emptied, segment(5, 9)], [segment(5, 9), replace(emptied, start=9, end=9)]):
            assert join(parts).rows[DATASET] == rows(range(5, 9))


class TestDispose:
    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from([DEAD_LETTER, PARKED, FILTERED]), st.sets(st.integers(0, END - 1))
            ),
            max_size=5,
        )
    )
    def test_any_sequence_leaves_four_disjoint_sets_that_make_up_the_messages(self, sequence):
        made = segment(0, END)
        for disposition, offsets in sequence:
            chosen = np.array(sorted(offsets & set(made.accepted().tolist())), np.int64)
            made = made.dispose(disposition, chosen, ["why"] * len(chosen))
        made.check()
        gone = made.disposed.column("offset").to_pylist()
        assert gone == sorted(set(gone))
        assert sorted([*gone, *made.accepted().tolist()]) == list(range(END))
        assert made.rows[DATASET].column("_offset").to_pylist() == made.accepted().tolist()

    def test_all_rows_of_a_message_go_in_every_dataset(self):
        made = replace(segment(0, 3), rows={"a": rows([0, 1, 1, 2]), "b": rows([1])})
        left = made.dispose(DEAD_LETTER, np.array([1]), ["why"])
        held = {name: table.column("_offset").to_pylist() for name, table in left.rows.items()}
        assert held == {"a": [0, 2], "b": []}

    def test_reason_field_and_schema_id_are_kept_with_their_offset(self):
        made = segment(0, 9)
        made = made.dispose(DEAD_LETTER, np.array([7, 2]), ["x", "y"], ["f", ""], ["1", None])
        assert made.disposed.schema == DISPOSED_SCHEMA
        assert [tuple(row.values()) for row in made.disposed.to_pylist()] == [
            (2, DEAD_LETTER, "y", "", None),
            (7, DEAD_LETTER, "x", "f", "1"),
        ]

    def test_nothing_to_dispose_of_changes_nothing(self):
        made = segment(0, 3)
        assert made.dispose(FILTERED, np.array([], np.int64), []) is made


class TestCheck:
    def test_a_sound_segment_passes(self):
        with_verdicts(raw_segment(0, 9), dead=[1], gone=[2]).check()

    @pytest.mark.parametrize("offsets", [[2, 1], [1, 1], [-1, 2], [1, 9]])
    def test_messages_out_of_order_or_range_are_found(self, offsets):
        with pytest.raises(SegmentError, match="out of order or range"):
            replace(raw_segment(0, 9, offsets), rows={DATASET: rows(offsets)}).check()

    @pytest.mark.parametrize("offsets", [[3, 3], [8]])
    def test_a_message_disposed_of_twice_or_never_read_is_found(self, offsets):
        made = segment(0, 8).dispose(DEAD_LETTER, np.array(offsets), ["why"] * len(offsets))
        with pytest.raises(SegmentError, match="disposed of twice, or was never read"):
            made.check()

    @pytest.mark.parametrize(
        ("held", "found"),
        [
            ([0, 1], "1 accepted messages have no row"),
            ([0, 1, 2, 3], "and 1 others have one"),
        ],
    )
    def test_rows_that_are_missing_or_too_many_are_counted(self, held, found):
        with pytest.raises(SegmentError, match=found):
            replace(raw_segment(0, 4, range(3)), rows={DATASET: rows(held)}).check()

    def test_messages_without_any_row_are_found(self):
        with pytest.raises(SegmentError, match="4 accepted messages"):
            raw_segment(0, 4).check()

    def test_a_filtered_message_that_kept_its_row_is_found(self):
        made = with_verdicts(raw_segment(0, 4), gone=[2])
        with pytest.raises(SegmentError, match="1 others have one"):
            replace(made, rows={DATASET: rows(range(4))}).check()


class TestCoder:
    coder = SegmentCoder()

    @settings(max_examples=40, deadline=None)
    @given(segments())
    def test_a_segment_comes_back_as_it_was(self, made):
        back = self.coder.decode(self.coder.encode(made))
        assert same(back, made)
        back.check()

    @pytest.mark.parametrize(
        "failure", [PipelineError("what", "remedy"), ConfigurationError("what", "remedy")]
    )
    def test_a_failure_comes_back_as_what_it_was(self, failure):
        back = self.coder.decode(self.coder.encode(replace(segment(0, 1), failure=failure)))
        assert type(back.failure) is type(failure)
        assert str(back.failure) == "what. remedy"

    def test_a_slice_is_encoded_without_its_parents_rows(self):
        encoded = self.coder.encode(segment(0, 5_000).slice(7, 8))
        assert b"value-7" in encoded
        assert b"value-100" not in encoded
        assert len(encoded) < 5_000

    def test_the_size_is_estimated_without_encoding(self, monkeypatch):
        monkeypatch.setattr(SegmentCoder, "encode", None)
        made = segment(0, 100)
        tables = (made.messages, made.disposed, *made.rows.values())
        assert self.coder.estimate_size(made) == sum(table.nbytes for table in tables)
        assert self.coder.estimate_size(made) > 100 * len("value-0")

    def test_beam_finds_it_by_the_type(self):
        assert isinstance(registry.get_coder(Segment), SegmentCoder)
        assert not self.coder.is_deterministic()


def test_neither_text_nor_repr_shows_a_value():
    made = with_verdicts(raw_segment(3, 9), dead=[4])
    assert repr(made) == str(made) == f"{made} {made}".split(" s")[0] == "shop.events[0] 3-9"


def test_offsets_are_taken_from_chunked_tables_too():
    parts = [raw_segment(0, 3).messages, raw_segment(3, 6).messages]
    made = replace(raw_segment(0, 6), messages=pa.concat_tables(parts))
    assert made.offsets.tolist() == list(range(6))
