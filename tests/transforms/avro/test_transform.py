"""``EnforceSchema`` as a step of a pipeline."""

import pickle
from dataclasses import replace

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


class TestPatterns:
    """Contracts of topics that match a pattern."""

    def enforced(self, *contracts):
        step = _EnforceFn(EnforceSchemaConfig(contracts=contracts))
        step.setup()
        (made,) = step.process(raw_segment(0, 3))  # Of shop.events.
        return made

    def test_a_segment_is_taken_for_the_dataset_of_the_pattern_that_its_topic_matches(self):
        made = self.enforced(
            replace(CONTRACT, topic="other"),
            replace(CONTRACT, topic="", pattern=r"shop\..*", dataset="mine"),
        )
        assert made.failure is None
        assert "schema.mine" in made.versions

    def test_a_topic_of_two_contracts_stops_its_partition(self):
        made = self.enforced(CONTRACT, replace(CONTRACT, topic="", pattern="shop.*"))
        assert isinstance(made.failure, ConfigurationError)
        assert "the topic shop.events and the pattern shop.*" in str(made.failure)

    def test_a_topic_of_none_does_too_and_no_message_is_quarantined(self):
        made = self.enforced(replace(CONTRACT, topic="other"))
        assert isinstance(made.failure, ConfigurationError)
        assert made.disposed.num_rows == 0

    def test_display_data_show_patterns(self):
        config = EnforceSchemaConfig(contracts=[replace(CONTRACT, topic="", pattern="shop.*")])
        assert EnforceSchema(config).display_data() == {"shop.*": "drug_ref"}


def test_a_worker_gets_it_pickled_and_disposes_of_junk():
    step = pickle.loads(pickle.dumps(_EnforceFn(EnforceSchemaConfig(contracts=[CONTRACT]))))
    step.setup()
    (made,) = step.process(raw_segment(0, 3))
    assert made.disposed.num_rows == 3
    made.check()


def test_display_data_show_no_address_of_the_registry():
    config = EnforceSchemaConfig(contracts=[CONTRACT], registry="https://user:pw@host")
    assert "pw" not in str(EnforceSchema(config).display_data())
