"""A load of one small table, for tests that ask what is said of loads."""

from beam_pipelines.pharmacy.load_pipeline import LoadJob
from tests.fakes.lake import DATASET, TOPIC, segment
from transforms.redshift import LoadPlan, RawTable, RedshiftSettings


def one_table(redshift: RedshiftSettings | None = None) -> LoadJob:
    """A job that loads the dataset of the fake lake.

    Args:
        redshift: The warehouse; one that nobody asks by default.
    """
    rows = segment(0, 1).rows[DATASET].schema
    return LoadJob(
        lake_root="s3://bucket/lake",
        plan=LoadPlan((RawTable(dataset=DATASET, topics=(TOPIC,), schema=rows),)),
        redshift=redshift or RedshiftSettings(host="h", user="u", password="env:P"),
        run_id="run-1",
    )
