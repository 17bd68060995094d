"""No segment of a stream may cross a stage either, in the packaged job's whole chain."""

from dataclasses import replace

import apache_beam as beam
import pytest

from beam_pipelines.pharmacy import pipeline as pharmacy
from beam_pipelines.pharmacy.config import load_config
from tests import plans
from transforms.segment import SegmentCoder

CHAIN = ("ReadSegments", "DecodeMessages", "JudgeRows", "MapRows", "MaskRows", "WriteSegments")


@pytest.fixture
def built(monkeypatch):
    reading = pharmacy._reading
    monkeypatch.setattr(pharmacy, "_reading", lambda job: replace(reading(job), mode="stream"))
    pipeline = beam.Pipeline()
    job = pharmacy.PharmacyJob(
        config=load_config(None), bootstrap_servers="127.0.0.1:1", lake_root="s3://bucket/lake"
    )
    outcomes = pharmacy.build(pipeline, job)
    return pipeline, outcomes


def test_no_segment_crosses_a_stage_of_the_plan(built):
    pipeline, _ = built
    assert plans.stages_crossed_by(pipeline, SegmentCoder) == []


def test_all_steps_from_reading_to_writing_are_one_stage(built):
    pipeline, _ = built
    holding = [s for s in plans.stages(pipeline) if any("WriteSegments" in name for name in s)]
    assert len(holding) == 1
    assert all(any(part in name for name in holding[0]) for part in CHAIN)


def test_a_stream_has_no_end_and_so_no_report(built):
    pipeline, outcomes = built
    assert not outcomes.is_bounded
    steps = [name for stage in plans.stages(pipeline) for name in stage]
    assert not any("ReportRun" in name for name in steps)
