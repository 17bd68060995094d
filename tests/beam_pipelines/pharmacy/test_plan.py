"""No segment may cross a stage: the measured price is four times the memory, and a lost fence."""

import apache_beam as beam
import pytest

from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.pharmacy.pipeline import PharmacyJob, build
from tests import plans
from transforms.segment import SegmentCoder

CHAIN = ("ReadSegments", "DecodeMessages", "JudgeRows", "MapRows", "MaskRows", "WriteSegments")


@pytest.fixture
def pipeline():
    built = beam.Pipeline()
    job = PharmacyJob(
        config=load_config(None), bootstrap_servers="127.0.0.1:1", lake_root="s3://bucket/lake"
    )
    build(built, job)
    return built


def test_no_segment_crosses_a_stage_of_the_plan(pipeline):
    assert plans.stages_crossed_by(pipeline, SegmentCoder) == []


def test_all_steps_from_reading_to_writing_are_one_stage(pipeline):
    holding = [s for s in plans.stages(pipeline) if any("WriteSegments" in name for name in s)]

    assert len(holding) == 1
    assert all(any(part in name for name in holding[0]) for part in CHAIN)


def test_a_shuffle_in_between_would_be_seen(monkeypatch):
    from transforms.avro import EnforceSchema

    whole = EnforceSchema.expand
    monkeypatch.setattr(
        EnforceSchema, "expand", lambda self, segments: whole(self, segments | beam.Reshuffle())
    )
    built = beam.Pipeline()
    job = PharmacyJob(
        config=load_config(None), bootstrap_servers="127.0.0.1:1", lake_root="s3://bucket/lake"
    )
    build(built, job)

    assert plans.stages_crossed_by(built, SegmentCoder) != []
