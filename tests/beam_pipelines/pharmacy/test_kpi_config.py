"""What a configuration may say of live figures, and what is refused with its key."""

import pytest

from beam_pipelines.pharmacy.config import load_config
from transforms.errors import ConfigurationError


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["kpi.topic=a topic"], "kpi.topic"),
        (["kpi.topic=pharmacy.dispense"], "kpi.topic is pharmacy.dispense, which is read"),
        (["kpi.topic=kpi", "aggregates=[]"], "kpi.topic needs an aggregate"),
        (["kpi.early_s=0"], "kpi.early_s"),
        (["kpi.colour=red"], "kpi.colour: is not a known key"),
        (["kpi.since=2026-03-01T00:00:00"], "kpi.since"),
        (["kpi.sliding={other: []}"], "kpi.sliding names other, which is no aggregate"),
        (
            ["kpi.sliding={fills_per_store: [{size_s: 100, every_s: 50}]}"],
            "don't slide over those of the aggregate fills_per_store, which are 5m wide",
        ),
        (
            ["kpi.sliding={revenue_by_payer: [{size_s: 172800, every_s: 86400}]}"],
            "has local days, over which no window slides",
        ),
    ],
)
def test_what_can_not_be_is_refused(overrides, words):
    with pytest.raises(ConfigurationError) as caught:
        load_config(None, overrides)
    assert words in str(caught.value)


def test_without_a_topic_settings_may_stand_there_all_the_same():
    config = load_config(None, ["kpi.early_s=5"])
    assert config.kpi.topic is None
    assert config.kpi.settings().early_s == 5
