"""Each damage to a data file trips one rule, which names it."""

import hashlib
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.fakes.lake import segment
from tests.transforms.lake.verify.lakes import broken, recount
from transforms.lake.verify import verify_lake


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
        lake.change(2, lambda c: recount(c, "accepted", "", -1))
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


def _set(table: pa.Table, name: str, values) -> pa.Table:
    at = table.schema.get_field_index(name)
    field = table.schema.field(at)
    array = values if isinstance(values, pa.ChunkedArray) else pa.array(values)
    return table.set_column(at, field, array.cast(field.type))


def _times(commit):
    times = [f.event_time for f in commit.files if f.event_time]
    return min(t[0] for t in times), max(t[1] for t in times)
