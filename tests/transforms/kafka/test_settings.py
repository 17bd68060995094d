"""How to reach the cluster, and what may not be set."""

import pytest

from transforms.errors import ConfigurationError
from transforms.kafka import BrokerSettings, SegmentLimits
from transforms.kafka.settings import CONSUMER_DEFAULTS, PINNED


@pytest.mark.parametrize("name", sorted(PINNED))
def test_what_exactness_hangs_on_can_not_be_changed(name):
    with pytest.raises(ConfigurationError, match=f"{name} can't be changed"):
        BrokerSettings(bootstrap_servers="h:1", config={name: "x"})


def test_what_can_not_be_changed_is_set_as_the_design_says():
    assert {name: CONSUMER_DEFAULTS[name] for name in PINNED} == {
        "isolation.level": "read_committed",
        "auto.offset.reset": "error",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
    }


def test_no_address_is_refused():
    with pytest.raises(ConfigurationError, match="bootstrap_servers must be"):
        BrokerSettings(bootstrap_servers="")


def test_other_settings_pass_through_and_msk_is_recognized():
    config = {"sasl.oauthbearer.method": "aws-msk-iam", "client.id": "x"}
    assert BrokerSettings(bootstrap_servers="h:1", config=config).uses_msk_iam
    assert not BrokerSettings(bootstrap_servers="h:1", config={"client.id": "x"}).uses_msk_iam


@pytest.mark.parametrize("limits", [{"messages": 0}, {"bytes": 0}, {"messages": -1}])
def test_limits_must_be_positive(limits):
    with pytest.raises(ValueError, match="must be positive"):
        SegmentLimits(**limits)
