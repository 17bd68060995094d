from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.produce.contracts import contracts
from beam_pipelines.produce.faults.spans import read_long, spans, write_long
from beam_pipelines.produce.generate import generate


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_long_reads_back(value):
    encoded = write_long(value)
    assert read_long(b"x" + encoded, 1) == (value, 1 + len(encoded))


def test_longs_are_those_of_the_specification():
    assert [write_long(n) for n in (0, -1, 1, -64, 64)] == [
        b"\x00", b"\x01", b"\x02", b"\x7f", b"\x80\x01",
    ]  # fmt: skip


def test_spans_cover_every_datum_of_the_stream_from_end_to_end():
    datasets = ("dispense_event", "inventory_movement", "patient_update")
    datasets += ("pharmacy_ref", "drug_ref", "prescriber_ref")
    known = {c.schema_id: c for name in datasets for c in contracts(name).values()}
    for chunk in generate(4, 1_500, "none"):
        for value in chunk.values:
            contract = known[int.from_bytes(value[1:5], "big")]
            found = spans(contract.schema, value[5:])
            position = 0
            for span, field in zip(found, contract.schema["fields"], strict=True):
                assert span.name == field["name"]
                assert (span.start if span.union is None else span.union) == position
                position = span.end
            assert position == len(value) - 5
