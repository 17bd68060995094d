"""What a sound lake gives, and what the options leave out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.lake import DATASET, DAY_MS, TOPIC_ID, FakeLake, segment
from tests.fakes.object_store import Fault
from tests.transforms.lake.verify.lakes import OWNER, broken
from transforms.errors import ConfigurationError, StoreUnavailableError
from transforms.lake.verify import Report, VerifyOptions, verify_lake
from transforms.lake.verify.report import NAMED_PLACES


class TestSoundLake:
    def test_a_sound_lake_holds_and_is_counted(self, lake):
        report = verify_lake(lake.store)
        assert report.holds
        assert report.places == []
        assert (report.chains, report.commits) == (2, 6)
        assert report.messages == 19 + 20 + 15 + 20
        assert report.dispositions == {
            "accepted": 14 + 18 + 15 + 20,
            "dead_letter": 2,
            "filtered": 4,
            "parked": 1,
        }
        assert report.rows == 14 + 18 + 30 + 20
        assert report.files == report.files_read == 7
        assert report.gap_offsets == 5
        assert report.unnamed_files == 0

    def test_verification_writes_nothing(self, lake):
        before = lake.store.content
        lake.store.calls.clear()
        verify_lake(lake.store)
        assert lake.store.content == before
        assert set(lake.store.calls) == {"get_object", "list_objects_v2"}

    def test_orphans_are_counted_and_no_breach(self, lake):
        file = lake.data_file(1)
        lake.store.plant(file.key.replace(".0-20.", ".0-19."), b"x" * 7)
        report = verify_lake(lake.store)
        assert report.holds
        assert (report.unnamed_files, report.unnamed_bytes) == (1, 7)

    def test_a_partition_that_came_later_may_start_anywhere(self, lake):
        lake.begin(TOPIC_ID, {0: 0, 1: 50, 2: 12})
        assert broken(lake) == {}

    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(st.data())
    def test_whatever_the_writer_writes_holds(self, data):
        made = FakeLake()
        ends = data.draw(st.lists(st.integers(0, 40), max_size=4).map(sorted))
        for start, end in zip([0, *ends], ends, strict=False):
            names = st.sampled_from(["holes", "dead", "parked", "filtered", "rows"])
            drawn = data.draw(st.lists(names, min_size=end - start, max_size=end - start))
            sets = {
                name: [start + at for at, each in enumerate(drawn) if each == name]
                for name in ("holes", "dead", "parked", "filtered")
            }
            made.write(segment(start, end, rows_each=data.draw(st.integers(1, 3)), **sets))
        report = verify_lake(made.store)
        assert report.holds, report.places
        assert report.messages == sum(report.dispositions.values())


class TestOptions:
    def test_metadata_only_reads_no_file_and_finds_what_is_missing(self, lake):
        key = lake.data_file(1).key
        lake.store.plant(key, None)
        longer = lake.data_file(2).key
        lake.store.plant(longer, lake.store.content[longer] + b"x")
        assert broken(lake, metadata_only=True) == {"missing": 1, "size": 1}
        assert not [k for op, k in lake.store.keys if op == "get_object" and "data/" in k]

    def test_a_file_younger_than_the_listing_is_asked_for(self, lake):
        file = lake.data_file(3)
        body = lake.store.content[file.key]
        lake.store.plant(file.key, None)
        lake.store.before(lambda: lake.store.plant(file.key, body), "head_object", key=file.key)
        assert broken(lake, metadata_only=True) == {}

    def test_since_reads_the_files_of_younger_commits_only(self, lake):
        report = verify_lake(lake.store, VerifyOptions(since_ms=DAY_MS + 45))
        assert report.holds
        assert report.rows == 30 + 20
        assert report.commits == 6

    def test_a_sample_is_the_same_share_every_time(self, lake):
        def read(share: float) -> Report:
            return verify_lake(lake.store, VerifyOptions(sample=share))

        assert read(0).files_read == 0
        assert read(1).files_read == 7
        assert read(0.5).files_read == read(0.5).files_read

    def test_a_share_above_1_is_refused(self):
        with pytest.raises(ConfigurationError, match="sample"):
            VerifyOptions(sample=1.5)

    def test_all_breaches_are_counted_and_the_first_are_named(self, lake):
        for n in range(NAMED_PLACES + 5):
            lake.store.plant(f"_commits/{n}", b"")
        report = verify_lake(lake.store)
        assert report.breaches["foreign-key"] == NAMED_PLACES + 5
        assert len(report.places) == NAMED_PLACES

    def test_progress_is_told_after_each_commit(self, lake):
        seen: list[int] = []
        verify_lake(lake.store, progress=lambda report: seen.append(report.commits))
        assert len(seen) == 6

    def test_an_outage_is_no_verdict(self, lake):
        lake.store.fail(Fault.LOST_REQUEST, "get_object", key="data/", times=1000)
        with pytest.raises(StoreUnavailableError):
            verify_lake(lake.store)

    def test_no_value_of_a_row_is_in_a_breach(self, lake):
        lake.store.plant(lake.data_file(1).key, None)
        place = verify_lake(lake.store).places[0]
        assert str(place).startswith("missing: ")
        assert f"{OWNER}, commit 1, offsets 0-20, data/{DATASET}/" in str(place)
