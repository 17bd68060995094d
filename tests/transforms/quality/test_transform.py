"""``Validate`` as a step of a pipeline."""

import pickle

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from tests.transforms.quality.rows import DATASET, counted, order, segment
from tests.transforms.quality.test_validate import RULES, rule
from transforms.errors import ConfigurationError, SecretError, StoreUnavailableError
from transforms.quality import RuleSet, Validate, ValidateConfig
from transforms.quality.transform import _ValidateFn
from transforms.references import References, ReferenceSpec
from transforms.segment import Segment

SPEC = ReferenceSpec(dataset="drug_ref", key="ndc11", lookup={DATASET: "text"})


def config(**changed):
    values = {"rules": RuleSet(rules=RULES), "source_systems": {DATASET: ("web",)}, **changed}
    return ValidateConfig(**values)


def ends(made):
    return [(d["offset"], d["reason"]) for d in made.disposed.to_pylist()]


def test_it_is_one_step_and_counts_by_rule_and_source():
    whole = segment([order(0), order(1, amount=0), order(2, amount=7), order(3, amount=0)])
    pipeline = beam.Pipeline()
    made = (
        pipeline
        | beam.Create([whole], reshuffle=False).with_output_types(Segment)
        | "Validate" >> Validate(config())
    )
    assert_that(made | beam.Map(ends), equal_to([[(1, "E1"), (3, "E1")]]))
    assert counted(pipeline) == {"E1/web": 2, "A1/web": 1}


def test_the_worker_side_pickles_before_setup():
    step = pickle.loads(pickle.dumps(_ValidateFn(config())))
    step.setup()
    (made,) = step.process(segment([order(0, amount=0)]))
    assert ends(made) == [(0, "E1")]


def test_an_outage_while_references_load_stops_the_partition(monkeypatch):
    def away(self):
        raise StoreUnavailableError("S3 is away")

    monkeypatch.setattr(References, "_loaded", away)
    specs = {"drug": SPEC}
    rules = RuleSet(rules=(rule("W1", "warn", "drug.ndc11 IS NOT NULL"),), references=specs)
    step = _ValidateFn(config(rules=rules, references=References(specs)))
    step.setup()
    (made,) = step.process(segment([order(0)]))
    assert isinstance(made.failure, StoreUnavailableError)


def _no_key():
    raise SecretError("the environment variable LINK_KEY is not set")


def test_keys_of_links_are_resolved_on_the_worker():
    spec = ReferenceSpec(
        dataset="chart", key="link", lookup={DATASET: {"entity": "e", "of": ["text"]}}
    )
    references = References({"chart": spec}, link_keys=_no_key)
    rules = RuleSet(rules=RULES, references={"chart": spec})
    step = pickle.loads(pickle.dumps(_ValidateFn(config(rules=rules, references=references))))
    with pytest.raises(SecretError, match="LINK_KEY is not set"):
        step.setup()


def test_references_that_the_rules_declare_must_be_at_hand():
    rules = RuleSet(rules=RULES, references={"drug": SPEC})
    with pytest.raises(ConfigurationError, match="must hold drug"):
        config(rules=rules)
    assert config(rules=rules, references=References({"drug": SPEC}))


def test_display_data_count_the_rules():
    assert Validate(config()).display_data() == {DATASET: 5}
