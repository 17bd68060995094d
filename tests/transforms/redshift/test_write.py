"""``WriteToRedshift``: a batch is a sign, an outage an outcome."""

import pickle

import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from tests.fakes.lake import DATASET, TOPIC, segment
from transforms.errors import LakeMismatchError, WarehouseUnavailableError
from transforms.lake import CommitBatch
from transforms.redshift import (
    LoadOutcome,
    LoadPlan,
    LoadResult,
    RawTable,
    RedshiftSettings,
    WriteToRedshift,
    WriteToRedshiftConfig,
)
from transforms.redshift.write import make_loader, outcomes

ROWS = segment(0, 1).rows[DATASET].schema
CONFIG = WriteToRedshiftConfig(
    lake_root="s3://bucket/lake",
    plan=LoadPlan((RawTable(dataset=DATASET, topics=(TOPIC,), schema=ROWS),)),
    # Nobody listens there.
    redshift=RedshiftSettings(
        host="127.0.0.1", port=1, user="u", password="env:HOME", patience_s=0.0
    ),
)


class Loads:
    """A loader that loads once, then fails."""

    def __init__(self, error=None):
        self.error = error

    def load(self):
        yield LoadResult(1)
        if self.error is not None:
            raise self.error


def test_each_load_is_an_outcome():
    assert list(outcomes(Loads())) == [LoadOutcome(result=LoadResult(1))]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (WarehouseUnavailableError("it is away", "Wait"), "failed"),
        (LakeMismatchError("a fork", "Bring it back"), "refused"),
    ],
)
def test_a_failure_is_the_last_outcome(error, kind):
    *_, last = outcomes(Loads(error))
    assert last == LoadOutcome(failure=kind, reason=str(error))


def test_a_bug_is_no_outcome():
    with pytest.raises(ZeroDivisionError):
        list(outcomes(Loads(ZeroDivisionError())))


def test_the_configuration_travels_to_workers():
    assert pickle.loads(pickle.dumps(CONFIG)) == CONFIG
    assert make_loader(CONFIG).load()


def test_an_outage_does_not_end_the_pipeline():
    with TestPipeline() as pipeline:
        failures = (
            pipeline
            | beam.Create([CommitBatch(())])
            | WriteToRedshift(CONFIG)
            | beam.Map(lambda outcome: (outcome.failure, "broke" in outcome.reason))
        )
        assert_that(failures, equal_to([("failed", True)]))
