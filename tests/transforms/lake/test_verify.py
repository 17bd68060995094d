"""Each planted break trips one rule, which names it."""

import hashlib
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.lake import DATASET, DAY_MS, TOPIC, TOPIC_ID, FakeLake, segment
from tests.fakes.object_store import Fault
from transforms.errors import ConfigurationError, LakeMismatchError, StoreUnavailableError
from transforms.lake import PartitionId
from transforms.lake.verify import Report, VerifyOptions, verify_lake
from transforms.lake.verify.dispositions import LETTERS
from transforms.lake.verify.report import NAMED_PLACES
from transforms.quality import DEAD_LETTERS

OWNER = PartitionId(TOPIC, TOPIC_ID, 0)
MESSAGES = 60


@pytest.fixture
def lake() -> FakeLake:
    """Three segments on two days, with every disposition, holes and a gap."""
    made = FakeLake({0: 0, 1: 50})
    made.write(
        segment(0, 20, holes=[3], dead=[5, 7], filtered=[8, 9, 10]),
        segment(20, 45, gaps=[(20, 25)], parked=[30], filtered=[31]),
        segment(45, 60, rows_each=2),
        segment(50, 70, partition=1),
    )
    return made


def broken(lake: FakeLake, **options) -> dict[str, int]:
    """Returns the breaches by rule."""
    return dict(verify_lake(lake.store, VerifyOptions(**options)).breaches)


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


class TestChain:
    def test_a_deleted_genesis_is_named(self, lake):
        lake.store.plant(OWNER.commit_key(0), None)
        report = verify_lake(lake.store)
        assert dict(report.breaches) == {"genesis-missing": 1}
        assert report.places[0].key == OWNER.commit_key(0)

    def test_a_topic_without_the_chain_of_partition_0_has_no_genesis(self, lake):
        for seq in range(4):
            lake.store.plant(OWNER.commit_key(seq), None)
        assert broken(lake) == {"genesis-missing": 1}

    def test_a_genesis_that_contradicts_the_table_of_starts_is_named(self):
        made = FakeLake({0: 0, 1: 50})
        made.change(0, lambda c: replace(c, genesis={"how": "x", "starts": {"0": 0, "1": 49}}))
        assert broken(made) == {"genesis-start": 1}

    def test_a_genesis_without_table_is_named(self):
        made = FakeLake()
        made.change(0, lambda c: replace(c, genesis={"how": "x"}))
        assert broken(made) == {"genesis": 1}

    def test_a_second_genesis_in_the_middle_is_named(self, lake):
        lake.change(2, lambda c: replace(c, genesis={"how": "x"}))
        assert broken(lake) == {"genesis": 1}

    def test_a_missing_number_is_a_hole(self, lake):
        lake.store.plant(OWNER.commit_key(2), None)
        report = verify_lake(lake.store)
        assert dict(report.breaches) == {"hole": 1}
        assert (report.places[0].chain, report.places[0].seq) == (str(OWNER), 2)

    def test_a_wrong_prev_is_named(self, lake):
        lake.change(3, lambda c: replace(c, prev="0" * 64))
        assert broken(lake) == {"prev": 1}

    def test_a_changed_commit_is_noticed_by_the_next_one(self, lake):
        changed = replace(lake.commit(2), writer="another")
        lake.store.plant(OWNER.commit_key(2), changed.to_bytes())
        assert broken(lake) == {"prev": 1}

    def test_a_hole_between_ranges_is_named(self):
        made = FakeLake()
        made.write(segment(0, 10), segment(10, 20))
        made.change(1, lambda c: replace(c, start=0, end=9))
        assert "start" in broken(made)

    @pytest.mark.parametrize(("end", "kind"), [(5, "hole"), (15, "overlap")])
    def test_empty_ranges_that_do_not_adjoin_are_named(self, end, kind):
        made = FakeLake()
        made.write(segment(0, 10, holes=range(10)), segment(10, 20))
        made.change(1, lambda c: replace(c, end=end))
        report = verify_lake(made.store)
        assert dict(report.breaches) == {"start": 1}
        assert report.places[0].what.startswith(kind)

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            ({"lake_id": "lake-2"}, "lake-id"),
            ({"cluster_id": "cluster-2"}, "cluster-id"),
        ],
    )
    def test_a_commit_of_another_lake_or_cluster_is_named(self, lake, change, rule):
        lake.write(segment(60, 70, holes=range(60, 70)))
        lake.change(4, lambda c: replace(c, **change))
        assert broken(lake) == {rule: 1}

    @pytest.mark.parametrize("change", [{"topic": "other"}, {"partition": 7}, {"seq": 9}])
    def test_a_commit_of_another_place_is_named(self, lake, change):
        lake.write(segment(60, 70, holes=range(60, 70)))
        lake.change(4, lambda c: replace(c, **change))
        assert broken(lake) == {"owner": 1}

    @pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'{"format":99}', b"\xff"])
    def test_a_commit_that_can_not_be_read_is_named(self, lake, body):
        lake.store.plant(OWNER.commit_key(3), body)
        assert broken(lake) == {"commit-unreadable": 1}

    def test_a_commit_in_other_bytes_is_named(self, lake):
        lake.store.plant(OWNER.commit_key(3), lake.commit(3).to_bytes() + b" ")
        assert broken(lake) == {"commit-unreadable": 1}

    @pytest.mark.parametrize(
        "key",
        [
            "_commits/note.txt",
            f"_commits/{TOPIC}/{TOPIC_ID}/0/4.json",
            f"_commits/{TOPIC}/{TOPIC_ID}/00/{1:020d}.json",
            f"_commits/{TOPIC}/{TOPIC_ID}/x/{1:020d}.json",
            f"_commits/{TOPIC}/a/b/0/{0:020d}.json",
        ],
    )
    def test_a_foreign_key_among_the_commits_is_named(self, lake, key):
        lake.store.plant(key, b"{}")
        report = verify_lake(lake.store)
        assert dict(report.breaches) == {"foreign-key": 1}
        assert report.places[0].key == key

    def test_a_lake_without_manifest_is_broken(self, lake):
        lake.store.plant("_lake.json", None)
        assert broken(lake) == {"manifest": 1}

    def test_an_empty_prefix_is_no_lake(self, lake):
        with pytest.raises(LakeMismatchError):
            verify_lake(lake.bucket.store("s3://bucket/other"))


class TestFiles:
    def test_a_missing_file_is_named(self, lake):
        key = lake.data_file(1).key
        lake.store.plant(key, None)
        report = verify_lake(lake.store)
        assert dict(report.breaches) == {"missing": 1}
        assert (report.places[0].key, report.places[0].offsets) == (key, (0, 20))

    def test_a_flipped_byte_is_named(self, lake):
        key = lake.data_file(1).key
        body = bytearray(lake.store.content[key])
        body[len(body) // 2] ^= 1
        lake.store.plant(key, bytes(body))
        assert broken(lake) == {"sha256": 1}

    @pytest.mark.parametrize("sidecar", [False, True])
    def test_a_truncated_file_is_named(self, lake, sidecar):
        key = (lake.sidecar(1) if sidecar else lake.data_file(1)).key
        lake.store.plant(key, lake.store.content[key][:-1])
        assert broken(lake) == {"size": 1}

    def test_a_file_that_is_no_parquet_is_named(self, lake):
        old, body = lake.data_file(3), b"no parquet"
        sha256 = hashlib.sha256(body).hexdigest()
        key = old.key.replace(old.sha256[:16], sha256[:16])
        lake.store.plant(key, body)
        lake.change_file(3, old, key=key, sha256=sha256, bytes=len(body))
        assert broken(lake) == {"unreadable": 1}

    def test_an_extra_row_is_named(self, lake):
        extra = lambda t: pa.concat_tables([t, t.slice(t.num_rows - 1)])  # noqa: E731
        lake.change_rows(2, extra)
        found = broken(lake)
        assert found == {"rows": 1, "order": 1, "row-twice": 1}

    def test_a_row_twice_in_order_is_named_even_if_it_is_counted(self, lake):
        rows = lake.data_file(3).rows
        lake.change_rows(3, lambda t: pa.concat_tables([t, t.slice(0, 1)]), rows=rows + 1)
        assert broken(lake) == {"order": 1, "row-twice": 1}

    def test_a_dropped_row_is_named_even_if_the_counts_are_mended(self, lake):
        first = lake.data_file(2)
        middle = lambda t: pa.concat_tables([t.slice(0, 3), t.slice(4)])  # noqa: E731
        lake.change_rows(2, middle, rows=first.rows - 1)
        lake.change(2, lambda c: _recount(c, "accepted", "", -1))
        found = broken(lake)
        assert found == {"messages": 1}
        lake.change(2, lambda c: replace(c, messages=c.messages - 1))
        assert broken(lake) == {"offsets": 1}

    def test_a_row_of_another_place_is_named(self, lake):
        other = lambda t: _set(t, "_partition", [1] + [0] * (t.num_rows - 1))  # noqa: E731
        lake.change_rows(3, other)
        assert broken(lake) == {"row-outside": 1}

    def test_a_row_outside_the_range_is_named(self, lake):
        shifted = lambda t: _set(t, "_offset", pc.add(t["_offset"], 15))  # noqa: E731
        lake.change_rows(3, shifted)
        report = verify_lake(lake.store)
        assert report.breaches["row-outside"] == 1
        assert not report.holds

    def test_offsets_other_than_recorded_are_named(self, lake):
        old = lake.data_file(3)
        lake.change_file(3, old, offsets=(old.offsets[0], old.offsets[1] - 1))
        assert broken(lake) == {"file-offsets": 1}

    def test_event_times_other_than_recorded_are_named(self, lake):
        old = lake.data_file(1)
        lake.change_file(1, old, event_time=(old.event_time[0] - 1, old.event_time[1]))
        lake.change(1, lambda c: replace(c, event_time=_times(c)))
        assert broken(lake) == {"event-time": 1}

    def test_rows_under_another_date_are_named(self, lake):
        old = lake.data_file(3)
        key = old.key.replace("event_date=2026-01-31", "event_date=2026-01-30")
        lake.store.plant(key, lake.store.content[old.key])
        lake.change_file(3, old, key=key)
        assert broken(lake) == {"folder": 1}

    def test_another_layout_than_recorded_is_named(self, lake):
        lake.change_file(3, lake.data_file(3), layout="0" * 16)
        assert broken(lake) == {"layout": 1}

    def test_broker_times_outside_the_commit_are_named(self, lake):
        lake.change(3, lambda c: replace(c, broker_time=(c.broker_time[0] + 1, c.broker_time[1])))
        assert broken(lake) == {"broker-time": 1}

    def test_sidecar_tables_with_other_counts_are_named(self, lake):
        lake.change_file(1, lake.sidecar(1), tables={"dead_letters": 3})
        assert broken(lake) == {"sidecar-tables": 1}

    def test_a_file_named_twice_is_named(self, lake):
        lake.change(3, lambda c: replace(c, files=(*c.files, c.files[0])))
        assert broken(lake) == {"named-twice": 1, "row-twice": 1}

    def test_a_file_of_another_commit_is_named(self, lake):
        theirs = lake.data_file(2)
        lake.write(segment(60, 70, holes=range(60, 70)))
        lake.change(4, lambda c: replace(c, files=(theirs,), event_time=theirs.event_time))
        assert broken(lake) == {"named-twice": 1, "file-name": 1, "file-range": 1} | (
            {"row-outside": 1, "footer": 1, "broker-time": 1}
        )


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


def _set(table: pa.Table, name: str, values) -> pa.Table:
    at = table.schema.get_field_index(name)
    field = table.schema.field(at)
    array = values if isinstance(values, pa.ChunkedArray) else pa.array(values)
    return table.set_column(at, field, array.cast(field.type))


def _recount(commit, disposition, reason, by):
    counts = {name: dict(reasons) for name, reasons in commit.dispositions.items()}
    counts[disposition][reason] += by
    return replace(commit, dispositions=counts)


def _refilter(commit, runs):
    return replace(commit, filtered={**commit.filtered, **runs})


def _times(commit):
    times = [f.event_time for f in commit.files if f.event_time]
    return min(t[0] for t in times), max(t[1] for t in times)
