"""Loads of a lake into the stand-in: everything once, by name, bounded, and rejects apart."""

import pytest

from tests.loads import TABLE, wide

pytestmark = pytest.mark.warehouse


class TestAppend:
    def test_all_rows_arrive_once_with_their_values(self, loads):
        loads.lake.write(wide(0, 6), wide(6, 10))
        (result,) = loads.load()
        assert (result.load_id, result.loaded, result.rejected) == (1, 10, 0)
        assert loads.rows() == loads.accepted()
        columns = "_load_id, _topic, _offset, note, codes, price, number"
        found = loads.all(f"select {columns} from {{}}.{TABLE} where _offset = 3")
        assert [str(v) for v in found[0]] == ["1", "orders.v1", "3", "é3", '["a","b"]', "0.03", "3"]
