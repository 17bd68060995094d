"""How a run sees its references: pinned in a drain, read again in a stream."""

import pytest

from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.pharmacy.pipeline import PharmacyJob
from transforms.errors import ConfigurationError


def references(mode, *settings):
    job = PharmacyJob(
        config=load_config(None, settings),
        bootstrap_servers="localhost:1",
        lake_root="s3://b/p",
        mode=mode,
    )
    return job.references


def test_a_stream_reads_them_again_each_minute_or_as_it_is_told():
    assert references("stream")._refresh_s == 60
    assert references("stream", "references.refresh_s=5")._refresh_s == 5
    assert references("stream", "references.refresh_s=0")._refresh_s == 0


def test_a_drain_never_does():
    assert references("drain")._refresh_s == 0


def test_it_looks_for_them_in_the_topics_that_carry_them():
    topics = references("stream")._topics
    assert "pharmacy.ref.drugs" in topics
    assert "pharmacy.dispense" not in topics


def test_a_time_that_is_none_is_refused():
    with pytest.raises(ConfigurationError, match=r"references\.refresh_s"):
        load_config(None, ["references.refresh_s=-1"])
