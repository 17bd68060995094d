from beam_pipelines.produce import events_of_one_schema
from schemas.catalog import packaged_dataset
from schemas.strict import decode


def test_every_event_decodes_with_the_reader_schema():
    reader = packaged_dataset("dispense_event").reader
    values = events_of_one_schema(700, seed=3)
    assert len(values) == 700
    for value in values:
        assert value[:5] == b"\x00\x00\x00\x00\x02"
        assert len(decode(reader, reader, value[5:])) == 50


def test_events_have_the_size_that_benchmarks_expect():
    values = events_of_one_schema(5_000)
    assert 300 <= sum(map(len, values)) / len(values) <= 350


def test_the_seed_decides_on_the_bytes():
    assert events_of_one_schema(50, seed=1) == events_of_one_schema(50, seed=1)
    assert events_of_one_schema(50, seed=1) != events_of_one_schema(50, seed=2)
