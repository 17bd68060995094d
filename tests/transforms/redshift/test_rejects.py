"""Isolating what COPY refuses: files, then rows, with reasons and no values."""

import io
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.object_store import FakeBucket
from transforms.errors import (
    CopyDataError,
    PipelineError,
    WarehouseError,
    WarehouseUnavailableError,
)
from transforms.lake.commit import DataFile, digest
from transforms.redshift.layout import columns_of
from transforms.redshift.manifest import Manifests, document
from transforms.redshift.rejects import MAX_SEARCHED, UNFIT, isolate, takes_of, unfit

SCHEMA = pa.schema(
    [
        pa.field("_offset", pa.int64()),
        pa.field("_row", pa.int32()),
        pa.field("note", pa.string()),
        pa.field("at", pa.timestamp("us", "UTC")),
    ]
)
COLUMNS = columns_of(SCHEMA, {"note": 3})
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def rows(*notes: str | None, first: int = 0) -> pa.Table:
    count = len(notes)
    columns = [range(first, first + count), [0] * count, notes, [NOON] * count]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], SCHEMA)


class Place:
    """A lake with files, and a COPY that refuses some offsets."""

    def __init__(self, *tables: pa.Table, refuses=()):
        self.store = FakeBucket().store()
        self.refuses = set(refuses)
        self.tried = 0
        self.files = [self.put(f"data/{n}.parquet", table) for n, table in enumerate(tables)]

    def put(self, key: str, table: pa.Table) -> DataFile:
        sink = io.BytesIO()
        pq.write_table(table, sink)
        body = sink.getvalue()
        self.store.put(key, body)
        return DataFile(
            dataset="d",
            key=key,
            rows=table.num_rows,
            bytes=len(body),
            sha256=digest(body),
            offsets=(0, 0),
        )

    def offsets(self, source) -> list[int]:
        body = self.store.get(source.key)
        assert len(body) == source.bytes
        table = pq.read_table(pa.BufferReader(body))
        long = [len((note or "").encode()) > 3 for note in table.column("note").to_pylist()]
        found = table.column("_offset").to_pylist()
        self.refuses |= {offset for offset, is_long in zip(found, long, strict=True) if is_long}
        return found

    def attempt(self, sources) -> None:
        self.tried += 1
        if self.refuses.intersection([n for s in sources for n in self.offsets(s)]):
            raise CopyDataError("no")

    def isolate(self):
        manifests = Manifests(self.store, "w", "me")
        return isolate(self.store, manifests, self.files, COLUMNS, takes_of(self.attempt))


class TestUnfit:
    def test_lengths_are_bytes(self):
        assert unfit(rows("abc", "é", "éé", None), COLUMNS) == {2: "too_long:note"}

    def test_the_first_column_at_fault_is_named(self):
        early = pa.array([-(2**62)], pa.int64()).cast(pa.timestamp("us", "UTC"))
        table = rows("abc").set_column(3, SCHEMA.field(3), early)
        assert unfit(table, COLUMNS) == {0: "time_out_of_range:at"}
        assert unfit(rows("long").set_column(3, "at", early), COLUMNS) == {0: "too_long:note"}


class TestIsolate:
    def test_only_the_file_at_fault_is_replaced(self):
        place = Place(rows("a"), rows("b", "long", "c", first=1), rows("d", first=4))
        found = place.isolate()
        assert list(found) == ["data/1.parquet"]
        cleaned = found["data/1.parquet"]
        assert [(r.offset, r.row, r.reason) for r in cleaned.rejects] == [(2, 0, "too_long:note")]
        assert place.offsets(cleaned.source) == [1, 3]

    def test_rows_whose_fault_we_cannot_see_are_found_by_trying(self):
        place = Place(rows(*"abcdefgh"), refuses=[2, 6])
        (cleaned,) = place.isolate().values()
        assert [(r.offset, r.reason) for r in cleaned.rejects] == [(2, UNFIT), (6, UNFIT)]

    def test_a_file_with_no_row_that_fits_has_no_replacement(self):
        (cleaned,) = Place(rows("long", "longer")).isolate().values()
        assert cleaned.source is None
        assert len(cleaned.rejects) == 2

    def test_the_search_is_bounded(self):
        count = 40 * MAX_SEARCHED
        place = Place(rows(*["a"] * count), refuses=range(1, count))
        (cleaned,) = place.isolate().values()
        assert place.offsets(cleaned.source) == [0]
        assert len(cleaned.rejects) == count - 1
        assert place.tried < 20 * MAX_SEARCHED

    @pytest.mark.parametrize("notes", ["ab", ["a", "long", "b"]])
    def test_a_copy_that_takes_no_row_at_all_is_not_about_rows(self, notes):
        with pytest.raises(WarehouseError, match="refuses each of 2 rows"):
            Place(rows(*notes), refuses=[0, 1, 2]).isolate()

    def test_a_single_row_may_be_the_one_at_fault(self):
        (cleaned,) = Place(rows("a"), refuses=[0]).isolate().values()
        assert [r.reason for r in cleaned.rejects] == [UNFIT]

    def test_a_file_that_is_not_its_commits_is_no_matter_of_rows(self):
        place = Place(rows("long"))
        place.store.put(place.files[0].key, b"x" * place.files[0].bytes)
        manifests = Manifests(place.store, "w", "me")
        with pytest.raises(PipelineError, match="its SHA-256 differs"):
            isolate(place.store, manifests, place.files, COLUMNS, lambda sources: False)

    def test_an_outage_is_no_refusal(self):
        def attempt(sources):
            raise WarehouseUnavailableError("gone")

        with pytest.raises(WarehouseUnavailableError):
            takes_of(attempt)([])

    @given(st.lists(st.lists(st.sampled_from(["a", "long", "é", None]), min_size=1), max_size=4))
    def test_all_rows_are_either_loaded_or_rejected(self, notes):
        firsts = [sum(map(len, notes[:n])) for n in range(len(notes))]
        place = Place(*(rows(*each, first=a) for each, a in zip(notes, firsts, strict=True)))
        found = place.isolate()
        for file, each, first in zip(place.files, notes, firsts, strict=True):
            bad = [first + n for n, note in enumerate(each) if note == "long"]
            assert (file.key in found) == bool(bad)
            if bad:
                cleaned = found[file.key]
                kept = place.offsets(cleaned.source) if cleaned.source else []
                assert [r.offset for r in cleaned.rejects] == bad
                assert sorted([*kept, *bad]) == list(range(first, first + len(each)))


class TestManifests:
    def test_a_manifest_names_each_file_with_its_size(self):
        place = Place(rows("a"))
        address = Manifests(place.store, "w", "me").write("1-0", [place.files[0]])
        assert address == "s3://bucket/lake/_manifests/w/loads/me/1-0.json"
        size = place.files[0].bytes
        assert place.store.content["_manifests/w/loads/me/1-0.json"] == (
            b'{"entries":[{"url":"s3://bucket/lake/data/0.parquet","mandatory":true,'
            b'"meta":{"content_length":%d}}]}' % size
        )
        assert document("s3://b/l", []) == b'{"entries":[]}'

    def test_the_holder_of_the_lock_sweeps_loads_and_lets_young_tries_be(self, monkeypatch):
        store = Place().store
        dead, mine = Manifests(store, "w", "dead"), Manifests(store, "w", "me")
        dead.write("1-0", [])
        dead.write_try([])
        Manifests(store, "other", "o").write("1-0", [])
        for key in list(store.content):
            store.shared.times[store._prefix + key] = datetime.now(UTC)
        mine.sweep()
        assert set(store.content) == {
            "_manifests/w/tries/dead/try.json",
            "_manifests/other/loads/o/1-0.json",
        }
        store.shared.times.clear()  # A year old.
        mine.sweep()
        assert set(store.content) == {"_manifests/other/loads/o/1-0.json"}

    def test_a_loader_that_is_done_sweeps_its_own_alone(self):
        store = Place().store
        mine, other = Manifests(store, "w", "me"), Manifests(store, "w", "other")
        mine.write("1-0", [])
        mine.put_copy("x", b"")
        other.write("2-0", [])
        mine.sweep_own()
        assert set(store.content) == {"_manifests/w/loads/other/2-0.json"}
