"""Functions to test with, in a module of their own, as workers need them."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.tables import Mapped


def upper(table: pa.Table) -> pa.Table:
    """Changes a column."""
    at = table.column_names.index("text")
    return table.set_column(at, "text", pc.utf8_upper(table.column("text")))


def with_length(table: pa.Table) -> pa.Table:
    """Adds a column."""
    return table.append_column("length", pc.utf8_length(table.column("text")))


def only_even(table: pa.Table) -> Mapped:
    """Leaves rows out, and says so."""
    odd = pc.equal(pc.bit_wise_and(table.column("_offset"), 1), 1)
    return Mapped(
        rows=table.filter(pc.invert(odd)),
        filtered={"odd": table.filter(odd).column("_offset").to_numpy()},
    )


def losing(table: pa.Table) -> pa.Table:
    """Leaves rows out, and doesn't say so."""
    return only_even(table).rows


def making_up(table: pa.Table) -> pa.Table:
    """Makes up a message."""
    at = table.column_names.index("_offset")
    shifted = pc.add(table.column("_offset"), 1_000)
    return table.set_column(at, table.schema.field("_offset"), shifted)


def twice(table: pa.Table) -> Mapped:
    """Gives a message two ends."""
    return Mapped(rows=table, filtered={"also": table.column("_offset").to_numpy()[:1]})


def without_lineage(table: pa.Table) -> pa.Table:
    """Drops what says where a row comes from."""
    return table.drop_columns(["_row"])


def doubled_backwards(table: pa.Table) -> pa.Table:
    """Makes two rows of each, last message first."""
    order = np.repeat(np.arange(table.num_rows)[::-1], 2)
    return table.take(pa.array(order))


def broken(table: pa.Table) -> pa.Table:
    """Fails on an empty table."""
    return table.slice(0, 1).append_column("first", [[table.column("text")[0].as_py()]])
