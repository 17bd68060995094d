"""The exits: rows for everything else that Beam can do."""

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from tests.transforms.segments import DATASET, segment
from transforms.errors import ConfigurationError, StoreUnavailableError
from transforms.segment import Segment
from transforms.tables import ToRows, ToTables


def pipeline():
    return beam.Pipeline(runner="apache_beam.runners.portability.fn_api_runner.FnApiRunner")


def failed(of):
    return Segment(**{**vars(of), "failure": StoreUnavailableError("away")})


def test_tables_come_out_whole():
    with pipeline() as p:
        tables = (
            p
            | beam.Create([segment(0, 3), segment(3, 5), failed(segment(5, 9))])
            | ToTables(DATASET)
            | beam.Map(lambda table: table.num_rows)
        )
        assert_that(tables, equal_to([3, 2]))


def test_rows_come_out_typed_so_that_beam_can_group_them_by_name():
    with pipeline() as p:
        grouped = (
            p
            | beam.Create([segment(0, 3), segment(3, 5)])
            | ToRows(DATASET, {"_offset": int, "text": str})
            | beam.GroupBy(big=lambda row: row.offset > 1).aggregate_field("offset", sum, "total")
            | beam.Map(tuple)
        )
        assert_that(grouped, equal_to([(False, 1), (True, 9)]))


def test_a_dataset_that_a_segment_lacks_gives_nothing():
    with pipeline() as p:
        rows = p | beam.Create([segment(0, 3)]) | ToRows("another", {"_offset": int})
        assert_that(rows, equal_to([]))


def test_two_columns_that_would_have_one_name_are_refused():
    with pytest.raises(ConfigurationError, match="one name without the underscore"):
        ToRows("events", {"_offset": int, "offset": int})
