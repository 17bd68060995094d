"""Segment -> files: placed by date, deterministic, read back."""

import itertools
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.segments import DATASET, LAYOUTS, NOON, OWNER, raw_segment, rows
from transforms.lake import DatasetLayout
from transforms.lake.files import MAX_FILES, build_files, layout_of, small_tables
from transforms.lake.names import NO_DATE, SIDECAR, parse_data_key
from transforms.segment import Segment

FOOTER = {"lake_id": "lake-1"}


def segment_of(table: pa.Table, **more: pa.Table) -> Segment:
    count = table.num_rows
    return Segment(**{**vars(raw_segment(0, count)), "rows": {DATASET: table, **more}})


def built(table, layout=LAYOUTS[DATASET], small=None, **more):
    layouts = {DATASET: layout, **dict.fromkeys(more, LAYOUTS[DATASET])}
    return list(build_files(segment_of(table, **more), layouts, small or {}, FOOTER))


def folders(files) -> list[str]:
    return ["/".join(each.file.key.split("/")[2:-1]) for each in files]


def days(count: int) -> list[datetime]:
    return [NOON - timedelta(days=d) for d in range(count)]


def read(each) -> pa.Table:
    return pq.read_table(pa.BufferReader(each.body))


class TestDates:
    def test_rows_lie_under_the_date_of_their_event(self):
        times = [NOON, NOON + timedelta(hours=12), NOON + timedelta(hours=11, minutes=59)]
        files = built(rows(range(3), times))
        assert folders(files) == ["event_date=2026-01-31", "event_date=2026-02-01"]
        assert [read(each).column("_offset").to_pylist() for each in files] == [[0, 2], [1]]

    def test_rows_without_a_date_have_a_folder_of_their_own(self):
        files = built(rows(range(2), [None, NOON]))
        assert sorted(folders(files)) == [f"event_date={d}" for d in ("2026-01-31", NO_DATE)]
        assert {each.file.event_time is None for each in files} == {True, False}

    def test_dates_before_1970_are_dates_too(self):
        times = [datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]
        assert folders(built(rows([0], times))) == ["event_date=1969-12-31"]

    @pytest.mark.parametrize("micros", [-(2**63) + 1, 2**63 - 1])
    def test_a_date_that_no_calendar_has_counts_as_none(self, micros):
        wild = pa.array([micros], pa.timestamp("us", "UTC"))
        table = rows([0]).set_column(2, "at", wild)
        assert folders(built(table)) == [f"event_date={NO_DATE}"]

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_the_unit_of_the_event_time_does_not_matter(self, unit):
        table = rows([0])
        cast = table.set_column(2, "at", table.column("at").cast(pa.timestamp(unit, "UTC")))
        (file,) = built(cast)
        assert folders([file]) == ["event_date=2026-01-31"]
        micros = int(NOON.timestamp() * 1_000_000)
        assert file.file.event_time == (micros, micros)

    def test_sixteen_dates_make_sixteen_files(self):
        assert len(built(rows(range(MAX_FILES), days(MAX_FILES)))) == MAX_FILES

    def test_beyond_sixteen_the_oldest_dates_share_one_file(self):
        files = built(rows(range(40), days(40)))
        assert len(files) == MAX_FILES
        newest = {f"event_date={day:%Y-%m-%d}" for day in days(MAX_FILES - 1)}
        assert set(folders(files)) == {*newest, f"event_date={NO_DATE}"}
        shared = next(each for each in files if NO_DATE in each.file.key)
        assert read(shared).column("_offset").to_pylist() == list(range(15, 40))

    def test_a_sidecar_and_several_datasets_fit_into_sixteen_files_together(self):
        table = rows(range(40), days(40))
        files = built(table, small={"small": rows([1])}, second=table, third=table)
        assert len(files) <= MAX_FILES
        assert sum(each.file.rows for each in files if each.file.dataset != SIDECAR) == 120

    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.none() | st.integers(-400, 40), min_size=1, max_size=60))
    def test_every_row_is_in_one_file_and_files_are_in_offset_order(self, ages):
        times = [None if age is None else NOON - timedelta(days=age) for age in ages]
        files = built(rows(range(len(ages)), times))
        held = [read(each).column("_offset").to_pylist() for each in files]
        assert all(part == sorted(part) for part in held)
        assert sorted(o for part in held for o in part) == list(range(len(ages)))
        assert len(files) <= MAX_FILES


class TestSourceSystems:
    LAYOUT = DatasetLayout(event_time="at", source_systems=("pos", "web"))

    def table(self, systems):
        return rows(range(len(systems))).append_column("source_system", pa.array(systems))

    def test_only_the_listed_ones_make_folders(self):
        files = built(self.table(["pos", "../../evil", "web", None, "Pos"]), self.LAYOUT)
        held = {
            folder.split("source_system=")[1]: read(each).column("_offset").to_pylist()
            for folder, each in zip(folders(files), files, strict=True)
        }
        assert held == {"pos": [0], "web": [2], NO_DATE: [1, 3, 4]}

    def test_enums_are_compared_by_their_symbol(self):
        table = rows(range(2)).append_column(
            "source_system", pa.array(["web", "fax"]).dictionary_encode()
        )
        assert len(built(table, self.LAYOUT)) == 2

    def test_without_a_list_nothing_is_split(self):
        assert folders(built(self.table(["pos", "web"]))) == ["event_date=2026-01-31"]


class TestBytes:
    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.integers(0, 50), max_size=5))
    def test_they_do_not_depend_on_how_the_table_is_chunked(self, cuts):
        table = rows(range(50), [NOON - timedelta(days=o % 3) for o in range(50)])
        edges = [0, *sorted(cuts), 50]
        pieces = [table.slice(a, b - a) for a, b in itertools.pairwise(edges)]
        whole = built(table, small={"small": table})
        assert built(pa.concat_tables(pieces), small={"small": pa.concat_tables(pieces)}) == whole

    def test_they_hold_nothing_of_a_slices_neighbours(self):
        table = rows(range(50)).slice(10, 1)
        (file,) = built(table)
        assert b"row 10" in file.body
        assert b"row 11" not in file.body

    def test_a_sidecar_holds_nothing_of_a_slices_neighbours_either(self):
        whole, table = rows(range(50)), rows([0])
        sliced = built(table, small={"small": whole.slice(10, 1)})
        assert sliced == built(table, small={"small": rows([10])})

    def test_the_name_is_that_of_the_bytes_and_the_range(self):
        (file,) = built(rows(range(3)))
        name = parse_data_key(file.file.key)
        assert (name.owner, name.start, name.end) == (OWNER, 0, 3)
        assert file.file.sha256.startswith(name.digest)
        assert (file.file.rows, file.file.offsets, file.file.bytes) == (3, (0, 2), len(file.body))

    def test_the_footer_tells_where_the_rows_come_from(self):
        (file,) = built(rows([0]))
        metadata = read(file).schema.metadata
        assert metadata[b"pharmabeam.lake_id"] == b"lake-1"
        assert metadata[b"pharmabeam.dataset"] == DATASET.encode()

    def test_columns_that_repeat_have_a_dictionary_and_others_none(self):
        table = rows(range(100)).append_column("few", pa.array([1, 2] * 50))
        table = table.append_column("none", pa.nulls(100)).append_column("kinds", _some_of_each())
        (file,) = built(table)
        group = pq.ParquetFile(pa.BufferReader(file.body)).metadata.row_group(0)
        columns = [group.column(i) for i in range(group.num_columns)]
        encoded = {c.path_in_schema for c in columns if "RLE_DICTIONARY" in c.encodings}
        assert {"few", "_row"} <= encoded
        assert encoded.isdisjoint({"_offset", "text", "none"})
        assert read(file).column("kinds").to_pylist() == table.column("kinds").to_pylist()

    def test_statistics_are_of_numbers_and_times_alone(self):
        (file,) = built(rows(range(3)))
        group = pq.ParquetFile(pa.BufferReader(file.body)).metadata.row_group(0)
        columns = {c.path_in_schema: c for c in map(group.column, range(group.num_columns))}
        assert columns["_offset"].statistics.max == 2
        assert columns["at"].statistics.has_min_max
        assert columns["text"].statistics is None

    def test_the_repr_of_a_file_shows_no_bytes(self):
        (file,) = built(rows([0]))
        assert "PAR1" not in repr(file)


def _some_of_each() -> pa.Array:
    return pa.array([{"a": [True], "b": None}, None] * 50)


class TestSidecar:
    def test_its_tables_come_back_as_they_were(self):
        small = {"one": rows([1, 2]), "two": rows([3]).select(["text"]), "none": rows([])}
        *_, sidecar = built(rows(range(4)), small=small)
        back = small_tables(sidecar.body)
        assert back == {name: small[name] for name in ("one", "two")}
        assert sidecar.file.tables == {"one": 2, "two": 1}
        assert (sidecar.file.dataset, sidecar.file.offsets) == (SIDECAR, (0, 3))

    def test_empty_tables_make_no_file(self):
        assert built(rows([]), small={"none": rows([])}) == []


class TestLayout:
    def test_names_order_types_and_nulls_make_it(self):
        base = [pa.field("a", pa.int64()), pa.field("b", pa.string())]
        others = [
            base[::-1],
            base[:1],
            [pa.field("a", pa.int32()), base[1]],
            [pa.field("a", pa.int64(), nullable=False), base[1]],
        ]
        prints = {layout_of(pa.schema(fields)) for fields in [base, *others]}
        assert len(prints) == 5

    def test_it_is_that_of_the_file_when_read_back(self):
        table = rows([0]).append_column("tags", pa.array([[{"k": 1}]]))
        (file,) = built(table.append_column("kind", pa.array(["x"]).dictionary_encode()))
        assert layout_of(read(file).schema) == file.file.layout
