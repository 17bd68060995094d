"""``EnforceSchema`` as a step of a pipeline."""

import pickle

import pytest

from schemas.catalog import packaged_dataset
from tests.transforms.segments import raw_segment
from transforms.avro import EnforceSchema, EnforceSchemaConfig, TopicContract
from transforms.avro.transform import _EnforceFn
from transforms.errors import ConfigurationError

CONTRACT = TopicContract(
    topic="shop.events", dataset="drug_ref", reader=packaged_dataset("drug_ref").reader
)


def test_no_topic_or_one_twice_is_refused():
    for contracts in ([], [CONTRACT, CONTRACT]):
        with pytest.raises(ConfigurationError, match="each topic once"):
            EnforceSchemaConfig(contracts=contracts)


def test_a_worker_gets_it_pickled_and_disposes_of_junk():
    step = pickle.loads(pickle.dumps(_EnforceFn(EnforceSchemaConfig(contracts=[CONTRACT]))))
    step.setup()
    (made,) = step.process(raw_segment(0, 3))
    assert made.disposed.num_rows == 3
    made.check()


def test_display_data_show_no_address_of_the_registry():
    config = EnforceSchemaConfig(contracts=[CONTRACT], registry="https://user:pw@host")
    assert "pw" not in str(EnforceSchema(config).display_data())
