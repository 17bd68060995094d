"""Each false disposition trips one rule, which names it."""

from dataclasses import replace

from tests.transforms.lake.verify.lakes import broken
from transforms.lake.verify import verify_lake
from transforms.lake.verify.dispositions import LETTERS
from transforms.quality import DEAD_LETTERS


class TestDispositions:
    def test_filtered_offsets_that_are_accepted_too_are_named(self, lake):
        lake.change(1, lambda c: _refilter(c, {"reason_0": ((8, 9), (11, 12))}))
        report = verify_lake(lake.store)
        assert dict(report.breaches) == {"disjoint": 1}
        assert "first offset 11" in report.places[0].what

    def test_a_tampered_list_of_filtered_offsets_is_named(self, lake):
        lake.change(1, lambda c: _refilter(c, {"reason_0": ((3, 4), (10, 11))}))
        assert broken(lake) == {"offsets": 1}

    def test_a_filtered_offset_that_is_taken_off_the_list_is_named(self, lake):
        lake.change(1, lambda c: _refilter(c, {"reason_0": ((8, 9),)}))
        assert broken(lake) == {"filtered-count": 1}

    def test_filtered_runs_outside_the_range_are_named(self, lake):
        lake.change(1, lambda c: _refilter(c, {"reason_0": ((8, 9), (70, 71))}))
        assert broken(lake) == {"filtered-range": 1}

    def test_counts_by_reason_are_compared_with_the_dead_letters(self, lake):
        moved = {"accepted": {"": 14}, "dead_letter": {"reason_0": 1, "reason_1": 1}}
        lake.change(
            1,
            lambda c: replace(
                c, dispositions={**moved, "filtered": dict(c.dispositions["filtered"])}
            ),
        )
        assert broken(lake) == {"count": 2}

    def test_a_message_in_a_gap_is_named(self, lake):
        lake.change(3, lambda c: replace(c, gaps=((50, 51),)))
        assert broken(lake) == {"gap": 1}

    def test_a_gap_outside_the_range_is_named(self, lake):
        lake.change(3, lambda c: replace(c, gaps=((60, 61),)))
        assert broken(lake) == {"gap-range": 1}

    def test_an_unknown_disposition_is_named(self, lake):
        lake.change(3, lambda c: replace(c, dispositions={"lost": {"": c.messages}}))
        assert broken(lake) == {"disposition": 1}

    def test_the_dead_letters_table_has_one_name(self):
        assert LETTERS == DEAD_LETTERS


def _refilter(commit, runs):
    return replace(commit, filtered={**commit.filtered, **runs})
