import pytest

from beam_pipelines.masking.datasets import packaged_masks
from schemas.catalog import packaged_datasets
from transforms.errors import ConfigurationError
from transforms.masking import POLICIES, MaskConfig


@pytest.mark.parametrize("policy", POLICIES)
def test_the_packaged_datasets_can_be_masked_together_under_every_policy(policy):
    config = MaskConfig(
        policy=policy,
        domain="shop",
        key="env:MASKING_KEY",
        key_version=1,
        overrides={"dispense_event.sig_text": "drop"},
        datasets=packaged_masks(),
    )
    assert set(config.datasets) == {dataset.name for dataset in packaged_datasets()}


def test_an_unknown_dataset_is_refused_with_those_there_are():
    with pytest.raises(ConfigurationError, match="dispense_event"):
        packaged_masks(["none"])
